// SPDX-License-Identifier: Apache-2.0
//! Where events wait.

use std::error::Error;
use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;

/// An event that waits to be published.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    /// Its place in the order.
    pub id: i64,
    /// The same at every attempt.
    pub message_id: String,
    /// `image.create`, …
    pub event_type: String,
    /// `INFO` or `ERROR`.
    pub priority: String,
    /// What it says.
    pub payload: Value,
    /// When it happened.
    pub created_at: DateTime<Utc>,
}

/// The events cannot be read or removed.
#[derive(Debug, thiserror::Error)]
#[error("the notifications that wait cannot be read or removed")]
pub struct OutboxError(#[source] pub Box<dyn Error + Send + Sync>);

/// Events that wait, of all processes on one database.
#[async_trait]
pub trait Outbox: fmt::Debug + Send + Sync + 'static {
    /// Takes or renews the right to publish; `false` while another process has it.
    async fn lease(&self, owner: &str, until: DateTime<Utc>) -> Result<bool, OutboxError>;

    /// Lets another process publish at once.
    async fn release(&self, owner: &str) -> Result<(), OutboxError>;

    /// The first so many, in their order.
    async fn oldest(&self, most: u64) -> Result<Vec<Waiting>, OutboxError>;

    /// Removes events that were published.
    async fn remove(&self, ids: &[i64]) -> Result<(), OutboxError>;

    /// Drops the oldest beyond so many, and those kept before a point in time; how many there were.
    async fn trim(&self, most: u64, before: DateTime<Utc>) -> Result<u64, OutboxError>;

    /// Ends when this process may have added some.
    async fn added(&self);
}
