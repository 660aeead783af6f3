// SPDX-License-Identifier: Apache-2.0
//! `copy-image`: an active image brought into more stores.

use std::sync::Arc;

use async_trait::async_trait;
use scurry_jobs::{Handler, Job, JobContext, Outcome};
use scurry_store::Store;
use scurry_types::{ImageId, ImageStatus, StoreId, TaskStatus};

use super::copy_kept::{Kept, Notes, Remaining, Unfinished};
use super::import::read;
use super::{COPY, ImportPayload, Loss, sentence};
use crate::error::ImageError;
use crate::image::Image;
use crate::ports::{self, Change, Guard, WriteRow};
use crate::service::Answer;
use crate::service::core::Core;
use crate::service::quota::{Resource, Room};

/// States in which an image may be copied: it may be deactivated while the copy runs.
pub(super) const WITH_DATA: [ImageStatus; 2] = [ImageStatus::Active, ImageStatus::Deactivated];

/// Why a copy ended.
pub(super) enum Ended {
    /// These stores did not get it.
    Tried(Vec<Loss>),
    /// Told to stop.
    Stopped,
    /// Told to stop, its objects left to be gone on with.
    Suspended,
    /// The image is not this job's any more.
    Gone,
}

/// Copies images between stores.
#[derive(Debug)]
pub(in crate::service) struct CopyJob {
    pub(super) core: Arc<Core>,
}

impl CopyJob {
    pub(in crate::service) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    async fn copy(&self, job: &Job, context: &JobContext) -> Answer<Outcome> {
        let core = &self.core;
        let (Some(id), Some(payload)) = read(job) else {
            return Ok(Outcome::Failed("the job cannot be read".to_owned()));
        };
        let _turn = core.turn(id).lock_owned().await;
        let kept = Kept::of(job);
        let unfinished = core.unfinished_copies(id, &kept).await?;
        let held = core.held(id, &job.id).await?;
        let Some(image) = held.filter(|image| WITH_DATA.contains(&image.status)) else {
            core.clear_writes(&rows(unfinished)).await;
            core.task_lost(&job.id).await?;
            return Ok(Outcome::Failed("the image is gone".to_owned()));
        };
        if let Some(lost) = kept.undo.clone() {
            return self.undo(job, id, &payload, lost).await;
        }
        let working = core.task_state(TaskStatus::Processing, String::new());
        core.images.change_task(&job.id, &working).await?;
        core.crash.pass("copy.processing").await;
        let missing = self.missing(&image, &payload);
        let _room = match self.within_limits(&payload, &image, missing.len()).await {
            Err(ImageError::OverLimit(reason) | ImageError::TooLarge(reason)) => {
                let lost = all_lost(&payload.stores, &reason);
                core.clear_writes(&rows(unfinished)).await;
                return self.fail(job, id, &reason, &lost).await;
            }
            // Limits that cannot be learnt stop no copy.
            held => held.unwrap_or_default(),
        };
        let notes = Notes::new(context, kept);
        let remaining = Remaining { missing, unfinished, notes: Arc::clone(&notes) };
        let lost = match self.fill(job, context, &image, &payload, remaining).await? {
            Ended::Tried(lost) => lost,
            Ended::Stopped if core.held(id, &job.id).await?.is_some() => return Ok(Outcome::Interrupted),
            Ended::Gone if core.held(id, &job.id).await?.is_some() => {
                // Another node took this one for dead and went on with the copy.
                return Ok(Outcome::Retry("another node worked on the copy".to_owned()));
            }
            Ended::Stopped | Ended::Suspended | Ended::Gone => {
                core.task_lost(&job.id).await?;
                return Ok(Outcome::Failed("the image is gone".to_owned()));
            }
        };
        self.conclude(job, &notes, id, &payload, lost).await
    }

    /// The image counts among the staged and the uploading ones already.
    async fn within_limits(
        &self,
        payload: &ImportPayload,
        image: &Image,
        more: usize,
    ) -> Answer<Option<Room>> {
        let project = payload.project.as_ref();
        self.core.enforce(project, Resource::StageTotal, 0).await?;
        self.core.enforce(project, Resource::CountUploading, 0).await?;
        if more == 0 {
            return Ok(None);
        }
        self.core.room(image, image.size, image.locations.len() + more).await
    }

    fn missing(&self, image: &Image, payload: &ImportPayload) -> Vec<Arc<dyn Store>> {
        let missing = payload.stores.iter().filter(|store| image.location_in(store.as_str()).is_none());
        missing.filter_map(|store| self.core.stores.get(store.as_str())).cloned().collect()
    }

