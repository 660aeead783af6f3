// SPDX-License-Identifier: Apache-2.0
//! Faults to order: what fails, when, and what waits until the test lets it go on.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scurry_store::{Operation, StoreError, StoreErrorKind};
use scurry_types::StoreId;
use tokio::sync::watch;

/// The faults of one store; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    plans: Arc<Mutex<HashMap<&'static str, Plan>>>,
}

#[derive(Debug, Default)]
struct Plan {
    seen: u64,
    fail_at: Vec<(u64, StoreErrorKind)>,
    answered: u64,
    lose_at: Vec<(u64, StoreErrorKind)>,
    fail_all: Option<StoreErrorKind>,
    delay: Option<Duration>,
    gate: Option<(watch::Sender<bool>, watch::Receiver<bool>)>,
    refusal: Option<String>,
}

/// Holds an operation back; dropped, it lets it go on.
#[derive(Debug)]
pub struct Gate {
    reached: watch::Receiver<bool>,
    _open: watch::Sender<bool>,
}

impl Gate {
    /// Waits until an operation stands before the gate.
    pub async fn reached(&mut self) {
        self.reached.wait_for(|reached| *reached).await.expect("the faults outlive the gate");
    }
}

fn key(operation: Operation) -> &'static str {
    match operation {
        Operation::Open => "open",
        Operation::BeginWrite => "begin_write",
        Operation::Write => "write",
        Operation::Sync => "sync",
        Operation::Commit => "commit",
        Operation::Abort => "abort",
        Operation::Read => "read",
        Operation::Clone => "clone",
        Operation::Delete => "delete",
        Operation::Find => "find",
        Operation::Recover => "recover",
    }
}

impl Faults {
    fn plans(&self) -> MutexGuard<'_, HashMap<&'static str, Plan>> {
        self.plans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails the `nth` operation of that sort from now on, counted from one, once.
    pub fn fail_nth(&self, operation: Operation, nth: u64, kind: StoreErrorKind) {
        let mut plans = self.plans();
        let plan = plans.entry(key(operation)).or_default();
        plan.fail_at.push((plan.seen + nth, kind));
    }

    /// Lets the `nth` operation of that sort from now on, counted from one, take effect, and fails its answer, once.
    /// A [`Chaos`](crate::Chaos) alone does that.
    pub fn lose_nth(&self, operation: Operation, nth: u64, kind: StoreErrorKind) {
        let mut plans = self.plans();
        let plan = plans.entry(key(operation)).or_default();
        plan.lose_at.push((plan.answered + nth, kind));
    }

    /// Fails every operation of that sort until [`Self::clear`].
    pub fn fail_all(&self, operation: Operation, kind: StoreErrorKind) {
        self.plans().entry(key(operation)).or_default().fail_all = Some(kind);
    }

    /// Makes every operation of that sort take that much longer.
    pub fn slow(&self, operation: Operation, delay: Duration) {
        self.plans().entry(key(operation)).or_default().delay = Some(delay);
    }

    /// Answers every request for a clone with a refusal.
    pub fn refuse_clones(&self, reason: impl fmt::Display) {
        self.plans().entry(key(Operation::Clone)).or_default().refusal = Some(reason.to_string());
    }

    /// Holds operations of that sort back until the gate is dropped.
    #[must_use]
    pub fn hold(&self, operation: Operation) -> Gate {
        let (open, opened) = watch::channel(false);
        let (arrive, reached) = watch::channel(false);
        self.plans().entry(key(operation)).or_default().gate = Some((arrive, opened));
        Gate { reached, _open: open }
    }

    /// Ends all faults; the counts stay.
    pub fn clear(&self) {
        for plan in self.plans().values_mut() {
            *plan = Plan { seen: plan.seen, answered: plan.answered, ..Plan::default() };
        }
    }

    /// How many operations of that sort were asked for so far.
    #[must_use]
    pub fn count(&self, operation: Operation) -> u64 {
        self.plans().get(key(operation)).map_or(0, |plan| plan.seen)
    }

    pub(crate) fn refusal(&self) -> Option<String> {
        self.plans().get(key(Operation::Clone)).and_then(|plan| plan.refusal.clone())
    }

    /// Counts the operation, waits as ordered, fails as ordered.
    pub(crate) async fn meet(&self, store: &StoreId, operation: Operation) -> Result<(), StoreError> {
        let (failure, delay, gate) = {
            let mut plans = self.plans();
            let plan = plans.entry(key(operation)).or_default();
            plan.seen += 1;
            let once = due(&mut plan.fail_at, plan.seen);
            (once.or(plan.fail_all), plan.delay, plan.gate.clone())
        };
        if let Some((arrive, mut opened)) = gate {
            arrive.send_replace(true);
            // An error here is the gate being dropped, which is how it opens.
            while opened.changed().await.is_ok() {}
        }
        if let Some(delay) = delay {
            tokio::time::sleep(delay).await;
        }
        ordered(store, operation, failure)
    }

    /// Counts an operation that took effect, fails its answer as ordered.
    pub(crate) fn answer(&self, store: &StoreId, operation: Operation) -> Result<(), StoreError> {
        let lost = {
            let mut plans = self.plans();
            let plan = plans.entry(key(operation)).or_default();
            plan.answered += 1;
            due(&mut plan.lose_at, plan.answered)
        };
        ordered(store, operation, lost)
    }
}

/// What was ordered for that number.
fn due(orders: &mut Vec<(u64, StoreErrorKind)>, number: u64) -> Option<StoreErrorKind> {
    let found = orders.iter().position(|(at, _)| *at == number)?;
    Some(orders.swap_remove(found).1)
}

fn ordered(store: &StoreId, operation: Operation, failure: Option<StoreErrorKind>) -> Result<(), StoreError> {
    match failure {
        Some(kind) => Err(StoreError::new(store, operation, kind, "a fault was ordered")),
        None => Ok(()),
    }
}
