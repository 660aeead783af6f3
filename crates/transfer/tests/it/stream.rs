// SPDX-License-Identifier: Apache-2.0
//! Objects as bodies of downloads.

use futures::{StreamExt, TryStreamExt};
use scurry_store::{Operation, Store, StoreErrorKind};
use scurry_testkit::{MemoryStore, pattern};
use scurry_transfer::{MemoryBudget, read_stream};
use scurry_types::ImageId;

use crate::bench::{MIB, assert_same};

#[tokio::test]
async fn ranges_are_read_whole_and_the_reader_is_closed() {
    let store = MemoryStore::new("one");
    let content = pattern(1, 7 * MIB + 9);
    let object = store.put(&ImageId::random(), &content);
    let len = content.len() as u64;
    for budget in [64 << 10, 8 << 20, 64 << 20] {
        let budget = MemoryBudget::new(budget);
        for range in
            [0..len, 0..u64::MAX, 1..1, 5..6, MIB as u64 - 1..3 * MIB as u64 + 1, len - 1..len, len..len + 5]
        {
            let reader = store.open_read(&object.url).await.unwrap();
            let chunks: Vec<_> = read_stream(reader, range.clone(), &budget).try_collect().await.unwrap();
            assert!(chunks.iter().all(|chunk| !chunk.is_empty()));
            let end = range.end.min(len) as usize;
            assert_same(&chunks.concat(), &content[(range.start as usize).min(end)..end]);
            assert_eq!(store.open_readers(), 0, "closed at the end");
            drop(chunks);
            assert_eq!(budget.in_use(), 0);
        }
    }
}

#[tokio::test]
async fn downloads_nobody_reads_hold_up_neither_each_other_nor_uploads() {
    let store = MemoryStore::new("one");
    let object = store.put(&ImageId::random(), &pattern(1, 20 * MIB));
    let budget = MemoryBudget::new(8 << 20);
    let mut stalled = Vec::new();
    for _ in 0..20 {
        let reader = store.open_read(&object.url).await.unwrap();
        let mut stream = Box::pin(read_stream(reader, 0..object.len, &budget));
        let first = stream.next().await.unwrap().unwrap();
        stalled.push((stream, first));
    }
    assert!(budget.in_use() <= 2 << 20, "{} bytes are held for reading ahead", budget.in_use());
    drop(budget.reserve(6 << 20).await);
    let (mut stream, _first) = stalled.pop().unwrap();
    assert!(stream.next().await.unwrap().is_ok());
    drop((stream, stalled));
    assert_eq!((store.open_readers(), budget.in_use()), (0, 0));
}

#[tokio::test]
async fn a_failed_read_ends_the_stream() {
    let store = MemoryStore::new("one");
    let object = store.put(&ImageId::random(), &pattern(1, 10 * MIB));
    store.faults().fail_nth(Operation::Read, 3, StoreErrorKind::Unavailable);
    let reader = store.open_read(&object.url).await.unwrap();
    let mut stream = Box::pin(read_stream(reader, 0..object.len, &MemoryBudget::new(64 << 20)));
    let mut results = Vec::new();
    while let Some(result) = stream.next().await {
        results.push(result.map(|data| data.len()));
    }
    assert_eq!(results.len(), 3);
    assert!(results[..2].iter().all(Result::is_ok) && results[2].is_err());
    assert_eq!(store.open_readers(), 0);
}
