// SPDX-License-Identifier: Apache-2.0
//! Imports: bytes read once, from wherever they are, into all stores asked for.

use std::convert::Infallible;
use std::sync::{Arc, PoisonError};

use async_trait::async_trait;
use scurry_jobs::{Handler, Job, JobContext, Outcome};
use scurry_store::StoreWriter;
use scurry_transfer::{OnFailure, Progress};
use scurry_types::{ImageId, ImageStatus, JobId, StoreId, TaskStatus};

use self::mark::{Mark, Reopened};
use super::origin::Opened;
use super::plugins::Prepared;
use super::staged::Bytes;
use super::{IMPORT, ImportPayload, Loss, Source, sentence};
use crate::error::{ImageError, loss_reason};
use crate::image::Image;
use crate::ports::{self, Change, Guard, Purpose, WriteRow};
use crate::service::Answer;
use crate::service::core::Core;
use crate::service::intake::{IntakeSpec, Lane, Refused, Taken};
use crate::service::quota::{Resource, mebibytes};

mod mark;

/// Imports images.
#[derive(Debug)]
pub(in crate::service) struct ImportJob {
    core: Arc<Core>,
}

impl ImportJob {
    pub(in crate::service) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    async fn import(&self, job: &Job, context: &JobContext) -> Answer<Outcome> {
        let core = &self.core;
        let (Some(id), Some(payload)) = read(job) else {
            return Ok(Outcome::Failed("the job cannot be read".to_owned()));
        };
        let _turn = core.turn(id).lock_owned().await;
        match core.bytes_at(id, &payload.source).await? {
            Bytes::Here => {}
            Bytes::On(node) => return Ok(Outcome::Elsewhere(node)),
            Bytes::Lost(reason) => return self.fail(job, &payload, &reason, payload.stores.clone()).await,
        }
        if let Err(error) = core.make_task_image(id, &job.id, &payload).await {
            return self.not_made(job, &error).await;
        }
        let held = core.held(id, &job.id).await?;
        let Some(image) = held.filter(|image| image.status == ImageStatus::Importing) else {
            core.clear_earlier(id).await?;
            core.task_lost(&job.id).await?;
            core.remove_staged(id).await?;
            return Ok(Outcome::Failed("the image is gone".to_owned()));
        };
        let working = core.task_state(TaskStatus::Processing, String::new());
        core.images.change_task(&job.id, &working).await?;
        core.crash.pass("import.processing").await;
        let reopened = core.reopen_import(job, &image, &payload).await?;
        let (lanes, reopened) = match reopened {
            Some(Reopened { lanes, mark, writers }) => (lanes, Some((mark, writers))),
            None => match self.begin(job, id, &payload).await? {
                Some(lanes) => (lanes, None),
                None => return Ok(Outcome::Failed("the image is gone".to_owned())),
            },
        };
        let rows: Vec<_> = lanes.iter().map(|lane| lane.row.clone()).collect();
        match self.transfer(job, &image, &payload, &lanes, reopened, context).await {
            Ok(stored) => self.succeed(job, &payload, stored, &rows).await,
            Err(refused) => self.refused(job, &payload, refused, &rows, context).await,
        }
    }

    /// Notes new writes, where nothing of earlier ones is left; `None` when the image is not the job's any more.
    async fn begin(&self, job: &Job, id: &ImageId, payload: &ImportPayload) -> Answer<Option<Vec<Lane>>> {
        let core = &self.core;
        core.clear_earlier(id).await?;
        let mut lanes = Vec::new();
        for store in payload.stores.iter().filter_map(|store| core.stores.get(store.as_str())) {
            let row = WriteRow::begin(id, Some(&store.facts().id), &core.settings.node_id, Purpose::Import);
            lanes.push(Lane { store: Arc::clone(store), row });
        }
        let begun: Vec<_> = lanes.iter().map(|lane| Change::Journal(lane.row.clone())).collect();
        let guard = Guard::states(&[ImageStatus::Importing]);
        let outcome = core.change_held(id, guard, &job.id, &begun).await?;
        Ok((outcome == ports::Outcome::Done).then_some(lanes))
    }

    /// What becomes of a job whose bytes did not come to their end.
    async fn refused(
        &self,
        job: &Job,
        payload: &ImportPayload,
        refused: Refused,
        rows: &[WriteRow],
        context: &JobContext,
    ) -> Answer<Outcome> {
        let core = &self.core;
        let Some(id) = &job.image_id else { return Ok(Outcome::Failed(refused.error.reason())) };
        let held = core.held(id, &job.id).await?.is_some();
        let stopped = context.stop.is_cancelled() && held;
        // Another attempt might be another node's, which does not have the token of a remote image.
        let again = refused.later && !matches!(payload.source, Source::Remote(_));
        if !(refused.left && held && (stopped || again)) {
            core.clear_writes(rows).await;
        }
        if stopped {
            return Ok(Outcome::Interrupted);
        }
        if again {
            return Ok(Outcome::Retry(refused.error.reason()));
        }
        let reason = refused.reason();
        let stores = if refused.stores.is_empty() { payload.stores.clone() } else { refused.stores };
        self.fail(job, payload, &reason, stores).await
    }

