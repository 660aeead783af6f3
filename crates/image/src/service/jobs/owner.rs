// SPDX-License-Identifier: Apache-2.0
//! Telling the stores whose an image is after its owner changed: Cinder clones an image's volume for its owner alone.

use std::sync::Arc;

use async_trait::async_trait;
use scurry_jobs::{Handler, Job, JobContext, NewJob, Outcome};
use scurry_store::StoreErrorKind;
use scurry_types::{ImageId, JobId};
use serde_json::Value;

use super::OWNER;
use crate::service::Answer;
use crate::service::core::Core;

/// Writes the present owner on every object of an image.
#[derive(Debug)]
pub(in crate::service) struct OwnerJob {
    core: Arc<Core>,
}

/// The job for an image whose owner changes.
pub(in crate::service) fn owner_job(image: &ImageId) -> NewJob {
    NewJob {
        id: JobId::random(),
        kind: OWNER.to_owned(),
        image_id: Some(image.clone()),
        payload: Value::Null,
        claimed: None,
        kept_for: None,
    }
}

impl OwnerJob {
    pub(in crate::service) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// What could not be marked, if anything.
    async fn mark(&self, id: &ImageId) -> Answer<Option<String>> {
        // The owner is read here and not when the job was made: the last of several changes counts.
        let Some(image) = self.core.images.get(id).await? else { return Ok(None) };
        let mut reason = None;
        for location in &image.locations {
            let Some(store) = location.store().and_then(|store| self.core.stores.get(store)) else {
                continue;
            };
            match store.set_owner(&location.url, image.owner.as_ref()).await {
                Err(error) if error.kind != StoreErrorKind::NotFound => reason = Some(error.to_string()),
                _ => {}
            }
        }
        Ok(reason)
    }
}

#[async_trait]
impl Handler for OwnerJob {
    fn kind(&self) -> &'static str {
        OWNER
    }

    fn max_attempts(&self) -> Option<u32> {
        Some(20)
    }

    async fn run(&self, job: &Job, _context: &JobContext) -> Outcome {
        let Some(id) = &job.image_id else { return Outcome::Done };
        match self.mark(id).await {
            Ok(None) => Outcome::Done,
            Ok(Some(reason)) => Outcome::Retry(reason),
            Err(error) => Outcome::Retry(error.reason()),
        }
    }

    async fn give_up(&self, job: &Job, _context: &JobContext, reason: &str) {
        let image = job.image_id.as_ref().map(ToString::to_string);
        tracing::warn!(image.id = image, reason, "the image's objects name its former owner");
    }
}
