// SPDX-License-Identifier: Apache-2.0
//! How a copy gets its bytes: by a clone where the backend makes one, else by reading a source once for all.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use scurry_jobs::{Job, JobContext};
use scurry_store::{CloneSource, Retry, Store, StoreError, StoreReader, StoredObject, WriteSpec};
use scurry_transfer::{
    Copied, CopyError, CopySpec, Failed, OnFailure, OpenTarget, Progress, Target, TargetOutcome,
    clone_or_none, copy,
};
use scurry_types::size::MIB;
use scurry_types::{Digests, StoreId, TaskStatus};
use tokio::time::MissedTickBehavior;

use super::copy::{CopyJob, Ended, WITH_DATA};
use super::{ImportPayload, Loss};
use crate::error::ImageError;
use crate::image::{Image, ImageLocation};
use crate::ports::{self, Change, Guard, Purpose, WriteRow};
use crate::service::Answer;
use crate::service::intake::Lane;

/// How often a task tells how far its copy is.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);

fn loss(store: &StoreId, error: &StoreError) -> Loss {
    Loss { store: store.clone(), reason: error.to_string(), later: error.retry == Retry::Later }
}

/// What is left to be copied, and what came of the rest.
#[derive(Debug, Default)]
struct Round {
    lanes: Vec<Lane>,
    lost: Vec<Loss>,
}

impl CopyJob {
    /// Brings the image into every store of `missing`.
    pub(super) async fn fill(
        &self,
        job: &Job,
        context: &JobContext,
        image: &Image,
        payload: &ImportPayload,
        missing: Vec<Arc<dyn Store>>,
    ) -> Answer<Ended> {
        let Some(mut round) = self.clone_where_possible(job, image, missing).await? else {
            return Ok(Ended::Gone);
        };
        if context.stop.is_cancelled() {
            self.clear(&round.lanes).await;
            return Ok(Ended::Stopped);
        }
        let spoiled = payload.must_succeed && round.lost.iter().any(|loss| !loss.later);
        if round.lanes.is_empty() || spoiled {
            self.clear(&round.lanes).await;
            return Ok(Ended::Tried(round.lost));
        }
        let on_failure = if payload.must_succeed { OnFailure::AbortAll } else { OnFailure::DropTarget };
        let ended = self.copy_bytes(job, context, image, &mut round, on_failure).await;
        match ended {
            Ok(None) => Ok(Ended::Tried(round.lost)),
            Ok(Some(ended)) => {
                self.clear(&round.lanes).await;
                Ok(ended)
            }
            Err(error) => {
                self.clear(&round.lanes).await;
                Err(error)
            }
        }
    }

    async fn clear(&self, lanes: &[Lane]) {
        let rows: Vec<_> = lanes.iter().map(|lane| lane.row.clone()).collect();
        self.core.clear_writes(&rows).await;
    }

    /// Asks each store for a clone. Those that make none get a lane of the copy; `None`: the image is gone.
    async fn clone_where_possible(
        &self,
        job: &Job,
        image: &Image,
        missing: Vec<Arc<dyn Store>>,
    ) -> Answer<Option<Round>> {
        let core = &self.core;
        let mut round = Round::default();
        let spec = WriteSpec { image: image.id.clone(), owner: image.owner.clone(), len: image.size };
        for store in missing {
            let id = store.facts().id.clone();
            let row = WriteRow::begin(&image.id, Some(&id), &core.settings.node_id, Purpose::Import);
            let guard = Guard::states(&WITH_DATA);
            let begun = [Change::Journal(row.clone())];
            if core.change_held(&image.id, guard, &job.id, &begun).await? != ports::Outcome::Done {
                self.clear(&round.lanes).await;
                return Ok(None);
            }
            let (cloned, refused) = clone_or_none(store.as_ref(), &self.sources(image), &spec).await;
            for refusal in &refused {
                tracing::info!(image = %image.id, store = %id, strategy = %refusal.strategy, source = refusal.source, reason = refusal.reason, "not cloned");
            }
            core.crash.pass("copy.cloned").await;
            let Some(object) = cloned else {
                if store.capability().clone {
                    // A clone that failed half way may have left something under the image's name.
                    core.clear_store(store.as_ref(), &image.id, Some(&row)).await?;
                }
                round.lanes.push(Lane { store, row });
                continue;
            };
            tracing::info!(image = %image.id, store = %id, url = object.url, "cloned by the backend");
            if !self.add(job, image, &id, located(&id, &object, &row)).await? {
                self.core.clear_writes(std::slice::from_ref(&row)).await;
                self.clear(&round.lanes).await;
                return Ok(None);
            }
        }
        Ok(Some(round))
    }

    /// Locations a backend may clone from, best first.
    fn sources(&self, image: &Image) -> Vec<CloneSource> {
        let Some(len) = image.size else { return Vec::new() };
        let ranked = self.core.ranked(image, &[]).into_iter();
        ranked
            .filter_map(|location| {
                let store = self.core.stores.get(location.store()?)?;
                let facts = store.facts();
                Some(CloneSource {
                    store: facts.id.clone(),
                    kind: facts.kind.to_owned(),
                    url: location.url.clone(),
                    len,
                })
            })
            .collect()
    }

