// SPDX-License-Identifier: Apache-2.0
//! What the engine needs of the database.

use std::error::Error;
use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use scurry_types::{ImageId, JobId};
use serde_json::Value;

use crate::job::{Job, JobState, NewJob};

/// The rows of jobs cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} jobs in the database")]
pub struct JobStoreError {
    /// What was tried: "claim", "finish", …
    pub action: &'static str,
    /// Why it failed.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

/// The rows of jobs. Every change of a running job is a compare-and-set on its lease owner: `false` means
/// that the job is no longer this node's (cancelled, or taken over).
#[async_trait]
pub trait JobRepository: fmt::Debug + Send + Sync + 'static {
    /// The time by which leases are kept, the same for all nodes whatever their clocks say.
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    /// Adds a job.
    async fn enqueue(&self, job: &NewJob) -> Result<(), JobStoreError>;

    /// Leases the oldest job of these kinds that is due: pending and its time has come or kept for this owner, or
    /// running with an expired lease. Counts an attempt.
    async fn claim(
        &self,
        owner: &str,
        kinds: &[String],
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<Job>, JobStoreError>;

    /// Prolongs a lease.
    async fn heartbeat(&self, id: &JobId, owner: &str, until: DateTime<Utc>) -> Result<bool, JobStoreError>;

    /// Keeps how far the handler came.
    async fn checkpoint(&self, id: &JobId, owner: &str, checkpoint: &Value) -> Result<bool, JobStoreError>;

    /// Ends a job.
    async fn finish(
        &self,
        id: &JobId,
        owner: &str,
        state: JobState,
        error: Option<&str>,
    ) -> Result<bool, JobStoreError>;

    /// Puts a job back, to be claimed not before `due`. An attempt that did not count is taken back.
    async fn put_back(
        &self,
        id: &JobId,
        owner: &str,
        due: DateTime<Utc>,
        error: Option<&str>,
        counts: bool,
    ) -> Result<bool, JobStoreError>;

    /// Puts a job back for another node, which alone may claim it until `until`. The attempt is taken back.
    async fn hand_over(
        &self,
        id: &JobId,
        owner: &str,
        node: &str,
        until: DateTime<Utc>,
    ) -> Result<bool, JobStoreError>;

    /// Makes every lease of a node claimable at once; called when that node starts.
    async fn drop_leases(&self, owner: &str) -> Result<u64, JobStoreError>;

    /// One job.
    async fn get(&self, id: &JobId) -> Result<Option<Job>, JobStoreError>;

    /// Jobs of an image that are not ended.
    async fn open_jobs(&self, image: &ImageId) -> Result<Vec<Job>, JobStoreError>;

    /// Ended jobs older than `before` are removed.
    async fn forget_ended(&self, before: DateTime<Utc>) -> Result<u64, JobStoreError>;
}
