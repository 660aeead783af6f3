// SPDX-License-Identifier: Apache-2.0
//! How a copy gets its bytes where no clone can be made: by reading a source once for all.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use scurry_jobs::{Job, JobContext};
use scurry_store::{Retry, StoreError, StoreReader, StoredObject};
use scurry_transfer::{
    Copied, CopyCheckpoints, CopyError, CopySpec, Failed, OnFailure, OpenTarget, Progress, Target,
    TargetOutcome, copy, survey,
};
use scurry_types::size::MIB;
use scurry_types::{Digests, StoreId, TaskStatus};
use tokio::time::MissedTickBehavior;

use super::copy::{CopyJob, Ended};
use super::copy_begin::Begun;
use super::copy_clone::{Round, located};
use super::copy_kept::{Keeper, Kept, Notes, Remaining};
use super::{ImportPayload, Loss};
use crate::error::loss_reason;
use crate::image::Image;
use crate::ports::Change;
use crate::service::Answer;
use crate::service::intake::Lane;

/// How often a task tells how far its copy is.
const PROGRESS_EVERY: Duration = Duration::from_secs(2);
/// Bytes of data that may have to be copied again after a crash.
const CHECKPOINT_BYTES: u64 = 1 << 30;

pub(super) fn loss(store: &StoreId, error: &StoreError) -> Loss {
    Loss { store: store.clone(), reason: loss_reason(error), later: error.retry == Retry::Later }
}

impl CopyJob {
    /// Brings the image into every store that lacks it, going on with what is unfinished there.
    pub(super) async fn fill(
        &self,
        job: &Job,
        context: &JobContext,
        image: &Image,
        payload: &ImportPayload,
        remaining: Remaining,
    ) -> Answer<Ended> {
        let notes = &remaining.notes;
        if !notes.has_plan().await {
            let plan = self.core.plan_targets(image, &remaining.missing).await;
            notes.note(|kept| kept.plan = Some(plan)).await;
        }
        let Some(mut round) = self.clone_where_possible(job, image, remaining).await? else {
            return Ok(Ended::Gone);
        };
        let on_failure = if payload.must_succeed { OnFailure::AbortAll } else { OnFailure::DropTarget };
        let ended = self.copy_rest(job, context, image.clone(), &mut round, on_failure).await;
        if matches!(ended, Ok(Some(Ended::Suspended))) && self.core.held(&image.id, &job.id).await?.is_some()
        {
            // The next attempt goes on with them, on whatever node, and clears the others.
            return Ok(Ended::Stopped);
        }
        // Lanes that are still there came to nothing.
        self.clear(&round.lanes).await;
        for waiting in &round.waiting {
            self.clear(std::slice::from_ref(&waiting.lane)).await;
        }
        Ok(ended?.unwrap_or(Ended::Tried(round.lost)))
    }

    /// Copies bytes once a backend and clones its other lanes from that copy, until no lane is left. Every turn takes
    /// at least one lane of each backend to its end.
    async fn copy_rest(
        &self,
        job: &Job,
        context: &JobContext,
        mut image: Image,
        round: &mut Round,
        on_failure: OnFailure,
    ) -> Answer<Option<Ended>> {
        while !round.lanes.is_empty() {
            if context.stop.is_cancelled() {
                return Ok(Some(Ended::Stopped));
            }
            round.hold_back().await;
            if let Some(ended) = self.copy_bytes(job, context, &image, round, on_failure).await? {
                return Ok(Some(ended));
            }
            if round.waiting.is_empty() || (on_failure == OnFailure::AbortAll && !round.lost.is_empty()) {
                return Ok(None);
            }
            let Some(now) = self.core.held(&image.id, &job.id).await? else {
                return Ok(Some(Ended::Gone));
            };
            image = now;
            if !self.clone_waiting(job, context, &image, round).await? {
                return Ok(Some(Ended::Gone));
            }
        }
        Ok(None)
    }

    pub(super) async fn clear(&self, lanes: &[Lane]) {
        let rows: Vec<_> = lanes.iter().map(|lane| lane.row.clone()).collect();
        self.core.clear_writes(&rows).await;
    }

    /// Reads the best source once for all lanes; a source that turns out bad is followed by the next.
    /// `None` when it ended, well or not, with every lane committed or lost.
    async fn copy_bytes(
        &self,
        job: &Job,
        context: &JobContext,
        image: &Image,
        round: &mut Round,
        on_failure: OnFailure,
    ) -> Answer<Option<Ended>> {
        let core = &self.core;
        let expected = core.images.block_hashes(&image.id).await?;
        let mut reasons = Vec::new();
        let mut later = false;
        for location in core.ranked(image, &[]) {
            let name = location.store().unwrap_or("?").to_owned();
            let reader = match core.open(location).await {
                Ok(reader) => reader,
                Err(error) => {
                    later |= error.retry == Retry::Later;
                    reasons.push(format!("{name} cannot be read: {error}"));
                    continue;
                }
            };
            self.note_source(round, reader.as_ref(), name.as_str()).await;
            let Begun { targets, written } =
                self.begin_all(image, round, on_failure, expected.is_some()).await?;
            if targets.is_empty() {
                return Ok(None);
            }
            let progress = Arc::new(Progress::new());
            let spec = CopySpec {
                expected: expected.clone(),
                digests: recorded_digests(image),
                written,
                checkpoints: expected.is_some().then(|| self.checkpoints(round, &progress)),
                on_target_failure: on_failure,
                progress,
                cancel: context.stop.clone(),
            };
            match self.run(job, &round.notes, reader, targets, spec).await {
                Ok(copied) => {
                    let keep_hashes = expected.is_none();
                    return self.commit_all(job, image, round, copied, keep_hashes).await;
                }
                Err(failed) => match failed.error {
                    CopyError::Cancelled => return Ok(Some(Ended::Stopped)),
                    CopyError::Suspended => return Ok(Some(Ended::Suspended)),
                    CopyError::AllTargetsFailed(errors) => {
                        round.lost.extend(errors.iter().map(|error| loss(&error.store, error)));
                        self.clear(&std::mem::take(&mut round.lanes)).await;
                        return Ok(None);
                    }
                    other => {
                        later |= matches!(&other, CopyError::Source(error) if error.retry == Retry::Later);
                        let reason = chain(&other);
                        tracing::error!(image.id = %image.id, source = name, reason, "a source cannot be copied from");
                        reasons.push(format!("{name}: {reason}"));
                    }
                },
            }
        }
        let reason = if reasons.is_empty() {
            "the image has no location that can be read".to_owned()
        } else {
            reasons.join("; ")
        };
        // What waits for a copy to clone from would find no source to read either.
        round.lanes.extend(round.waiting.drain(..).map(|waiting| waiting.lane));
        for lane in std::mem::take(&mut round.lanes) {
            round.lost.push(Loss { store: lane.id().clone(), reason: reason.clone(), later });
            self.clear(&[lane]).await;
        }
        Ok(None)
    }

