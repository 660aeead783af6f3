// SPDX-License-Identifier: Apache-2.0
//! Objects are copied to every store as they are, their data read once and their holes not at all.

use std::sync::Arc;

use proptest::prelude::*;
use scurry_store::{Operation, Store};
use scurry_testkit::{MemoryStore, pattern};
use scurry_transfer::{MemoryBudget, Snapshot, copy};
use scurry_types::ImageId;

use crate::bench::{MIB, assert_same, begin, blocks, commit, copy_spec, digests, dirty, runtime};

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn every_object_is_copied_whole(
        content in crate::bench::layout(),
        sparse in any::<bool>(),
        verify in 0..3,
        budget in prop_oneof![Just(64_u64 << 10), Just(1 << 20), Just(64 << 20)],
    ) {
        runtime().block_on(async {
            let source = if sparse { MemoryStore::new("source") } else { dirty("source") };
            let (clean, dirty) = (MemoryStore::new("clean"), dirty("dirty"));
            let image = ImageId::random();
            let object = source.put(&image, &content);
            let reader = source.open_read(&object.url).await.unwrap();
            let targets = begin(&[&clean, &dirty], &image).await;
            let mut spec = copy_spec((verify == 1).then(|| blocks(&content)));
            spec.digests = (verify == 2).then(|| digests(&content));
            let progress = Arc::clone(&spec.progress);
            let budget = MemoryBudget::new(budget);
            let copied = copy(Arc::clone(&reader), targets, spec, &budget).await.unwrap();
            let len = content.len() as u64;
            assert_eq!(copied.blocks, blocks(&content));
            assert_eq!(copied.bytes_data + copied.bytes_zero, len);
            assert_eq!(copied.bytes_data, reader.extents(0..len).await.unwrap().data_len());
            assert_eq!(progress.snapshot(), Snapshot { total: len, done: len });
            for (outcome, store) in copied.targets.into_iter().zip([&clean, &dirty]) {
                let object = commit(outcome, len).await;
                assert_same(&store.content(&object.url).unwrap(), &content);
            }
            assert_eq!(budget.in_use(), 0);
        });
    }
}

#[tokio::test]
async fn the_source_is_read_once_for_all_targets() {
    let source = MemoryStore::new("source");
    let stores = [MemoryStore::new("a"), MemoryStore::new("b"), MemoryStore::new("c")];
    let mut content = vec![0; 40 * MIB];
    content[3 * MIB..7 * MIB].copy_from_slice(&pattern(3, 4 * MIB));
    let object = source.put(&ImageId::random(), &content);
    let targets = begin(&[&stores[0], &stores[1], &stores[2]], &ImageId::random()).await;
    let reader = source.open_read(&object.url).await.unwrap();
    let spec = copy_spec(Some(blocks(&content)));
    let copied = copy(reader, targets, spec, &MemoryBudget::new(64 << 20)).await.unwrap();
    assert_eq!(source.faults().count(Operation::Read), 2, "one read for each block with data");
    assert_eq!((copied.bytes_data, copied.bytes_zero), (4 * MIB as u64, 36 * MIB as u64));
    for (outcome, store) in copied.targets.into_iter().zip(&stores) {
        let object = commit(outcome, content.len() as u64).await;
        assert_eq!(store.allocated(&object.url), Some(4 * MIB as u64));
        assert_same(&store.content(&object.url).unwrap(), &content);
    }
}

#[tokio::test]
async fn several_reads_are_under_way_at_a_time() {
    for known in [false, true] {
        reads_overlap(known).await;
    }
}

async fn reads_overlap(known: bool) {
    let (source, target) = (MemoryStore::new("source"), MemoryStore::new("target"));
    let content = pattern(1, if known { 24 } else { 6 } * MIB);
    let object = source.put(&ImageId::random(), &content);
    let spec = copy_spec(known.then(|| blocks(&content)));
    let reader = source.open_read(&object.url).await.unwrap();
    let targets = begin(&[&target], &ImageId::random()).await;
    let gate = source.faults().hold(Operation::Read);
    let task = tokio::spawn(async move { copy(reader, targets, spec, &MemoryBudget::new(64 << 20)).await });
    while source.faults().count(Operation::Read) < 4 {
        tokio::task::yield_now().await;
    }
    drop(gate);
    assert_eq!(task.await.unwrap().unwrap().bytes_data, content.len() as u64);
}
