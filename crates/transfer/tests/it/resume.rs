// SPDX-License-Identifier: Apache-2.0
//! Bodies that break off, and processes that die, and transfers that go on where they stopped.

use std::io;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use proptest::prelude::*;
use scurry_store::{Operation, Store, StoreErrorKind, WriteSpec};
use scurry_testkit::{MemoryStore, pattern};
use scurry_transfer::{
    Checkpoint, Checkpoints, Chunk, IngestError, IngestSpec, Ingested, KeepCheckpoint, MemoryBudget,
    OnFailure, Target, ingest,
};
use scurry_types::ImageId;

use crate::bench::{MIB, assert_same, begin, blocks, commit, digests, dirty, ingest_spec, runtime};

/// Keeps the last checkpoint as text; hangs at one beyond `until`, as a process does that dies there.
#[derive(Debug)]
struct Kept {
    last: Mutex<Option<String>>,
    until: u64,
    ours: bool,
}

impl Kept {
    fn until(until: u64) -> Arc<Self> {
        Arc::new(Self { last: Mutex::default(), until, ours: true })
    }

    fn last(&self) -> Option<Checkpoint> {
        let last = self.last.lock().unwrap();
        last.as_ref().map(|text| serde_json::from_str(text).unwrap())
    }
}

#[async_trait]
impl KeepCheckpoint for Kept {
    async fn keep(&self, checkpoint: Checkpoint) -> bool {
        if checkpoint.offset() > self.until {
            return std::future::pending().await;
        }
        *self.last.lock().unwrap() = Some(serde_json::to_string(&checkpoint).unwrap());
        self.ours
    }
}

fn spec(kept: &Arc<Kept>, resume: Option<Checkpoint>, every: u64) -> IngestSpec {
    IngestSpec {
        resume,
        checkpoints: Some(Checkpoints { every, keep: Arc::clone(kept) as _ }),
        suspendable: true,
        ..ingest_spec(OnFailure::AbortAll)
    }
}

/// `content` from `offset` to `end` in chunks, long zeroes as such.
fn chunks(
    content: &[u8],
    offset: u64,
    end: usize,
    step: usize,
) -> impl Stream<Item = io::Result<Chunk>> + Send + use<> {
    let chunks: Vec<_> = content[offset as usize..end]
        .chunks(step)
        .map(|chunk| {
            let zero = chunk.len() > 5000 && chunk.iter().all(|byte| *byte == 0);
            Ok(if zero {
                Chunk::Zeroes(chunk.len() as u64)
            } else {
                Chunk::Data(Bytes::copy_from_slice(chunk))
            })
        })
        .collect();
    stream::iter(chunks)
}

fn cut() -> impl Stream<Item = io::Result<Chunk>> + Send {
    stream::iter([Err(io::Error::other("cut"))])
}

async fn reopened(stores: &[&MemoryStore], image: &ImageId) -> Vec<Target> {
    let spec = WriteSpec { image: image.clone(), owner: None, len: None };
    let mut targets = Vec::new();
    for store in stores {
        let url = store.urls().pop().unwrap();
        targets.push(Target {
            store: store.facts().id.clone(),
            writer: store.resume_write(&url, &spec).await.unwrap().unwrap(),
            capability: store.capability(),
        });
    }
    targets
}

