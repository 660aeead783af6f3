// SPDX-License-Identifier: Apache-2.0
//! Removing the objects of a deleted image, store by store.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use scurry_jobs::{Handler, Job, JobContext, Outcome};
use scurry_store::{Store, StoreError, StoreErrorKind};
use scurry_types::{ImageId, ImageStatus};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::DELETE;
use crate::image::{ImageLocation, reserved};
use crate::ports::{Change, Guard, Purpose};
use crate::service::Answer;
use crate::service::core::Core;

/// How long a deletion waits for a copy of the image to stop.
const STOPPING: Duration = Duration::from_secs(10);
/// Pause between two attempts meanwhile.
const PAUSE: Duration = Duration::from_millis(500);

/// What the service itself wrote on the image for a copy.
const HOLD: [&str; 3] = [reserved::IMPORT_TASK, reserved::IMPORTING_TO, reserved::FAILED_IMPORT];

/// What a deletion takes away.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::service) struct DeletePayload {
    /// The image's state before.
    pub(in crate::service) status: ImageStatus,
    /// Its locations.
    pub(in crate::service) doomed: Vec<Doomed>,
}

/// A location to be removed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::service) struct Doomed {
    #[serde(flatten)]
    pub(in crate::service) location: ImageLocation,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Checkpoint {
    /// Urls that are gone.
    removed: Vec<String>,
    /// The client was told that the image is deleted: there is no way back.
    #[serde(default)]
    answered: bool,
}

/// Deletes an image's objects.
#[derive(Debug)]
pub(in crate::service) struct DeleteJob {
    core: Arc<Core>,
}

impl DeleteJob {
    pub(in crate::service) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    async fn remove_all(&self, job: &Job, context: &JobContext) -> Answer<Outcome> {
        let core = &self.core;
        let (Some(id), Ok(payload)) =
            (&job.image_id, serde_json::from_value::<DeletePayload>(job.payload.clone()))
        else {
            return Ok(Outcome::Failed("the job cannot be read".to_owned()));
        };
        let mut checkpoint: Checkpoint = serde_json::from_value(job.checkpoint.clone()).unwrap_or_default();
        if let Err(error) = core.remove_staged(id).await {
            tracing::warn!(image.id = %id, error = error.reason(), "a staged file of a deleted image stays");
        }
        let mut reason = None;
        for Doomed { location } in &payload.doomed {
            let url = &location.url;
            if checkpoint.removed.contains(url) {
                continue;
            }
            let Some(store) = location.store().and_then(|name| core.stores.get(name)) else {
                tracing::warn!(image.id = %id, url, "the location of a deleted image is in no store of ours");
                continue;
            };
            match self.remove(id, store.as_ref(), url).await {
                Ok(()) => {
                    core.crash.pass("delete.object-gone").await;
                    checkpoint.removed.push(url.clone());
                    context.checkpoint(&json!(checkpoint)).await?;
                }
                Err(error) if error.kind == StoreErrorKind::InUse && !checkpoint.answered => {
                    self.take_back(id, &payload, &checkpoint).await?;
                    return Ok(Outcome::Failed(error.message));
                }
                Err(error) => reason = Some(error.to_string()),
            }
        }
        if let Some(reason) = reason {
            checkpoint.answered = true;
            context.checkpoint(&json!(checkpoint)).await?;
            return Ok(Outcome::Retry(reason));
        }
        let guard = Guard::states(&[ImageStatus::Deleted]);
        let _ = core.images.change(id, &guard, &[Change::BlockHashes(None)]).await?;
        Ok(Outcome::Done)
    }

    /// Removes an object; one that a copy of ours still reads, which was told to stop, when that has stopped.
    async fn remove(&self, id: &ImageId, store: &dyn Store, url: &str) -> Result<(), StoreError> {
        match Core::remove_object(store, url).await {
            Err(error) if error.kind == StoreErrorKind::InUse => {
                let turn = self.core.turn(id);
                if Arc::clone(&turn).try_lock_owned().is_ok() {
                    return self.remove_when_stopped(id, store, url, error).await;
                }
                match tokio::time::timeout(STOPPING, turn.lock_owned()).await {
                    Ok(_stopped) => Core::remove_object(store, url).await,
                    Err(_) => Err(error),
                }
            }
            removed => removed,
        }
    }

    /// The same where the copy is another node's: that hears within seconds that its job was taken back.
    async fn remove_when_stopped(
        &self,
        id: &ImageId,
        store: &dyn Store,
        url: &str,
        mut error: StoreError,
    ) -> Result<(), StoreError> {
        let begun = Instant::now();
        while error.kind == StoreErrorKind::InUse && begun.elapsed() < STOPPING {
            let rows = self.core.images.journal(Some(id), None).await.unwrap_or_default();
            if !rows
                .iter()
                .any(|row| row.purpose == Purpose::Import && row.node != self.core.settings.node_id)
            {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            match Core::remove_object(store, url).await {
                Err(again) => error = again,
                Ok(()) => return Ok(()),
            }
        }
        // It may have stopped after the last look.
        if error.kind == StoreErrorKind::InUse && begun.elapsed() >= PAUSE {
            return Core::remove_object(store, url).await;
        }
        Err(error)
    }

    /// Something still needs an object: the image is back, with the locations that are left.
    async fn take_back(&self, id: &ImageId, payload: &DeletePayload, done: &Checkpoint) -> Answer<()> {
        let left: Vec<ImageLocation> = payload
            .doomed
            .iter()
            .map(|doomed| doomed.location.clone())
            .filter(|location| !done.removed.contains(&location.url))
            .collect();
        let guard = Guard::states(&[ImageStatus::Deleted]);
        // The job goes with the deletion: begun again after a crash it would take the objects all the same.
        let mut back = vec![Change::Undelete(payload.status, left), Change::CancelJobs(DELETE)];
        // The deletion ended the copy that held the image: another one may begin.
        back.extend(HOLD.map(|name| Change::RemoveProperty(name.to_owned())));
        let _ = self.core.images.change(id, &guard, &back).await?;
        self.core.crash.pass("delete.taken-back").await;
        Ok(())
    }
}

#[async_trait]
impl Handler for DeleteJob {
    fn kind(&self) -> &'static str {
        DELETE
    }

    fn max_attempts(&self) -> Option<u32> {
        None
    }

    async fn run(&self, job: &Job, context: &JobContext) -> Outcome {
        self.remove_all(job, context).await.unwrap_or_else(|error| Outcome::Retry(error.reason()))
    }

    async fn give_up(&self, _job: &Job, _context: &JobContext, _reason: &str) {}
}
