// SPDX-License-Identifier: Apache-2.0
//! Targets that fail, wait or will not go away, and callers that lose interest.

use std::time::Duration;

use futures::StreamExt;
use scurry_store::{Operation, StoreErrorKind};
use scurry_testkit::{MemoryStore, pattern};
use scurry_transfer::{IngestError, MemoryBudget, OnFailure, TargetOutcome, ingest};
use scurry_types::ImageId;

use crate::bench::{MIB, assert_same, begin, body, commit, ingest_spec};

#[tokio::test]
async fn one_failing_target_takes_all_with_it() {
    let (good, bad) = (MemoryStore::new("good"), MemoryStore::new("bad"));
    bad.faults().fail_nth(Operation::Write, 3, StoreErrorKind::Full);
    let targets = begin(&[&good, &bad], &ImageId::random()).await;
    let content = pattern(1, 20 * MIB);
    let spec = ingest_spec(OnFailure::AbortAll);
    let failed =
        ingest(body(&content, &[MIB]), targets, spec, &MemoryBudget::new(8 << 20)).await.unwrap_err();
    let IngestError::AllTargetsFailed(errors) = &failed.error else { panic!("{failed}") };
    assert_eq!(errors.len(), 1);
    assert_eq!((errors[0].store.as_str(), errors[0].kind), ("bad", StoreErrorKind::Full));
    assert!(good.urls().is_empty() && bad.urls().is_empty());
}

#[tokio::test]
async fn a_failure_in_the_last_write_still_takes_all_with_it() {
    let (good, bad) = (MemoryStore::new("good"), MemoryStore::new("bad"));
    bad.faults().fail_nth(Operation::Write, 1, StoreErrorKind::Other);
    let targets = begin(&[&good, &bad], &ImageId::random()).await;
    let spec = ingest_spec(OnFailure::AbortAll);
    let failed = ingest(body(b"x", &[1]), targets, spec, &MemoryBudget::new(8 << 20)).await.unwrap_err();
    assert!(matches!(failed.error, IngestError::AllTargetsFailed(_)), "{failed}");
    assert!(good.urls().is_empty() && bad.urls().is_empty());
}

#[tokio::test]
async fn a_failing_target_is_dropped_when_asked_for() {
    let (good, bad) = (MemoryStore::new("good"), MemoryStore::new("bad"));
    bad.faults().fail_nth(Operation::Write, 3, StoreErrorKind::Unavailable);
    bad.faults().fail_all(Operation::Abort, StoreErrorKind::Unavailable);
    let targets = begin(&[&bad, &good], &ImageId::random()).await;
    let content = pattern(2, 20 * MIB);
    let spec = ingest_spec(OnFailure::DropTarget);
    let mut ingested =
        ingest(body(&content, &[MIB]), targets, spec, &MemoryBudget::new(8 << 20)).await.unwrap();
    let object = commit(ingested.targets.pop().unwrap(), content.len() as u64).await;
    assert_same(&good.content(&object.url).unwrap(), &content);
    match ingested.targets.pop().unwrap() {
        TargetOutcome::Failed { store, url, error, left_behind } => {
            assert_eq!((store.as_str(), error.kind), ("bad", StoreErrorKind::Unavailable));
            assert!(left_behind);
            assert_eq!(bad.urls(), vec![url]);
        }
        TargetOutcome::Written(open) => panic!("{open:?}"),
    }
}

#[tokio::test]
async fn when_all_targets_fail_it_ends_and_says_what_stays() {
    let stores = [MemoryStore::new("one"), MemoryStore::new("two")];
    for store in &stores {
        store.faults().fail_all(Operation::Write, StoreErrorKind::Full);
    }
    stores[1].faults().fail_all(Operation::Abort, StoreErrorKind::Denied);
    let targets = begin(&[&stores[0], &stores[1]], &ImageId::random()).await;
    // The body never ends by itself: the transfer has to.
    let endless = body(&pattern(1, MIB), &[MIB]).chain(futures::stream::pending());
    let spec = ingest_spec(OnFailure::DropTarget);
    let failed = ingest(endless, targets, spec, &MemoryBudget::new(8 << 20)).await.unwrap_err();
    let IngestError::AllTargetsFailed(errors) = &failed.error else { panic!("{failed}") };
    assert_eq!(errors.len(), 2);
    assert_eq!(failed.left_behind.len(), 1);
    assert_eq!(failed.left_behind[0].store.as_str(), "two");
    assert_eq!(stores[1].urls(), vec![failed.left_behind[0].url.clone()]);
    assert!(failed.to_string().contains("left behind in store two"), "{failed}");
}

#[tokio::test]
async fn cancelled_it_leaves_nothing() {
    let store = MemoryStore::new("one");
    let mut gate = store.faults().hold(Operation::Write);
    let targets = begin(&[&store], &ImageId::random()).await;
    let spec = ingest_spec(OnFailure::AbortAll);
    let cancel = spec.cancel.clone();
    let budget = MemoryBudget::new(8 << 20);
    let task = tokio::spawn({
        let (endless, budget) =
            (body(&pattern(1, MIB), &[MIB]).chain(futures::stream::pending()), budget.clone());
        async move { ingest(endless, targets, spec, &budget).await }
    });
    gate.reached().await;
    cancel.cancel();
    drop(gate);
    let failed = task.await.unwrap().unwrap_err();
    assert!(matches!(failed.error, IngestError::Cancelled), "{failed}");
    assert!(store.urls().is_empty());
    while budget.in_use() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn dropped_it_takes_its_targets_back() {
    let store = MemoryStore::new("one");
    let targets = begin(&[&store], &ImageId::random()).await;
    let spec = ingest_spec(OnFailure::AbortAll);
    let budget = MemoryBudget::new(8 << 20);
    let endless = body(&pattern(1, 2 * MIB), &[MIB]).chain(futures::stream::pending());
    let task = tokio::spawn(async move { ingest(endless, targets, spec, &budget).await });
    while store.faults().count(Operation::Write) == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(store.urls().len(), 1);
    task.abort();
    while !store.urls().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(store.faults().count(Operation::Abort), 1);
}

#[tokio::test]
async fn slow_targets_hold_the_source_back_within_the_budget() {
    let (slow, fast) = (MemoryStore::new("slow"), MemoryStore::new("fast"));
    slow.faults().slow(Operation::Write, Duration::from_millis(1));
    let budget = MemoryBudget::new(256 << 10);
    let content = pattern(5, 8 * MIB);
    // Three transfers share a budget smaller than what each alone would like to have.
    let mut transfers = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let targets = begin(&[&slow, &fast], &ImageId::random()).await;
        let (body, budget) = (body(&content, &[200_000]), budget.clone());
        transfers.spawn(async move {
            let seen = budget.clone();
            let body = body.inspect(move |_| assert!(seen.in_use() <= 256 << 10));
            ingest(body, targets, ingest_spec(OnFailure::AbortAll), &budget).await.unwrap()
        });
    }
    while let Some(ingested) = transfers.join_next().await {
        for outcome in ingested.unwrap().targets {
            let store = if outcome.store().as_str() == "slow" { &slow } else { &fast };
            let object = commit(outcome, content.len() as u64).await;
            assert_same(&store.content(&object.url).unwrap(), &content);
        }
    }
    assert_eq!(budget.in_use(), 0);
}