    async fn transfer(
        &self,
        job: &Job,
        image: &Image,
        payload: &ImportPayload,
        lanes: &[Lane],
        reopened: Option<(Mark, Vec<Box<dyn StoreWriter>>)>,
        context: &JobContext,
    ) -> Result<Stored, Refused> {
        let core = &self.core;
        let project = payload.project.as_ref();
        core.enforce(project, Resource::CountUploading, 0).await?;
        let place = reopened.as_ref().map(|(mark, _)| mark.place());
        let Opened { image, changes, origin } =
            core.open_origin(image, &job.id, &payload.source, place).await?;
        if place.is_some_and(|(offset, _)| offset != origin.offset) {
            return Err(Refused::anew("the source cannot be read on, or has other bytes now"));
        }
        let version = origin.version.clone().filter(|_| core.imports_as_is());
        let going = version.map(|version| mark::going(context, version, lanes, reopened));
        core.check_cap(origin.len)?;
        core.enforce(project, Resource::SizeTotal, mebibytes(origin.len)).await?;
        let Prepared { origin, image, strict } = core.prepare(&image, origin, &context.stop).await?;
        core.enforce(project, Resource::SizeTotal, mebibytes(origin.len)).await?;
        let limit = core.limit_left(project).await?;
        let on_failure = if payload.must_succeed { OnFailure::AbortAll } else { OnFailure::DropTarget };
        let progress = Arc::new(Progress::new());
        let spec = IntakeSpec {
            declared_len: origin.len,
            expected_len: origin.len,
            limit,
            on_failure,
            strict,
            progress: Arc::clone(&progress),
            cancel: context.stop.clone(),
            going,
        };
        let taken = tokio::select! {
            taken = Box::pin(core.take_in(&image, lanes, origin.body, spec)) => taken,
            never = self.report(&job.id, &progress) => match never {},
        };
        match taken {
            Err(Refused { error: ImageError::TooLarge(text), .. }) if limit.is_some() => {
                // Whose limit it was: the project's says so in its own words.
                let beyond = mebibytes(limit).saturating_add(1);
                core.enforce(project, Resource::SizeTotal, beyond).await?;
                Err(ImageError::TooLarge(text).into())
            }
            other => Ok(Stored { taken: other?, image, changes }),
        }
    }

    /// Says now and then how far an import is.
    async fn report(&self, task: &JobId, progress: &Progress) -> Infallible {
        let core = &self.core;
        loop {
            tokio::time::sleep(core.settings.progress_interval).await;
            let message = format!("Copied {} MiB", progress.snapshot().done >> 20);
            let state = core.task_state(TaskStatus::Processing, message);
            if let Err(error) = core.images.change_task(task, &state).await {
                tracing::warn!(job.id = %task, %error, "the progress of an import cannot be noted");
            }
        }
    }

    async fn succeed(
        &self,
        job: &Job,
        payload: &ImportPayload,
        stored: Stored,
        rows: &[WriteRow],
    ) -> Answer<Outcome> {
        let core = &self.core;
        let Stored { taken, image, mut changes } = stored;
        let id = &image.id;
        let lost: Vec<Loss> = taken
            .lost
            .iter()
            .map(|lane| Loss { store: lane.store.clone(), reason: loss_reason(&lane.error), later: false })
            .collect();
        // What dropped lanes left is cleared first: afterwards nobody would know that it may be there.
        let dropped: Vec<_> = rows
            .iter()
            .filter(|row| lost.iter().any(|loss| Some(&loss.store) == row.store.as_ref()))
            .cloned()
            .collect();
        core.clear_writes(&dropped).await;
        changes.extend(taken.changes());
        changes.push(Change::Status(ImageStatus::Active));
        changes.extend(as_prepared(&image, payload));
        let kept = rows.iter().filter(|row| !dropped.contains(row));
        changes.extend(kept.map(|row| Change::JournalClear(row.id.clone())));
        let message = if lost.is_empty() {
            format!("Copied {} MiB", taken.len >> 20)
        } else {
            format!("Imported, but not into {}", sentence(&lost))
        };
        changes.extend(core.release(&job.id, id, TaskStatus::Success, message, &lost));
        core.crash.pass("import.before-active").await;
        let guard = Guard::states(&[ImageStatus::Importing]);
        let outcome = core.change_held(id, guard, &job.id, &changes).await?;
        core.crash.pass("import.active").await;
        if outcome != ports::Outcome::Done {
            core.clear_writes(rows).await;
            if core.held(id, &job.id).await?.is_some() {
                // Another node took this one for dead and cleared up after it.
                return Ok(Outcome::Retry("what was written was taken away by another node".to_owned()));
            }
            core.task_lost(&job.id).await?;
            core.remove_staged(id).await?;
            return Ok(Outcome::Failed("the image is gone".to_owned()));
        }
        core.remove_staged(id).await?;
        Ok(Outcome::Done)
    }

