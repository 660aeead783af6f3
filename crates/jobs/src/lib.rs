// SPDX-License-Identifier: Apache-2.0
//! Durable jobs: rows that say what is to be done, leases that say who does it, and their resumption.
//!
//! A job is enqueued in the same transaction as the change it belongs to. Whoever holds its lease works on it
//! and keeps the lease alive by heartbeats; when the holder dies, the lease runs out and another takes over.
//! Handlers are therefore written so that doing a step again does no harm.

mod engine;
mod job;
mod repository;

pub use engine::{Engine, EngineSettings, Handler, JobContext, Outcome};
pub use job::{Job, JobState, NewJob};
pub use repository::{JobRepository, JobStoreError};