    /// Reads the best source once for all lanes; a source that turns out bad is followed by the next.
    /// `None` when it ended, well or not, with every lane accounted for.
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
            let targets = self.begin_all(image, round, on_failure).await?;
            if targets.is_empty() {
                return Ok(None);
            }
            let spec = CopySpec {
                expected: expected.clone(),
                digests: recorded_digests(image),
                on_target_failure: on_failure,
                progress: Arc::new(Progress::new()),
                cancel: context.stop.clone(),
            };
            match self.run(job, reader, targets, spec).await {
                Ok(copied) => {
                    let keep_hashes = expected.is_none();
                    return self.commit_all(job, image, round, copied, keep_hashes).await;
                }
                Err(failed) => match failed.error {
                    CopyError::Cancelled => return Ok(Some(Ended::Stopped)),
                    CopyError::AllTargetsFailed(errors) => {
                        return Ok(Some(Ended::Tried(take_losses(round, &errors))));
                    }
                    other => {
                        later |= matches!(&other, CopyError::Source(error) if error.retry == Retry::Later);
                        let reason = chain(&other);
                        tracing::error!(image = %image.id, source = name, reason, "a source cannot be copied from");
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
        let mut lost = std::mem::take(&mut round.lost);
        lost.extend(round.lanes.iter().map(|lane| Loss {
            store: lane.id().clone(),
            reason: reason.clone(),
            later,
        }));
        Ok(Some(Ended::Tried(lost)))
    }

    /// Begins an object in each lane's store. A lane that cannot begin is lost; where all must succeed the
    /// first loss ends it for all of them.
    async fn begin_all(
        &self,
        image: &Image,
        round: &mut Round,
        on_failure: OnFailure,
    ) -> Answer<Vec<Target>> {
        let spec = WriteSpec { image: image.id.clone(), owner: image.owner.clone(), len: image.size };
        let mut targets = Vec::new();
        let mut kept = Vec::new();
        let mut failed = false;
        for lane in std::mem::take(&mut round.lanes) {
            if failed && on_failure == OnFailure::AbortAll {
                self.clear(std::slice::from_ref(&lane)).await;
                continue;
            }
            match self.core.begin(&lane, &spec).await {
                Ok(writer) => {
                    let (store, capability) = (lane.id().clone(), lane.store.capability());
                    targets.push(Target { store, writer, capability });
                    kept.push(lane);
                }
                Err(ImageError::Store(error)) => {
                    failed = true;
                    round.lost.push(loss(lane.id(), &error));
                    self.clear(std::slice::from_ref(&lane)).await;
                }
                Err(error) => {
                    round.lanes = kept;
                    round.lanes.push(lane);
                    return Err(error);
                }
            }
        }
        if failed && on_failure == OnFailure::AbortAll {
            for target in targets.drain(..) {
                if let Err(error) = target.writer.abort().await {
                    tracing::warn!(store = %target.store, error = %error, "an object that does not count is still there");
                }
            }
            self.clear(&kept).await;
            kept.clear();
        }
        round.lanes = kept;
        Ok(targets)
    }

    /// Copies, and tells the task how far it is.
    async fn run(
        &self,
        job: &Job,
        reader: Arc<dyn StoreReader>,
        targets: Vec<Target>,
        spec: CopySpec,
    ) -> Result<Copied, Failed<CopyError>> {
        let progress = Arc::clone(&spec.progress);
        let mut copying = pin!(copy(Arc::clone(&reader), targets, spec, &self.core.budget));
        let mut ticks = tokio::time::interval(PROGRESS_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let copied = loop {
            tokio::select! {
                copied = &mut copying => break copied,
                _ = ticks.tick() => {
                    let now = progress.snapshot();
                    let text = format!("Copied {} of {} MiB", now.done / MIB, now.total / MIB);
                    let state = self.core.task_state(TaskStatus::Processing, text);
                    if let Err(error) = self.core.images.change_task(&job.id, &state).await {
                        tracing::warn!(job = %job.id, error = %error.source, "the progress of a copy cannot be noted");
                    }
                }
            }
        };
        if let Err(error) = reader.close().await {
            tracing::warn!(job = %job.id, error = %error, "a source did not close");
        }
        self.core.crash.pass("copy.written").await;
        copied
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

fn located(store: &StoreId, object: &StoredObject, row: &WriteRow) -> Vec<Change> {
    vec![
        Change::AddLocation(ImageLocation::in_store(store, &object.url)),
        Change::JournalClear(row.id.clone()),
    ]
}

/// Losses of a copy in which no target was written.
fn take_losses(round: &mut Round, errors: &[StoreError]) -> Vec<Loss> {
    let mut lost = std::mem::take(&mut round.lost);
    lost.extend(errors.iter().map(|error| loss(&error.store, error)));
    lost
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
