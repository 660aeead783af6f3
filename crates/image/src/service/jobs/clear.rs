// SPDX-License-Identifier: Apache-2.0
//! Clearing up writes that nobody works on any more, again and again until it is done.

use std::sync::Arc;

use async_trait::async_trait;
use scurry_jobs::{Handler, Job, JobContext, Outcome};
use serde_json::Value;

use super::CLEAR;
use crate::ports::Purpose;
use crate::service::Answer;
use crate::service::core::Core;

/// Removes what ended writes of an image left in stores.
#[derive(Debug)]
pub(in crate::service) struct ClearJob {
    core: Arc<Core>,
}

impl ClearJob {
    pub(in crate::service) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    async fn clear(&self, job: &Job) -> Answer<Option<String>> {
        let Some(id) = &job.image_id else { return Ok(None) };
        let core = &self.core;
        // Whoever writes for the image now would have its unfinished objects taken away.
        let Ok(_turn) = core.turn(id).try_lock_owned() else {
            return Ok(Some("the image is being written".to_owned()));
        };
        let mut reason = None;
        // Jobs of an earlier version name no write: theirs are this node's.
        let one = job.payload.get("write").and_then(Value::as_str);
        let node = one.is_none().then_some(core.settings.node_id.as_str());
        for row in core.images.journal(Some(id), node).await? {
            if one.is_some_and(|one| one != row.id) {
                continue;
            }
            if core.is_resumable(&row).await? {
                continue;
            }
            if row.purpose == Purpose::Import && core.has_open_job(id).await? {
                // It may go on with the object, and clears up after itself else.
                reason = Some("a job goes on with the image".to_owned());
                continue;
            }
            if let Err(error) = core.clear_write(&row).await {
                reason = Some(error.reason());
            }
        }
        Ok(reason)
    }
}

#[async_trait]
impl Handler for ClearJob {
    fn kind(&self) -> &'static str {
        CLEAR
    }

    fn max_attempts(&self) -> Option<u32> {
        None
    }

    async fn run(&self, job: &Job, _context: &JobContext) -> Outcome {
        match self.clear(job).await {
            Ok(None) => Outcome::Done,
            Ok(Some(reason)) => Outcome::Retry(reason),
            Err(error) => Outcome::Retry(error.reason()),
        }
    }

    async fn give_up(&self, _job: &Job, _context: &JobContext, _reason: &str) {}
}
