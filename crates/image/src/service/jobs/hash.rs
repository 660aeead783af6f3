// SPDX-License-Identifier: Apache-2.0
//! Hashing bytes that were registered by their location.

use std::sync::Arc;

use async_trait::async_trait;
use scurry_jobs::{Handler, Job, JobContext, Outcome};
use scurry_transfer::{IngestError, IngestSpec, Ingested, OnFailure, Progress, ingest, read_stream};
use scurry_types::{HashAlgorithm, ImageId, ImageStatus, TaskStatus};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::HASH;
use crate::error::ImageError;
use crate::image::{Image, ImageLocation, location};
use crate::ports::{Change, Guard};
use crate::service::Answer;
use crate::service::core::Core;

#[derive(Debug, Deserialize)]
struct Payload {
    /// What the client says the bytes hash to.
    claimed: Option<(HashAlgorithm, String)>,
}

/// Hashes images registered by their location.
#[derive(Debug)]
pub(in crate::service) struct HashJob {
    core: Arc<Core>,
}

impl HashJob {
    pub(in crate::service) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    async fn hash(&self, job: &Job, context: &JobContext) -> Answer<Outcome> {
        let core = &self.core;
        let (Some(id), Ok(payload)) = (&job.image_id, serde_json::from_value::<Payload>(job.payload.clone()))
        else {
            return Ok(Outcome::Failed("the job cannot be read".to_owned()));
        };
        let Some(image) = core.images.get(id).await? else {
            core.task_lost(&job.id).await?;
            return Ok(Outcome::Failed("the image is gone".to_owned()));
        };
        let working = core.task_state(TaskStatus::Processing, String::new());
        core.images.change_task(&job.id, &working).await?;
        let algorithm =
            payload.claimed.as_ref().map_or(core.settings.hashing_algorithm, |(algorithm, _)| *algorithm);
        let hashed = match self.read(&image, algorithm, context.stop.clone()).await {
            Ok(hashed) => hashed,
            Err(_) if context.stop.is_cancelled() => return Ok(Outcome::Interrupted),
            Err(error) => return Ok(Outcome::Retry(error.reason())),
        };
        core.crash.pass("hash.read").await;
        if let Some((_, value)) = &payload.claimed
            && !value.eq_ignore_ascii_case(&hashed.digests.os_hash_value)
        {
            let reason = format!("{algorithm} of the data is {}, not {value}", hashed.digests.os_hash_value);
            self.refuse(job, &image, &reason).await?;
            return Ok(Outcome::Failed(reason));
        }
        let mut changes = vec![
            Change::Hashes {
                checksum: Some(hashed.digests.checksum),
                os_hash_algo: Some(algorithm.to_string()),
                os_hash_value: Some(hashed.digests.os_hash_value),
            },
            Change::BlockHashes(Some(hashed.blocks)),
            Change::Task(job.id.clone(), core.task_state(TaskStatus::Success, String::new())),
        ];
        if image.status == ImageStatus::Importing {
            changes.push(Change::Status(ImageStatus::Active));
        }
        let _ = core.images.change(id, &Guard::states(&[image.status]), &changes).await?;
        Ok(Outcome::Done)
    }

    async fn read(
        &self,
        image: &Image,
        algorithm: HashAlgorithm,
        cancel: CancellationToken,
    ) -> Answer<Ingested> {
        let core = &self.core;
        let location = core.ranked(image, &[]).into_iter().next();
        let location = location.ok_or_else(|| ImageError::no_image(&image.id))?;
        let reader = core.open(location).await.map_err(ImageError::Store)?;
        let len = reader.len();
        let body = Box::pin(read_stream(reader, 0..len, &core.budget));
        let spec = IngestSpec {
            algorithm,
            declared_len: Some(len),
            max_len: len,
            inspect: false,
            on_target_failure: OnFailure::AbortAll,
            progress: Arc::new(Progress::new()),
            cancel,
            resume: None,
            checkpoints: None,
            suspendable: false,
        };
        // Without a target the bytes are only looked at.
        ingest(body, Vec::new(), spec, &core.budget).await.map_err(|failed| match failed.error {
            IngestError::Source(source) => {
                ImageError::Unavailable { text: source.to_string(), retry_after: None }
            }
            other => ImageError::Unavailable { text: other.to_string(), retry_after: None },
        })
    }

    /// The bytes are not what they were said to be. An image that waited for that answer is `queued` again;
    /// the object is the client's and stays.
    async fn refuse(&self, job: &Job, image: &Image, reason: &str) -> Answer<()> {
        let failed = self.core.task_state(TaskStatus::Failure, reason.to_owned());
        if image.status != ImageStatus::Importing {
            return Ok(self.core.images.change_task(&job.id, &failed).await?);
        }
        let changes = [
            Change::Status(ImageStatus::Queued),
            Change::Sizes { size: None, virtual_size: None },
            Change::Hashes { checksum: None, os_hash_algo: None, os_hash_value: None },
            Change::Locations(self.kept(image)),
            Change::Task(job.id.clone(), failed),
        ];
        let _ = self.core.images.change(&image.id, &Guard::states(&[image.status]), &changes).await?;
        Ok(())
    }

    /// Nothing can be removed from a store that is only read: Glance keeps such a location to be seen. Its bytes are
    /// given to nobody.
    fn kept(&self, image: &Image) -> Vec<ImageLocation> {
        let only_read = |location: &&ImageLocation| {
            let store = location.store().and_then(|store| self.core.stores.get(store));
            store.is_some_and(|store| !store.capability().write)
        };
        let kept = image.locations.iter().filter(only_read).cloned();
        kept.map(|one| ImageLocation { status: location::REFUSED.to_owned(), ..one }).collect()
    }

    async fn give_up_on(&self, id: &ImageId, job: &Job, reason: &str) -> Answer<()> {
        match self.core.images.get(id).await? {
            Some(image) => self.refuse(job, &image, reason).await,
            None => self.core.task_lost(&job.id).await,
        }
    }
}

#[async_trait]
impl Handler for HashJob {
    fn kind(&self) -> &'static str {
        HASH
    }

    fn max_attempts(&self) -> Option<u32> {
        Some(self.core.settings.http_retries.saturating_add(1))
    }

    async fn run(&self, job: &Job, context: &JobContext) -> Outcome {
        self.hash(job, context).await.unwrap_or_else(|error| Outcome::Retry(error.reason()))
    }

    async fn give_up(&self, job: &Job, _context: &JobContext, reason: &str) {
        let Some(id) = &job.image_id else { return };
        if let Err(error) = self.give_up_on(id, job, reason).await {
            tracing::error!(image.id = %id, error = error.reason(), "a failed hash cannot be noted");
        }
    }
}
