// SPDX-License-Identifier: Apache-2.0
//! Copies that a backend makes by itself: from a location there is, or from one the job has just copied.

use std::collections::HashMap;
use std::sync::Arc;

use scurry_jobs::{Job, JobContext};
use scurry_store::{CloneSource, Store, StoredObject, WriteSpec};
use scurry_transfer::clone_or_none;
use scurry_types::{Ranges, StoreId};

use super::Loss;
use super::copy::{CopyJob, WITH_DATA};
use super::copy_kept::{Kept, Notes, Remaining, Unfinished};
use crate::image::{Image, ImageLocation};
use crate::ports::{self, Change, Guard, Purpose, WriteRow};
use crate::service::Answer;
use crate::service::intake::Lane;

/// What is left to be copied, and what came of the rest.
#[derive(Debug)]
pub(super) struct Round {
    /// To be copied byte by byte.
    pub(super) lanes: Vec<Lane>,
    /// To be cloned from one of those.
    pub(super) waiting: Vec<Waiting>,
    pub(super) lost: Vec<Loss>,
    /// Stores whose backend refused although its name promised a clone: they get bytes.
    refused: Vec<StoreId>,
    /// Blocks that lanes have from an earlier attempt, by the journal's rows.
    pub(super) unfinished: HashMap<String, Ranges>,
    pub(super) notes: Arc<Notes>,
}

/// A lane held back until its backend has a copy.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) lane: Lane,
    /// The store of that backend that gets the bytes.
    leader: StoreId,
}

/// What came of asking for a clone.
enum Asked {
    Cloned,
    Refused,
    /// The image is not this job's any more.
    Gone,
}

impl Round {
    fn new(notes: Arc<Notes>) -> Self {
        let (lanes, waiting, lost, refused) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { lanes, waiting, lost, refused, unfinished: HashMap::new(), notes }
    }

    /// Lanes that go on come first: who waits for its backend waits for what is furthest.
    fn go_on(&mut self, missing: &mut Vec<Arc<dyn Store>>, unfinished: Vec<Unfinished>) {
        for (row, blocks) in unfinished {
            let at = missing.iter().position(|store| Some(&store.facts().id) == row.store.as_ref());
            let Some(at) = at else { continue };
            self.unfinished.insert(row.id.clone(), blocks);
            self.lanes.push(Lane { store: missing.remove(at), row });
        }
    }

    /// Leaves one lane a backend to be copied; the others wait for it. It is the first that was asked for, replicated
    /// or not. A clone is replicated as its own type says, so either order ends alike; and as many bytes come to
    /// lie on the second backend whether they are written there by the copy or when the clone's replica is built.
    pub(super) async fn hold_back(&mut self) {
        if self.lanes.len() < 2 {
            return;
        }
        let mut leaders: Vec<(&str, String, StoreId)> = Vec::new();
        let mut copied = Vec::new();
        for lane in self.lanes.drain(..) {
            let alone = self.refused.contains(lane.id()) || !lane.store.capability().clone;
            let backend = if alone { None } else { lane.store.backend().await };
            let Some(name) = backend else {
                copied.push(lane);
                continue;
            };
            let kind = lane.store.facts().kind;
            match leaders.iter().find(|leader| (leader.0, &leader.1) == (kind, &name)) {
                Some((.., leader)) => self.waiting.push(Waiting { lane, leader: leader.clone() }),
                None => {
                    leaders.push((kind, name, lane.id().clone()));
                    copied.push(lane);
                }
            }
        }
        self.lanes = copied;
    }
}

impl CopyJob {
    /// Asks each store for a clone. Those that make none get a lane of the copy; `None`: the image is gone.
    pub(super) async fn clone_where_possible(
        &self,
        job: &Job,
        image: &Image,
        Remaining { mut missing, unfinished, notes }: Remaining,
    ) -> Answer<Option<Round>> {
        let core = &self.core;
        let mut round = Round::new(notes);
        round.go_on(&mut missing, unfinished);
        let sources = core.clone_sources(image);
        for store in missing {
            let id = &store.facts().id;
            let row = WriteRow::begin(&image.id, Some(id), &core.settings.node_id, Purpose::Import);
            let guard = Guard::states(&WITH_DATA);
            let begun = [Change::Journal(row.clone())];
            if core.change_held(&image.id, guard, &job.id, &begun).await? != ports::Outcome::Done {
                self.clear(&round.lanes).await;
                return Ok(None);
            }
            let lane = Lane { store, row };
            match self.ask(job, image, &lane, &sources, "copy.cloned", &round.notes).await? {
                Asked::Cloned => {}
                Asked::Refused => round.lanes.push(lane),
                Asked::Gone => {
                    round.lanes.push(lane);
                    self.clear(&round.lanes).await;
                    return Ok(None);
                }
            }
        }
        Ok(Some(round))
    }

    /// Clones what waits from the copies that were made meanwhile. Where there is none because it failed, or where
    /// the backend refuses, the lane is to be copied itself. False when the image is gone.
    pub(super) async fn clone_waiting(
        &self,
        job: &Job,
        context: &JobContext,
        image: &Image,
        round: &mut Round,
    ) -> Answer<bool> {
        self.core.crash.pass("copy.first-of-backend").await;
        let sources = self.core.clone_sources(image);
        for Waiting { lane, leader } in std::mem::take(&mut round.waiting) {
            let sources: Vec<_> = sources.iter().filter(|source| source.store == leader).cloned().collect();
            if sources.is_empty() || context.stop.is_cancelled() {
                round.lanes.push(lane);
                continue;
            }
            match self.ask(job, image, &lane, &sources, "copy.cloned-from-copy", &round.notes).await? {
                Asked::Cloned => {}
                Asked::Refused => {
                    round.refused.push(lane.id().clone());
                    round.lanes.push(lane);
                }
                Asked::Gone => {
                    round.lanes.push(lane);
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Asks the lane's store for a clone of one of the sources and notes the location. A test may let it die at
    /// `point`, between the two.
    async fn ask(
        &self,
        job: &Job,
        image: &Image,
        lane: &Lane,
        sources: &[CloneSource],
        point: &'static str,
        notes: &Notes,
    ) -> Answer<Asked> {
        let core = &self.core;
        let (store, id) = (lane.store.as_ref(), lane.id());
        let spec = WriteSpec { image: image.id.clone(), owner: image.owner.clone(), len: image.size };
        let (cloned, refused) = clone_or_none(store, sources, &spec).await;
        for refusal in &refused {
            tracing::info!(image.id = %image.id, store.id = %id, strategy = %refusal.strategy, source = ?refusal.source, reason = refusal.reason, "not cloned");
        }
        core.crash.pass(point).await;
        let Some(object) = cloned else {
            let change = |kept: &mut Kept| {
                if let Some(plan) = &mut kept.plan {
                    plan.falls_back(id, refused);
                }
            };
            notes.note(change).await;
            if store.capability().clone {
                // A clone that failed half way may have left something under the image's name.
                core.clear_store(store, &image.id, Some(&lane.row)).await?;
            }
            return Ok(Asked::Refused);
        };
        tracing::info!(image.id = %image.id, store.id = %id, url = object.url, "cloned by the backend");
        let added = self.add(job, image, id, located(id, &object, &lane.row)).await?;
        Ok(if added { Asked::Cloned } else { Asked::Gone })
    }
}

/// Steps that note a copy and end its write.
pub(super) fn located(store: &StoreId, object: &StoredObject, row: &WriteRow) -> Vec<Change> {
    vec![
        Change::AddLocation(ImageLocation::in_store(store, &object.url)),
        Change::JournalClear(row.id.clone()),
    ]
}
