// SPDX-License-Identifier: Apache-2.0
//! What is kept of a copy on its way, so that it can go on after a crash.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use scurry_types::{Ranges, StoreId};
use tokio::time::Instant;

/// When and where a copy tells how far it is.
#[derive(Debug, Clone)]
pub struct CopyCheckpoints {
    /// After so many bytes of data at the latest.
    pub bytes: u64,
    /// After so much time at the latest.
    pub time: Duration,
    /// Who keeps it.
    pub keep: Arc<dyn KeepCopied>,
}

/// Keeps how far a copy is.
#[async_trait]
pub trait KeepCopied: fmt::Debug + Send + Sync {
    /// Keeps which blocks are durable in each target that has not failed; `false` when the copy is no longer the
    /// caller's, which ends it.
    async fn keep(&self, written: Vec<(StoreId, Ranges)>) -> bool;
}

/// When the next checkpoint is due.
#[derive(Debug)]
pub(super) struct Due {
    checkpoints: Option<CopyCheckpoints>,
    bytes: u64,
    since: Instant,
}

impl Due {
    pub(super) fn new(checkpoints: Option<CopyCheckpoints>) -> Self {
        Self { checkpoints, bytes: 0, since: Instant::now() }
    }

    /// Counts what was written; who keeps it, when it is time to.
    pub(super) fn after(&mut self, bytes: u64, busy: bool) -> Option<Arc<dyn KeepCopied>> {
        self.bytes += bytes;
        let checkpoints = self.checkpoints.as_ref()?;
        let due = self.bytes >= checkpoints.bytes || self.since.elapsed() >= checkpoints.time;
        if busy || !due {
            return None;
        }
        (self.bytes, self.since) = (0, Instant::now());
        Some(Arc::clone(&checkpoints.keep))
    }

    /// Who keeps the last one.
    pub(super) fn last(&self) -> Option<Arc<dyn KeepCopied>> {
        self.checkpoints.as_ref().map(|checkpoints| Arc::clone(&checkpoints.keep))
    }
}