    /// The image is `queued` again, the staged file gone, and the task says why. An image the task itself made is
    /// gone as well.
    async fn fail(
        &self,
        job: &Job,
        payload: &ImportPayload,
        reason: &str,
        stores: Vec<StoreId>,
    ) -> Answer<Outcome> {
        let core = &self.core;
        let Some(id) = &job.image_id else { return Ok(Outcome::Failed(reason.to_owned())) };
        let lost: Vec<Loss> =
            stores.into_iter().map(|store| Loss { store, reason: reason.to_owned(), later: false }).collect();
        let mut changes = core.release(&job.id, id, TaskStatus::Failure, reason.to_owned(), &lost);
        if payload.makes.is_some() {
            changes.push(Change::Delete);
        } else {
            changes.push(Change::Status(ImageStatus::Queued));
            changes.push(Change::Sizes { size: None, virtual_size: None });
        }
        let guard = Guard::states(&[ImageStatus::Importing]);
        if core.change_held(id, guard, &job.id, &changes).await? != ports::Outcome::Done {
            core.task_lost(&job.id).await?;
        }
        core.crash.pass("import.queued-again").await;
        core.remove_staged(id).await?;
        Ok(Outcome::Failed(reason.to_owned()))
    }

    /// A task's image cannot be made: that is the task's end.
    async fn not_made(&self, job: &Job, error: &ImageError) -> Answer<Outcome> {
        let reason = error.reason();
        if matches!(error, ImageError::Database(_) | ImageError::Unavailable { .. }) {
            return Ok(Outcome::Retry(reason));
        }
        let failed = self.core.task_state(TaskStatus::Failure, reason.clone());
        self.core.images.change_task(&job.id, &failed).await?;
        Ok(Outcome::Failed(reason))
    }

    /// A job that ended needs no token any more.
    fn forget_token(&self, job: &JobId) {
        self.core.tokens.lock().unwrap_or_else(PoisonError::into_inner).remove(job);
    }
}

/// Bytes that are in the stores, and what makes them the image's.
#[derive(Debug)]
struct Stored {
    taken: Taken,
    /// The image with the formats of what is stored.
    image: Image,
    /// What comes with the bytes.
    changes: Vec<Change>,
}

/// What import plugins make of the image.
fn as_prepared(image: &Image, payload: &ImportPayload) -> Vec<Change> {
    let (disk, container) = (image.disk_format.clone(), image.container_format.clone());
    let properties =
        payload.inject.iter().map(|(name, value)| Change::SetProperty(name.clone(), value.clone()));
    properties.chain([Change::Formats { disk, container }]).collect()
}

pub(super) fn read(job: &Job) -> (Option<&ImageId>, Option<ImportPayload>) {
    (job.image_id.as_ref(), serde_json::from_value(job.payload.clone()).ok())
}

impl Core {
    /// Clears what an earlier attempt at an import or copy left. Only for whoever has the image's turn.
    pub(super) async fn clear_earlier(&self, id: &ImageId) -> Answer<()> {
        for row in self.images.journal(Some(id), None).await? {
            if matches!(row.purpose, Purpose::Import | Purpose::Undo) {
                self.clear_write(&row).await?;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Handler for ImportJob {
    fn kind(&self) -> &'static str {
        IMPORT
    }

    fn max_attempts(&self) -> Option<u32> {
        Some(4)
    }

    async fn run(&self, job: &Job, context: &JobContext) -> Outcome {
        let outcome = self.import(job, context).await.unwrap_or_else(|error| Outcome::Retry(error.reason()));
        if matches!(outcome, Outcome::Done | Outcome::Failed(_)) {
            self.forget_token(&job.id);
        }
        outcome
    }

    async fn give_up(&self, job: &Job, _context: &JobContext, reason: &str) {
        let (Some(id), Some(payload)) = read(job) else { return };
        let _turn = self.core.turn(id).lock_owned().await;
        self.forget_token(&job.id);
        let stores = payload.stores.clone();
        let undone = match self.core.clear_earlier(id).await {
            Ok(()) => self.fail(job, &payload, reason, stores).await.map(drop),
            Err(error) => Err(error),
        };
        if let Err(error) = undone {
            tracing::error!(image.id = %id, error = error.reason(), "a failed import cannot be undone");
        }
    }
}
