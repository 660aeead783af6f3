// SPDX-License-Identifier: Apache-2.0
//! All targets of a transfer: every part goes to each, and the failure policy is kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use scurry_store::{Operation, StoreError, StoreErrorKind};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::lane::{Lane, LaneEnd, Order, Start};
use crate::piece::Part;
use crate::{CopyError, Failed, LeftBehind, OnFailure, Target, TargetOutcome};

/// The lanes of a transfer.
#[derive(Debug)]
pub(crate) struct Fan {
    lanes: Vec<Lane>,
    policy: OnFailure,
    stop: CancellationToken,
}

/// The targets of a transfer that came to nothing.
#[derive(Debug, Default)]
pub(crate) struct Ruins {
    pub(crate) errors: Vec<StoreError>,
    pub(crate) left_behind: Vec<LeftBehind>,
}

impl Ruins {
    /// The end of a copy for this reason; where it is the targets, theirs.
    pub(crate) fn of_copy(self, error: CopyError) -> Failed<CopyError> {
        let Self { errors, left_behind } = self;
        let error = match error {
            CopyError::AllTargetsFailed(_) => CopyError::AllTargetsFailed(errors),
            error => error,
        };
        Failed { error, left_behind }
    }
}

impl Fan {
    pub(crate) fn start(targets: Vec<Target>, policy: OnFailure) -> Self {
        Self::begin(targets, policy, Start::NEW)
    }

    /// Starts lanes for objects that are not all new, or may be left to another.
    pub(crate) fn begin(targets: Vec<Target>, policy: OnFailure, start: Start) -> Self {
        let stop = CancellationToken::new();
        let alive = Arc::new(AtomicUsize::new(targets.len()));
        let lane = |target| {
            let (stop, alive) = (stop.clone(), Arc::clone(&alive));
            Lane::start(target, start, move || {
                if alive.fetch_sub(1, Ordering::SeqCst) == 1 || policy == OnFailure::AbortAll {
                    stop.cancel();
                }
            })
        };
        let lanes = targets.into_iter().map(lane).collect();
        Self { lanes, policy, stop }
    }

    /// Returns when going on is pointless: a target failed that may not, or all did.
    pub(crate) async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// Queues a part for every target that is still there.
    pub(crate) async fn send(&self, part: &Part) {
        for lane in &self.lanes {
            // A lane that does not listen failed, which its end tells.
            let _failed = lane.orders.send(Order::Write(part.clone())).await;
        }
    }

    /// Asks every target to make durable what it was sent; each answers or fails.
    pub(crate) async fn sync(&self) -> Vec<oneshot::Receiver<()>> {
        let mut durable = Vec::with_capacity(self.lanes.len());
        for lane in &self.lanes {
            let (done, answer) = oneshot::channel();
            let _failed = lane.orders.send(Order::Sync(done)).await;
            durable.push(answer);
        }
        durable
    }

    /// Leaves every object as it is, for another to go on with.
    pub(crate) async fn leave(self) {
        for lane in &self.lanes {
            let _failed = lane.orders.send(Order::Leave).await;
        }
        for lane in self.lanes {
            let _gone = ended(lane).await;
        }
    }

    /// Waits until all is written. `Err` when the policy says that nothing may stay; nothing stays then.
    pub(crate) async fn finish(self) -> Result<Vec<TargetOutcome>, Ruins> {
        for lane in &self.lanes {
            let _failed = lane.orders.send(Order::Finish).await;
        }
        let mut outcomes = Vec::with_capacity(self.lanes.len());
        let mut left_behind = Vec::new();
        for lane in self.lanes {
            let (end, store, url) = ended(lane).await;
            outcomes.push(match end {
                LaneEnd::Written(open) => TargetOutcome::Written(open),
                // A lane that was told to finish does not leave its object.
                LaneEnd::Left => {
                    TargetOutcome::Failed { error: given_up(&store), store, url, left_behind: true }
                }
                LaneEnd::Gone { write, abort } => {
                    let error = write.unwrap_or_else(|| given_up(&store));
                    let left = abort.is_some();
                    left_behind.extend(abort.map(|error| LeftBehind {
                        store: store.clone(),
                        url: url.clone(),
                        error,
                    }));
                    TargetOutcome::Failed { store, url, error, left_behind: left }
                }
            });
        }
        let failed =
            outcomes.iter().filter(|outcome| matches!(outcome, TargetOutcome::Failed { .. })).count();
        let hopeless = failed == outcomes.len() || self.policy == OnFailure::AbortAll;
        if failed == 0 || !hopeless {
            return Ok(outcomes);
        }
        let mut ruins = Ruins { errors: Vec::new(), left_behind };
        for outcome in outcomes {
            match outcome {
                TargetOutcome::Failed { error, .. } => ruins.errors.push(error),
                TargetOutcome::Written(open) => {
                    let (store, url) = (open.store().clone(), open.url().to_owned());
                    if let Err(error) = open.abort().await {
                        ruins.left_behind.push(LeftBehind { store, url, error });
                    }
                }
            }
        }
        Err(ruins)
    }

    /// Takes every target back.
    pub(crate) async fn abort(self) -> Ruins {
        let mut ruins = Ruins::default();
        // All lanes are told before any is waited for, so that they clear up at the same time.
        futures::future::join_all(self.lanes.iter().map(|lane| lane.orders.send(Order::Abort))).await;
        for lane in self.lanes {
            let (end, store, url) = ended(lane).await;
            match end {
                LaneEnd::Left => {}
                LaneEnd::Gone { write, abort } => {
                    ruins.errors.extend(write);
                    ruins.left_behind.extend(abort.map(|error| LeftBehind { store, url, error }));
                }
                LaneEnd::Written(open) => {
                    if let Err(error) = open.abort().await {
                        ruins.left_behind.push(LeftBehind { store, url, error });
                    }
                }
            }
        }
        ruins
    }
}

fn given_up(store: &scurry_types::StoreId) -> StoreError {
    StoreError::new(store, Operation::Write, StoreErrorKind::Other, "given up")
}

async fn ended(lane: Lane) -> (LaneEnd, scurry_types::StoreId, String) {
    let Lane { store, url, end, .. } = lane;
    (joined(end.await, &store), store, url)
}

/// A lane whose task died cannot say what it left: something, presumably.
fn joined(end: Result<LaneEnd, tokio::task::JoinError>, store: &scurry_types::StoreId) -> LaneEnd {
    end.unwrap_or_else(|error| {
        let died = |operation, message: &str| {
            Some(StoreError::new(store, operation, StoreErrorKind::Other, message.to_owned()))
        };
        tracing::error!(store.id = %store, %error, "the task that wrote to a store died");
        LaneEnd::Gone {
            write: died(Operation::Write, "the task that wrote died"),
            abort: died(Operation::Abort, "the task that wrote died"),
        }
    })
}
