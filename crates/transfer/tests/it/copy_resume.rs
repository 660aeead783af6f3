// SPDX-License-Identifier: Apache-2.0
//! Copies that break off and go on: by the same process or another, as often as it takes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use proptest::prelude::*;
use scurry_store::{Operation, Store, StoreErrorKind, WriteSpec};
use scurry_testkit::{MemoryStore, pattern};
use scurry_transfer::{
    CopyCheckpoints, CopyError, CopySpec, KeepCopied, MemoryBudget, OnFailure, Target, TargetOutcome, copy,
};
use scurry_types::{BLOCK_SIZE, ImageId, Ranges, StoreId};
use tokio_util::sync::CancellationToken;

use crate::bench::{MIB, assert_same, begin, blocks, commit, copy_spec, dirty, runtime};

/// Keeps the last checkpoint and breaks the copy off after some.
#[derive(Debug)]
struct Keeper {
    last: Mutex<BTreeMap<StoreId, Ranges>>,
    left: AtomicUsize,
    cancel: CancellationToken,
    ours: bool,
}

impl Keeper {
    fn new(cancel: &CancellationToken, left: usize) -> Arc<Self> {
        Arc::new(Self { last: Mutex::default(), left: left.into(), cancel: cancel.clone(), ours: true })
    }
}

#[async_trait]
impl KeepCopied for Keeper {
    async fn keep(&self, written: Vec<(StoreId, Ranges)>) -> bool {
        *self.last.lock().unwrap() = written.into_iter().collect();
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.cancel.cancel();
        }
        self.ours
    }
}

fn spec_with(content: &[u8], keeper: &Arc<Keeper>) -> CopySpec {
    let mut spec = copy_spec(Some(blocks(content)));
    spec.cancel = keeper.cancel.clone();
    let keep = Arc::clone(keeper) as Arc<dyn KeepCopied>;
    spec.checkpoints = Some(CopyCheckpoints { bytes: 1, time: Duration::from_secs(3600), keep });
    spec
}

async fn go_on(stores: &[&MemoryStore], urls: &[String], image: &ImageId) -> Vec<Target> {
    let spec = WriteSpec { image: image.clone(), owner: None, len: None };
    let mut targets = Vec::new();
    for (store, url) in stores.iter().zip(urls) {
        let writer = store.resume_write(url, &spec).await.unwrap().expect("what was left");
        targets.push(Target { store: store.facts().id.clone(), writer, capability: store.capability() });
    }
    targets
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, ..ProptestConfig::default() })]

    #[test]
    fn a_copy_that_is_broken_off_again_and_again_arrives_whole(
        lens in proptest::collection::vec((any::<bool>(), 1_usize..7_000_000), 1..6),
        breaks in proptest::collection::vec(1_usize..3, 0..4),
        scribble in any::<bool>(),
    ) {
        let mut content = Vec::new();
        for (index, (data, len)) in lens.into_iter().enumerate() {
            if data { content.extend(pattern(index as u64, len)) } else { content.resize(content.len() + len, 0) }
        }
        runtime().block_on(async {
            let (source, a, b) = (MemoryStore::new("source"), MemoryStore::new("a"), dirty("b"));
            let image = ImageId::random();
            let object = source.put(&image, &content);
            let (stores, budget) = ([&a, &b], MemoryBudget::new(16 << 20));
            let mut targets = begin(&stores, &image).await;
            let urls: Vec<_> = targets.iter().map(|target| target.writer.url().to_owned()).collect();
            let mut written = BTreeMap::new();
            for left in breaks.into_iter().chain([usize::MAX]) {
                let cancel = CancellationToken::new();
                let keeper = Keeper::new(&cancel, left);
                let mut spec = spec_with(&content, &keeper);
                spec.written = std::mem::take(&mut written);
                let reader = source.open_read(&object.url).await.unwrap();
                match copy(reader, targets, spec, &budget).await {
                    Ok(copied) => {
                        for (outcome, store) in copied.targets.into_iter().zip(stores) {
                            let object = commit(outcome, content.len() as u64).await;
                            assert_same(&store.content(&object.url).unwrap(), &content);
                        }
                        assert_eq!(budget.in_use(), 0);
                        return;
                    }
                    Err(failed) => assert!(matches!(failed.error, CopyError::Suspended), "{failed}"),
                }
                written = keeper.last.lock().unwrap().clone();
                if scribble {
                    // What is not in the checkpoint may be anything after a crash.
                    for (store, url) in stores.iter().zip(&urls) {
                        let done = &written[&store.facts().id];
                        for block in 0..(content.len() as u64).div_ceil(BLOCK_SIZE) {
                            if !done.contains(block..block + 1) {
                                let end = (content.len() as u64).min((block + 1) * BLOCK_SIZE);
                                store.tamper(url, block * BLOCK_SIZE, &pattern(99, (end - block * BLOCK_SIZE) as usize));
                            }
                        }
                    }
                }
                targets = go_on(&stores, &urls, &image).await;
            }
            panic!("the last attempt is not broken off");
        });
    }
}

