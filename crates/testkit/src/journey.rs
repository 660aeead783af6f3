// SPDX-License-Identifier: Apache-2.0
//! What the transfer engine promises on any store, however often that fails: what arrives is what was sent, and of
//! what did not arrive nothing stays that nobody was told of.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use proptest::prelude::*;
use scurry_store::{Operation, Store, StoreErrorKind, StoredObject, WriteSpec};
use scurry_transfer::{
    Checkpoint, Checkpoints, CopySpec, Failed, IngestError, IngestSpec, Ingested, KeepCheckpoint,
    MemoryBudget, OnFailure, Progress, Target, TargetOutcome, copy, ingest,
};
use scurry_types::{HashAlgorithm, ImageId};
use tokio_util::sync::CancellationToken;

use crate::chaos::Chaos;
use crate::pattern::pattern;

/// One failure of the store, once.
#[derive(Debug, Clone)]
struct Trouble {
    operation: Operation,
    /// Which operation of that sort, counted from one.
    nth: u64,
    kind: StoreErrorKind,
    /// It took effect, and only the answer is lost.
    after: bool,
}

/// An image on its way into a store and from there to another object, and what goes wrong meanwhile.
#[derive(Debug, Clone)]
pub struct Journey {
    content: Vec<u8>,
    chunks: Vec<usize>,
    budget: u64,
    /// Where the source breaks off, as shares of the content.
    cuts: Vec<f64>,
    /// Bytes from one checkpoint to the next.
    checkpoints: u64,
    troubles: Vec<Trouble>,
}

/// Journeys of some MiB of data and zeroes in stretches that mind no alignment at all.
pub fn journeys() -> impl Strategy<Value = Journey> {
    let stretch = (any::<bool>(), prop_oneof![1_usize..10_000, 4000_usize..4200, 500_000_usize..1_600_000]);
    (
        proptest::collection::vec(stretch, 0..7),
        proptest::collection::vec(prop_oneof![1000_usize..9000, 100_000_usize..3_000_000], 1..4),
        prop_oneof![Just(64_u64 << 10), Just(1 << 20), Just(64 << 20)],
        proptest::collection::vec(0.0..1.0_f64, 0..3),
        prop_oneof![Just(300_000_u64), Just(4 << 20), Just(1 << 40)],
        proptest::collection::vec(trouble(), 0..5),
    )
        .prop_map(|(stretches, chunks, budget, mut cuts, checkpoints, troubles)| {
            let mut content = Vec::new();
            for (index, (data, len)) in stretches.into_iter().enumerate() {
                if data {
                    content.extend(pattern(index as u64, len));
                } else {
                    content.resize(content.len() + len, 0);
                }
            }
            cuts.sort_unstable_by(f64::total_cmp);
            Journey { content, chunks, budget, cuts, checkpoints, troubles }
        })
}

fn trouble() -> impl Strategy<Value = Trouble> {
    let operation = prop_oneof![
        1 => Just(Operation::BeginWrite),
        4 => Just(Operation::Write),
        1 => Just(Operation::Sync),
        2 => Just(Operation::Commit),
        1 => Just(Operation::Abort),
        1 => Just(Operation::Open),
        2 => Just(Operation::Read),
    ];
    let kind = prop_oneof![
        Just(StoreErrorKind::Unavailable),
        Just(StoreErrorKind::Full),
        Just(StoreErrorKind::Other)
    ];
    (operation, 1_u64..12, kind, any::<bool>()).prop_map(|(operation, nth, kind, after)| Trouble {
        operation,
        nth,
        kind,
        after,
    })
}

#[derive(Debug, Default)]
struct Kept(Mutex<Option<String>>);

#[async_trait]
impl KeepCheckpoint for Kept {
    async fn keep(&self, checkpoint: Checkpoint) -> bool {
        let text = serde_json::to_string(&checkpoint).unwrap();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
        true
    }
}