    async fn conclude(
        &self,
        job: &Job,
        notes: &Notes,
        id: &ImageId,
        payload: &ImportPayload,
        mut lost: Vec<Loss>,
    ) -> Answer<Outcome> {
        for store in payload.stores.iter().filter(|store| self.core.stores.get(store.as_str()).is_none()) {
            let reason = "the store is not enabled any more".to_owned();
            lost.push(Loss { store: store.clone(), reason, later: false });
        }
        if lost.is_empty() {
            return self.succeed(job, id, String::new(), &lost).await;
        }
        let text = sentence(&lost);
        if lost.iter().any(|loss| loss.later) && job.attempts < ATTEMPTS {
            return Ok(Outcome::Retry(text));
        }
        if payload.must_succeed {
            // From here on there is only one way, also after a crash.
            notes.decide_undo(&lost).await?;
            return self.undo(job, id, payload, lost).await;
        }
        if lost.len() < payload.stores.len() {
            return self.succeed(job, id, format!("Not copied into {text}"), &lost).await;
        }
        self.fail(job, id, &text, &lost).await
    }

    async fn succeed(&self, job: &Job, id: &ImageId, note: String, lost: &[Loss]) -> Answer<Outcome> {
        self.core.crash.pass("copy.before-success").await;
        let changes = self.core.release(&job.id, id, TaskStatus::Success, note, lost);
        if self.core.change_held(id, Guard::default(), &job.id, &changes).await? != ports::Outcome::Done {
            self.core.task_lost(&job.id).await?;
        }
        Ok(Outcome::Done)
    }

    async fn fail(&self, job: &Job, id: &ImageId, reason: &str, lost: &[Loss]) -> Answer<Outcome> {
        let changes = self.core.release(&job.id, id, TaskStatus::Failure, reason.to_owned(), lost);
        if self.core.change_held(id, Guard::default(), &job.id, &changes).await? != ports::Outcome::Done {
            self.core.task_lost(&job.id).await?;
        }
        Ok(Outcome::Failed(reason.to_owned()))
    }

    /// Takes away every copy this job made.
    async fn undo(
        &self,
        job: &Job,
        id: &ImageId,
        payload: &ImportPayload,
        lost: Vec<Loss>,
    ) -> Answer<Outcome> {
        let core = &self.core;
        let Some(image) = core.held(id, &job.id).await? else {
            core.task_lost(&job.id).await?;
            return Ok(Outcome::Failed("the image is gone".to_owned()));
        };
        for store in &payload.stores {
            // None of them had the image when the job was accepted, and the job holds the image since.
            let Some(location) = image.location_in(store.as_str()) else { continue };
            let (row, steps) = core.disown(id, store, &location.url);
            if core.change_held(id, Guard::default(), &job.id, &steps).await? == ports::Outcome::Done {
                core.crash.pass("copy.disowned").await;
                core.clear_writes(&[row]).await;
            }
        }
        self.fail(job, id, &sentence(&lost), &lost).await
    }

    /// Notes a copy that is there, durable: from now on it counts.
    pub(super) async fn add(
        &self,
        job: &Job,
        image: &Image,
        store: &StoreId,
        mut changes: Vec<Change>,
    ) -> Answer<bool> {
        changes.push(Change::ListProperty {
            name: crate::image::reserved::IMPORTING_TO,
            store: store.clone(),
            present: false,
        });
        self.core.crash.pass("copy.before-location").await;
        let outcome = self.core.change_held(&image.id, Guard::states(&WITH_DATA), &job.id, &changes).await?;
        self.core.crash.pass("copy.location").await;
        Ok(outcome == ports::Outcome::Done)
    }
}

/// Attempts at a copy while stores cannot be reached.
const ATTEMPTS: u32 = 4;

fn rows(unfinished: Vec<Unfinished>) -> Vec<WriteRow> {
    unfinished.into_iter().map(|(row, _)| row).collect()
}

fn all_lost(stores: &[StoreId], reason: &str) -> Vec<Loss> {
    stores
        .iter()
        .map(|store| Loss { store: store.clone(), reason: reason.to_owned(), later: false })
        .collect()
}

#[async_trait]
impl Handler for CopyJob {
    fn kind(&self) -> &'static str {
        COPY
    }

    fn max_attempts(&self) -> Option<u32> {
        // What can be retried is decided above; a database that is away is waited for.
        None
    }

    async fn run(&self, job: &Job, context: &JobContext) -> Outcome {
        self.copy(job, context).await.unwrap_or_else(|error| Outcome::Retry(error.reason()))
    }

    async fn give_up(&self, _job: &Job, _context: &JobContext, _reason: &str) {}
}