#[tokio::test]
async fn what_is_there_is_not_read_again() {
    let (source, target) = (MemoryStore::new("source"), MemoryStore::new("a"));
    let (content, image) = (pattern(4, 40 * MIB), ImageId::random());
    let object = source.put(&image, &content);
    let targets = begin(&[&target], &image).await;
    let url = targets[0].writer.url().to_owned();
    let keeper = Keeper::new(&CancellationToken::new(), 1);
    let reader = source.open_read(&object.url).await.unwrap();
    let failed = copy(reader, targets, spec_with(&content, &keeper), &MemoryBudget::new(64 << 20)).await;
    assert!(matches!(failed.unwrap_err().error, CopyError::Suspended));
    let written = keeper.last.lock().unwrap().clone();
    let there = written[&target.facts().id].len();
    assert!((1..10).contains(&there), "{there} blocks");

    let mut spec = copy_spec(Some(blocks(&content)));
    spec.written = written;
    let reader = source.open_read(&object.url).await.unwrap();
    let targets = go_on(&[&target], &[url], &image).await;
    let copied = copy(reader, targets, spec, &MemoryBudget::new(64 << 20)).await.unwrap();
    assert_eq!(copied.bytes_data, content.len() as u64 - there * BLOCK_SIZE);
    for outcome in copied.targets {
        let object = commit(outcome, content.len() as u64).await;
        assert_same(&target.content(&object.url).unwrap(), &content);
    }
}

#[tokio::test]
async fn a_target_that_failed_is_in_no_checkpoint() {
    let (source, a, b) = (MemoryStore::new("source"), MemoryStore::new("a"), MemoryStore::new("b"));
    let (content, image) = (pattern(4, 40 * MIB), ImageId::random());
    let object = source.put(&image, &content);
    b.faults().fail_nth(Operation::Sync, 1, StoreErrorKind::Full);
    let keeper = Keeper::new(&CancellationToken::new(), usize::MAX);
    let mut spec = spec_with(&content, &keeper);
    spec.on_target_failure = OnFailure::DropTarget;
    let reader = source.open_read(&object.url).await.unwrap();
    let targets = begin(&[&a, &b], &image).await;
    let copied = copy(reader, targets, spec, &MemoryBudget::new(64 << 20)).await.unwrap();
    assert!(
        matches!(&copied.targets[1], TargetOutcome::Failed { error, .. } if error.kind == StoreErrorKind::Full)
    );
    assert_eq!(keeper.last.lock().unwrap().keys().map(StoreId::as_str).collect::<Vec<_>>(), ["a"]);
    assert!(b.urls().is_empty());
}

#[tokio::test]
async fn a_copy_that_is_somebody_elses_by_now_is_left_alone() {
    let (source, target) = (MemoryStore::new("source"), MemoryStore::new("a"));
    let (content, image) = (pattern(4, 40 * MIB), ImageId::random());
    let object = source.put(&image, &content);
    let cancel = CancellationToken::new();
    let keeper = Arc::new(Keeper { last: Mutex::default(), left: usize::MAX.into(), cancel, ours: false });
    let reader = source.open_read(&object.url).await.unwrap();
    let targets = begin(&[&target], &image).await;
    let failed = copy(reader, targets, spec_with(&content, &keeper), &MemoryBudget::new(64 << 20)).await;
    assert!(matches!(failed.unwrap_err().error, CopyError::Suspended));
    assert_eq!(target.urls().len(), 1, "the other one writes to it");
}