impl Kept {
    /// As another process reads it.
    fn take(&self) -> Option<Checkpoint> {
        let text = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        text.map(|text| serde_json::from_str(&text).unwrap())
    }
}

/// Runs a journey through a writable store, which is left as it was found.
///
/// # Panics
/// When something else arrives, or something stays.
pub async fn check_journey(store: Arc<dyn Store>, journey: &Journey) {
    let chaos = Chaos::new(Arc::clone(&store));
    for trouble in &journey.troubles {
        let Trouble { operation, nth, kind, after } = *trouble;
        if after {
            chaos.faults().lose_nth(operation, nth, kind);
        } else {
            chaos.faults().fail_nth(operation, nth, kind);
        }
    }
    let traveller = Traveller { store, chaos, journey, budget: MemoryBudget::new(journey.budget) };
    let (image, other) = (ImageId::random(), ImageId::random());
    let (object, ingested) = traveller.store_through(&image).await;
    traveller.same(&object).await;
    let copied = traveller.on_to_another(&other, &object, &ingested).await;
    traveller.same(&copied).await;
    traveller.memory_is_given_back().await;
    for (image, object) in [(&image, &object), (&other, &copied)] {
        assert_eq!(traveller.found(image).await, BTreeSet::from([object.url.clone()]), "what stays");
        traveller.clear(image).await;
    }
}

struct Traveller<'a> {
    store: Arc<dyn Store>,
    chaos: Chaos,
    journey: &'a Journey,
    budget: MemoryBudget,
}