async fn assert_arrived(ingested: Ingested, stores: &[&MemoryStore], content: &[u8]) {
    assert_eq!(ingested.len, content.len() as u64);
    assert_eq!(ingested.digests, digests(content));
    assert_eq!(ingested.blocks, blocks(content));
    let seen = ingested.inspection.unwrap();
    let mut inspector = scurry_formats::Inspector::new();
    inspector.feed(content);
    assert_eq!(seen, inspector.finish());
    for (outcome, store) in ingested.targets.into_iter().zip(stores) {
        let object = commit(outcome, content.len() as u64).await;
        assert_same(&store.content(&object.url).unwrap(), content);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn what_breaks_off_is_gone_on_with(
        content in crate::bench::layout(),
        cuts in proptest::collection::vec(0.0..1.0_f64, 0..5),
        step in prop_oneof![3000_usize..9000, 100_000_usize..3_000_000],
        every in prop_oneof![Just(1_u64), Just(300_000), Just(4 << 20), Just(1 << 40)],
    ) {
        runtime().block_on(async {
            let (clean, dirty) = (MemoryStore::new("clean"), dirty("dirty"));
            let (stores, image) = ([&clean, &dirty], ImageId::random());
            let (kept, budget) = (Kept::until(u64::MAX), MemoryBudget::new(4 << 20));
            let mut targets = begin(&stores, &image).await;
            let mut cuts: Vec<_> = cuts.iter().map(|cut| (content.len() as f64 * cut) as usize).collect();
            cuts.sort_unstable();
            for end in cuts {
                let resume = kept.last();
                let offset = resume.as_ref().map_or(0, Checkpoint::offset);
                let body = chunks(&content, offset, end, step).chain(cut());
                let failed = ingest(body, targets, spec(&kept, resume, every), &budget).await.unwrap_err();
                let IngestError::Suspended { offset } = failed.error else { panic!("{failed}") };
                assert_eq!(offset, end as u64);
                assert_eq!(kept.last().unwrap().offset(), offset);
                targets = reopened(&stores, &image).await;
            }
            let resume = kept.last();
            let offset = resume.as_ref().map_or(0, Checkpoint::offset);
            let body = chunks(&content, offset, content.len(), step);
            let ingested = ingest(body, targets, spec(&kept, resume, every), &budget).await.unwrap();
            assert_arrived(ingested, &stores, &content).await;
            assert_eq!(budget.in_use(), 0);
        });
    }

    #[test]
    fn after_a_crash_other_bytes_may_come(
        content in crate::bench::layout().prop_filter("long enough", |content| content.len() > 2 * MIB),
        until in 0.0..1.0_f64,
        every in prop_oneof![Just(64_u64 << 10), Just(600_000)],
        step in 3000_usize..900_000,
    ) {
        runtime().block_on(async {
            let (clean, dirty) = (MemoryStore::new("clean"), dirty("dirty"));
            let (stores, image) = ([&clean, &dirty], ImageId::random());
            let until = (content.len() as f64 * until) as u64;
            let (kept, budget) = (Kept::until(until), MemoryBudget::new(4 << 20));
            let targets = begin(&stores, &image).await;
            // Up to where checkpoints are kept the content is as it will be; what follows comes to nothing.
            let mut before = content.clone();
            before[until as usize..].iter_mut().for_each(|byte| *byte ^= 0x5a);
            let body = chunks(&before, 0, before.len(), step).chain(stream::pending());
            let spec_before = spec(&kept, None, every);
            let progress = Arc::clone(&spec_before.progress);
            let task = tokio::spawn({
                let budget = budget.clone();
                async move { ingest(body, targets, spec_before, &budget).await }
            });
            // It comes to rest where it may write no further, or at the end.
            let mut done = u64::MAX;
            while done != progress.snapshot().done {
                done = progress.snapshot().done;
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            task.abort();
            let _aborted = task.await;
            let kept_then = kept.last();
            let kept = Kept::until(u64::MAX);
            let (resume, targets) = match kept_then {
                Some(checkpoint) => (Some(checkpoint), reopened(&stores, &image).await),
                None => {
                    for store in stores {
                        store.delete(&store.urls()[0]).await.unwrap();
                    }
                    (None, begin(&stores, &image).await)
                }
            };
            let offset = resume.as_ref().map_or(0, Checkpoint::offset);
            assert!(offset <= until);
            let body = chunks(&content, offset, content.len(), step);
            let ingested = ingest(body, targets, spec(&kept, resume, every), &budget).await.unwrap();
            assert_arrived(ingested, &stores, &content).await;
        });
    }
}

#[tokio::test]
async fn a_short_body_and_a_cancelled_one_are_kept() {
    let (store, image, kept) = (MemoryStore::new("one"), ImageId::random(), Kept::until(u64::MAX));
    let (content, budget) = (pattern(7, 3 * MIB), MemoryBudget::new(8 << 20));
    let mut first = spec(&kept, None, 1 << 30);
    first.declared_len = Some(content.len() as u64);
    let targets = begin(&[&store], &image).await;
    let body = chunks(&content[..1_000_001], 0, 1_000_001, 9999);
    let failed = ingest(body, targets, first, &budget).await.unwrap_err();
    assert!(matches!(failed.error, IngestError::Suspended { offset: 1_000_001 }), "{failed}");

    let second = spec(&kept, kept.last(), 1 << 30);
    let (cancel, progress) = (second.cancel.clone(), Arc::clone(&second.progress));
    let targets = reopened(&[&store], &image).await;
    let body = chunks(&content[..2_000_003], 1_000_001, 2_000_003, 9999).chain(stream::pending());
    let task = tokio::spawn({
        let budget = budget.clone();
        async move { ingest(body, targets, second, &budget).await }
    });
    while progress.snapshot().done < 2_000_003 {
        tokio::task::yield_now().await;
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    cancel.cancel();
    let failed = task.await.unwrap().unwrap_err();
    assert!(matches!(failed.error, IngestError::Suspended { offset: 2_000_003 }), "{failed}");

    let mut third = spec(&kept, kept.last(), 1 << 30);
    third.declared_len = Some(content.len() as u64);
    let body = chunks(&content, 2_000_003, content.len(), 70_000);
    let ingested = ingest(body, reopened(&[&store], &image).await, third, &budget).await.unwrap();
    assert_arrived(ingested, &[&store], &content).await;
}

#[tokio::test]
async fn whoever_lost_the_transfer_leaves_the_targets_alone() {
    let (store, image) = (MemoryStore::new("one"), ImageId::random());
    let kept = Arc::new(Kept { last: Mutex::default(), until: u64::MAX, ours: false });
    let content = pattern(7, 8 * MIB);
    let targets = begin(&[&store], &image).await;
    let body = chunks(&content, 0, content.len(), 100_000);
    let failed = ingest(body, targets, spec(&kept, None, 1 << 20), &MemoryBudget::new(8 << 20)).await;
    assert!(matches!(failed.unwrap_err().error, IngestError::TakenOver));
    assert_eq!(store.urls().len(), 1);
}

#[tokio::test]
async fn a_target_that_lost_its_last_bytes_is_not_gone_on_with() {
    let (store, image, kept) = (MemoryStore::new("one"), ImageId::random(), Kept::until(u64::MAX));
    let (content, budget) = (pattern(7, 6 * MIB), MemoryBudget::new(8 << 20));
    let body = chunks(&content, 0, 5 * MIB + 7, 100_000).chain(cut());
    let targets = begin(&[&store], &image).await;
    ingest(body, targets, spec(&kept, None, 1 << 30), &budget).await.unwrap_err();
    store.tamper(&store.urls()[0], 5 * MIB as u64 - 3, b"x");
    let targets = reopened(&[&store], &image).await;
    let body = chunks(&content, 5 * MIB as u64 + 7, content.len(), 100_000);
    let failed = ingest(body, targets, spec(&kept, kept.last(), 1 << 30), &budget).await.unwrap_err();
    assert!(failed.to_string().contains("does not hold what was written last"), "{failed}");
    assert!(store.urls().is_empty(), "what cannot be gone on with is taken back");
}

#[tokio::test]
async fn a_target_that_cannot_make_it_durable_is_taken_back() {
    let (store, kept) = (MemoryStore::new("one"), Kept::until(u64::MAX));
    store.faults().fail_all(Operation::Sync, StoreErrorKind::Full);
    let content = pattern(7, 2 * MIB);
    let targets = begin(&[&store], &ImageId::random()).await;
    let body = chunks(&content, 0, MIB, 100_000).chain(cut());
    let failed = ingest(body, targets, spec(&kept, None, 1 << 30), &MemoryBudget::new(8 << 20)).await;
    let failed = failed.unwrap_err();
    assert!(matches!(failed.error, IngestError::AllTargetsFailed(_)), "{failed}");
    assert!(kept.last().is_none() && store.urls().is_empty());
}
