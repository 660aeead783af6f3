// SPDX-License-Identifier: Apache-2.0
//! The targets of a copy by blocks: each block goes to all that lack it, and the failure policy is kept.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use scurry_store::{StoreError, StoreWriter};
use scurry_types::{Ranges, StoreId};
use tokio_util::sync::CancellationToken;

use super::block::Op;
use crate::fan::Ruins;
use crate::{LeftBehind, OnFailure, OpenTarget, Target, TargetOutcome};

/// The targets. Dropped, they are taken back in the background, or left where they can be gone on with.
#[derive(Debug)]
pub(super) struct Lanes {
    lanes: Vec<Lane>,
    policy: OnFailure,
    alive: AtomicUsize,
    stop: CancellationToken,
    resumable: bool,
}

#[derive(Debug)]
struct Lane {
    store: StoreId,
    writer: Box<dyn StoreWriter>,
    fresh_is_zero: bool,
    /// Blocks it had when the copy began.
    before: Ranges,
    failed: OnceLock<StoreError>,
}

impl Lanes {
    pub(super) fn new(
        targets: Vec<Target>,
        policy: OnFailure,
        written: &BTreeMap<StoreId, Ranges>,
        resumable: bool,
    ) -> Self {
        let lane = |target: Target| {
            let Target { store, writer, capability } = target;
            let before = written.get(&store).cloned();
            // What an earlier attempt wrote past its last checkpoint may be there or not.
            let fresh_is_zero = capability.fresh_is_zero && before.is_none();
            Lane { store, writer, fresh_is_zero, before: before.unwrap_or_default(), failed: OnceLock::new() }
        };
        let lanes: Vec<_> = targets.into_iter().map(lane).collect();
        let (alive, stop) = (AtomicUsize::new(lanes.len()), CancellationToken::new());
        if lanes.is_empty() {
            stop.cancel();
        }
        Self { lanes, policy, alive, stop, resumable }
    }

    /// Returns when going on is pointless: a target failed that may not, or all did.
    pub(super) async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    fn living(&self) -> impl Iterator<Item = &Lane> {
        self.lanes.iter().filter(|lane| lane.failed.get().is_none())
    }

    /// Whether every target that is still there had these blocks from the start.
    pub(super) fn had(&self, blocks: &Range<u64>) -> bool {
        self.living().all(|lane| lane.before.contains(blocks.clone()))
    }

    /// Whether a target has to be told of zeroes.
    pub(super) fn want_zeroes(&self) -> bool {
        self.living().any(|lane| !lane.fresh_is_zero)
    }

    /// Tells every target that lacks the blocks; a target that fails is noted.
    pub(super) async fn write(&self, blocks: Range<u64>, ops: &[Op]) {
        let lacking = self.living().filter(|lane| !lane.before.contains(blocks.clone()));
        join_all(lacking.map(async |lane| {
            let written = lane.write(ops).await;
            self.note(lane, written);
        }))
        .await;
    }

    /// Makes what was written durable, everywhere at once.
    pub(super) async fn sync(&self) {
        join_all(self.living().map(async |lane| {
            let synced = lane.writer.sync().await;
            self.note(lane, synced);
        }))
        .await;
    }

    fn note(&self, lane: &Lane, result: Result<(), StoreError>) {
        let Err(error) = result else { return };
        tracing::warn!(store.id = %lane.store, url = lane.writer.url(), %error, "a target failed");
        // The first failure counts; writes that were under way beside it fail as well.
        if lane.failed.set(error).is_ok()
            && (self.alive.fetch_sub(1, Ordering::SeqCst) == 1 || self.policy == OnFailure::AbortAll)
        {
            self.stop.cancel();
        }
    }

    /// What each target that is still there has, `done` having been written by now.
    pub(super) fn written(&self, done: &Ranges) -> Vec<(StoreId, Ranges)> {
        let with = |lane: &Lane| {
            let mut all = lane.before.clone();
            done.iter().for_each(|range| all.insert(range));
            (lane.store.clone(), all)
        };
        self.living().map(with).collect()
    }

    /// The targets as they are, those that failed taken back. `Err` when the policy says that nothing may stay;
    /// nothing stays then.
    pub(super) async fn finish(mut self) -> Result<Vec<TargetOutcome>, Ruins> {
        if self.stop.is_cancelled() {
            return Err(self.abort().await);
        }
        let lanes = std::mem::take(&mut self.lanes);
        Ok(join_all(lanes.into_iter().map(Lane::end)).await)
    }

    /// Takes every target back.
    pub(super) async fn abort(mut self) -> Ruins {
        abort(std::mem::take(&mut self.lanes)).await
    }

    /// Leaves everything as it is, for whoever goes on.
    pub(super) fn leave(mut self) {
        self.lanes.clear();
    }
}

async fn abort(lanes: Vec<Lane>) -> Ruins {
    let mut ruins = Ruins::default();
    let ends = lanes.into_iter().map(async |lane| {
        let (store, url) = (lane.store.clone(), lane.writer.url().to_owned());
        let Lane { writer, failed, .. } = lane;
        let left = writer.abort().await.err().map(|error| LeftBehind { store, url, error });
        (failed.into_inner(), left)
    });
    for (failed, left) in join_all(ends).await {
        ruins.errors.extend(failed);
        ruins.left_behind.extend(left);
    }
    ruins
}

impl Drop for Lanes {
    fn drop(&mut self) {
        let lanes = std::mem::take(&mut self.lanes);
        if lanes.is_empty() || self.resumable {
            return;
        }
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(async move {
                    for left in abort(lanes).await.left_behind {
                        tracing::error!(store.id = %left.store, url = left.url, error = %left.error, "an unfinished object is left behind");
                    }
                });
            }
            Err(_) => tracing::warn!("unfinished objects are left behind: the process ends"),
        }
    }
}

impl Lane {
    /// Parts of a block one after the other: several blocks are under way at a time.
    async fn write(&self, ops: &[Op]) -> Result<(), StoreError> {
        for op in ops {
            match op {
                Op::Data { offset, data } => self.writer.write_at(*offset, data.clone()).await?,
                Op::Zeroes { offset, len } if !self.fresh_is_zero => {
                    self.writer.write_zeroes(*offset, *len).await?;
                }
                Op::Zeroes { .. } => {}
            }
        }
        Ok(())
    }

    async fn end(self) -> TargetOutcome {
        let Self { store, writer, failed, .. } = self;
        let Some(error) = failed.into_inner() else {
            return TargetOutcome::Written(OpenTarget::new(store, writer));
        };
        let url = writer.url().to_owned();
        let left_behind = match writer.abort().await {
            Ok(()) => false,
            Err(error) => {
                tracing::error!(store.id = %store, url, %error, "an unfinished object is left behind");
                true
            }
        };
        TargetOutcome::Failed { store, url, error, left_behind }
    }
}
