// SPDX-License-Identifier: Apache-2.0
//! A job and its states.

use chrono::{DateTime, Utc};
use scurry_types::{ImageId, JobId};
use serde_json::Value;

/// The life of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// To be claimed once its time has come.
    Pending,
    /// Leased by a node.
    Running,
    /// Done.
    Succeeded,
    /// Given up.
    Failed,
    /// Taken back before it ended.
    Cancelled,
}

impl JobState {
    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads the word back.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Pending, Self::Running, Self::Succeeded, Self::Failed, Self::Cancelled]
            .into_iter()
            .find(|state| state.as_str() == word)
    }
}

/// A job to be enqueued.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// Its id.
    pub id: JobId,
    /// Which handler works on it.
    pub kind: String,
    /// The image it is about.
    pub image_id: Option<ImageId>,
    /// What is to be done, in the handler's own terms.
    pub payload: Value,
    /// When set, the job is leased from the start by that node until that time: the one who enqueues it
    /// works on it at once.
    pub claimed: Option<(String, DateTime<Utc>)>,
    /// When set, that node alone may claim the job until that time: it has what the job needs.
    pub kept_for: Option<(String, DateTime<Utc>)>,
}

/// A job as it stands in the database.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Which handler works on it.
    pub kind: String,
    /// The image it is about.
    pub image_id: Option<ImageId>,
    /// How far it is.
    pub state: JobState,
    /// What is to be done.
    pub payload: Value,
    /// How far the handler came; `Null` at first.
    pub checkpoint: Value,
    /// How often it was begun.
    pub attempts: u32,
    /// Why the last attempt ended early.
    pub last_error: Option<String>,
    /// The node that works on it; for a pending job, the one it is kept for.
    pub lease_owner: Option<String>,
    /// Until when the lease holds; for a pending job, the earliest time of the next attempt.
    pub lease_expires_at: Option<DateTime<Utc>>,
    /// When it was enqueued.
    pub created_at: DateTime<Utc>,
    /// When something changed last.
    pub updated_at: DateTime<Utc>,
}