impl Traveller<'_> {
    /// More attempts than there are reasons for one.
    fn attempts(&self) -> usize {
        self.journey.troubles.len() + self.journey.cuts.len() + 2
    }

    /// Threads of attempts that were given up let go of their last piece when they get round to it.
    async fn memory_is_given_back(&self) {
        for _ in 0..1000 {
            if self.budget.in_use() == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} bytes of memory are not given back", self.budget.in_use());
    }

    async fn store_through(&self, image: &ImageId) -> (StoredObject, Ingested) {
        let (kept, mut cuts) = (Arc::new(Kept::default()), self.journey.cuts.iter());
        let mut left: Option<String> = None;
        for _ in 0..self.attempts() {
            let checkpoint = kept.take();
            let writer = match (&left, &checkpoint) {
                (Some(url), Some(_)) => self.chaos.resume_write(url, &spec(image)).await.ok().flatten(),
                _ => None,
            };
            let (writer, resume) = match writer {
                Some(writer) => (Ok(writer), checkpoint),
                None => {
                    self.clear(image).await;
                    (self.chaos.begin_write(&spec(image)).await, None)
                }
            };
            left = None;
            let Ok(writer) = writer else { continue };
            let url = writer.url().to_owned();
            let offset = resume.as_ref().map_or(0, Checkpoint::offset);
            let len = self.journey.content.len();
            let end = cuts.next().map(|cut| (len as f64 * cut) as usize);
            let end = end.filter(|end| *end as u64 >= offset);
            let body = self
                .body(offset as usize, end.unwrap_or(len))
                .chain(stream::iter(end.map(|_| Err(io::Error::other("the source broke off")))));
            let spec = self.ingest_spec(&kept, resume);
            match ingest(body, vec![self.target(writer)], spec, &self.budget).await {
                Ok(mut ingested) => {
                    assert_eq!(ingested.len, len as u64);
                    let TargetOutcome::Written(open) = ingested.targets.remove(0) else {
                        panic!("one target, which failed: that is no success")
                    };
                    if let Ok(object) = open.commit(len as u64).await {
                        return (object, ingested);
                    }
                }
                Err(Failed { error: IngestError::Suspended { .. }, .. }) => left = Some(url),
                Err(failed) => self.told(image, failed).await,
            }
        }
        panic!("every attempt failed, and there were more than reasons to");
    }

    async fn on_to_another(&self, image: &ImageId, source: &StoredObject, of: &Ingested) -> StoredObject {
        for _ in 0..self.attempts() {
            self.clear(image).await;
            let Ok(reader) = self.chaos.open_read(&source.url).await else { continue };
            let Ok(writer) = self.chaos.begin_write(&spec(image)).await else { continue };
            let spec = CopySpec {
                expected: Some(of.blocks.clone()),
                digests: None,
                written: Default::default(),
                checkpoints: None,
                on_target_failure: OnFailure::AbortAll,
                progress: Arc::new(Progress::new()),
                cancel: CancellationToken::new(),
            };
            match copy(reader, vec![self.target(writer)], spec, &self.budget).await {
                Ok(mut copied) => {
                    assert_eq!(copied.blocks, of.blocks);
                    let TargetOutcome::Written(open) = copied.targets.remove(0) else {
                        panic!("one target, which failed: that is no success")
                    };
                    if let Ok(object) = open.commit(source.len).await {
                        return object;
                    }
                }
                Err(failed) => self.told(image, failed).await,
            }
        }
        panic!("every attempt failed, and there were more than reasons to");
    }

    fn target(&self, writer: Box<dyn scurry_store::StoreWriter>) -> Target {
        Target { store: self.chaos.facts().id.clone(), writer, capability: self.chaos.capability() }
    }

    fn ingest_spec(&self, kept: &Arc<Kept>, resume: Option<Checkpoint>) -> IngestSpec {
        IngestSpec {
            algorithm: HashAlgorithm::Sha512,
            declared_len: None,
            max_len: u64::MAX,
            inspect: true,
            on_target_failure: OnFailure::AbortAll,
            progress: Arc::new(Progress::new()),
            cancel: CancellationToken::new(),
            resume,
            checkpoints: Some(Checkpoints { every: self.journey.checkpoints, keep: Arc::clone(kept) as _ }),
            suspendable: true,
        }
    }

    fn body(&self, start: usize, end: usize) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
        let mut rest = Bytes::copy_from_slice(&self.journey.content[start..end]);
        // Millions of tiny chunks prove nothing more than thousands.
        let least = rest.len() / 2000;
        let mut parts = Vec::new();
        for len in self.journey.chunks.iter().map(|len| *len.max(&least)).cycle() {
            if rest.is_empty() {
                break;
            }
            parts.push(Ok(rest.split_to(len.min(rest.len()))));
        }
        stream::iter(parts)
    }

    /// What is still there was named.
    async fn told<E: std::fmt::Display>(&self, image: &ImageId, failed: Failed<E>) {
        let told: BTreeSet<_> = failed.left_behind.iter().map(|left| left.url.clone()).collect();
        let found = self.found(image).await;
        assert!(found.is_subset(&told), "{found:?} stays, {told:?} was told: {failed}");
    }

    async fn found(&self, image: &ImageId) -> BTreeSet<String> {
        self.store.find(image).await.expect("find").into_iter().collect()
    }

    /// As whoever journalled the write clears up after it.
    async fn clear(&self, image: &ImageId) {
        for url in self.found(image).await {
            self.store.delete(&url).await.expect("delete");
        }
        assert_eq!(self.found(image).await, BTreeSet::new(), "all of it is deleted");
    }

    async fn same(&self, object: &StoredObject) {
        let content = &self.journey.content;
        assert_eq!(object.len, content.len() as u64);
        let reader = self.store.open_read(&object.url).await.expect("open_read");
        for (index, expected) in content.chunks(1 << 20).enumerate() {
            let found = reader.read_at((index as u64) << 20, expected.len()).await.expect("read_at");
            let differs = found.iter().zip(expected).position(|(a, b)| a != b);
            assert_eq!((found.len(), differs), (expected.len(), None), "MiB {index}: first differing byte");
        }
        reader.close().await.expect("close");
    }
}

fn spec(image: &ImageId) -> WriteSpec {
    WriteSpec { image: image.clone(), owner: Some("journey".into()), len: None }
}