    /// Keeps what there is to read.
    async fn note_source(&self, round: &Round, reader: &dyn StoreReader, name: &str) {
        let found =
            survey(reader).await.inspect_err(|error| tracing::warn!(%error, "a source has no extents"));
        let change = |kept: &mut Kept| {
            let Some(plan) = &mut kept.plan else { return };
            for target in plan.targets.iter_mut().filter(|target| target.source == plan.source) {
                target.source = Some(name.into());
            }
            (plan.source, plan.extents) = (Some(name.into()), found.ok());
        };
        round.notes.note(change).await;
    }

    fn checkpoints(&self, round: &Round, progress: &Arc<Progress>) -> CopyCheckpoints {
        let keep = Arc::new(Keeper::new(&self.core, &round.notes, &round.lanes, progress));
        CopyCheckpoints { bytes: CHECKPOINT_BYTES, time: self.core.settings.copy_checkpoint, keep }
    }

    /// Copies, and tells the task how far it is.
    async fn run(
        &self,
        job: &Job,
        notes: &Notes,
        reader: Arc<dyn StoreReader>,
        targets: Vec<Target>,
        spec: CopySpec,
    ) -> Result<Copied, Failed<CopyError>> {
        let progress = Arc::clone(&spec.progress);
        // Both are driven at the same time: each may have to wait for what the other holds of the database.
        let copied = tokio::select! {
            copied = copy(Arc::clone(&reader), targets, spec, &self.core.budget) => copied,
            never = self.report(job, notes, &progress) => match never {},
        };
        if let Err(error) = reader.close().await {
            tracing::warn!(job.id = %job.id, error = %error, "a source did not close");
        }
        self.core.crash.pass("copy.written").await;
        copied
    }

    /// Tells the task, and keeps, how far the copy is, until it is dropped.
    async fn report(&self, job: &Job, notes: &Notes, progress: &Progress) -> Infallible {
        let mut ticks = tokio::time::interval(PROGRESS_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let now = progress.snapshot();
            notes.note(|kept| kept.done = now.done).await;
            let text = format!("Copied {} of {} MiB", now.done / MIB, now.total / MIB);
            let state = self.core.task_state(TaskStatus::Processing, text);
            if let Err(error) = self.core.images.change_task(&job.id, &state).await {
                tracing::warn!(job.id = %job.id, error = %error.source, "the progress of a copy cannot be noted");
            }
        }
    }

    /// Commits each target and notes its location, one transaction each.
    async fn commit_all(
        &self,
        job: &Job,
        image: &Image,
        round: &mut Round,
        copied: Copied,
        keep_hashes: bool,
    ) -> Answer<Option<Ended>> {
        let len = copied.blocks.image_len;
        for target in copied.targets {
            let id = target.store().clone();
            let Some(at) = round.lanes.iter().position(|lane| *lane.id() == id) else { continue };
            let row = round.lanes[at].row.clone();
            match commit(target, len).await {
                Ok(object) => {
                    let mut changes = located(&id, &object, &row);
                    if keep_hashes {
                        changes.push(Change::BlockHashes(Some(copied.blocks.clone())));
                    }
                    if !self.add(job, image, &id, changes).await? {
                        return Ok(Some(Ended::Gone));
                    }
                }
                Err(error) => {
                    round.lost.push(loss(&id, &error));
                    self.core.clear_writes(&[row]).await;
                }
            }
            round.lanes.remove(at);
        }
        Ok(None)
    }
}

async fn commit(target: TargetOutcome, len: u64) -> Result<StoredObject, StoreError> {
    match target {
        TargetOutcome::Written(open) => OpenTarget::commit(open, len).await,
        TargetOutcome::Failed { error, .. } => Err(error),
    }
}

fn recorded_digests(image: &Image) -> Option<Digests> {
    Some(Digests {
        checksum: image.checksum.clone()?,
        os_hash_algo: image.os_hash_algo.as_deref()?.parse().ok()?,
        os_hash_value: image.os_hash_value.clone()?,
    })
}

fn chain(error: &CopyError) -> String {
    match error {
        CopyError::Source(source) => format!("{error}: {source}"),
        other => other.to_string(),
    }
}
