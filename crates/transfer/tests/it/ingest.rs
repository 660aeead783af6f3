// SPDX-License-Identifier: Apache-2.0
//! Bodies of any shape end up in every store as they are, with the right digests.

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, stream};
use proptest::prelude::*;
use scurry_formats::DiskFormat;
use scurry_testkit::{MemoryStore, pattern};
use scurry_transfer::{IngestError, MemoryBudget, OnFailure, Snapshot, ingest};
use scurry_types::{HashAlgorithm, ImageId};

use crate::bench::{
    MIB, assert_same, begin, blocks, body, commit, digests, dirty, ingest_spec, runtime, written,
};

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn every_body_arrives_whole(
        content in crate::bench::layout(),
        chunks in proptest::collection::vec(prop_oneof![1_usize..5000, 100_000_usize..3_000_000], 1..5),
        budget in prop_oneof![Just(64_u64 << 10), Just(1 << 20), Just(64 << 20)],
    ) {
        // Millions of tiny chunks prove nothing more than thousands.
        let chunks: Vec<_> = chunks.into_iter().map(|len| len.max(content.len() / 2000)).collect();
        runtime().block_on(async {
            let (clean, dirty) = (MemoryStore::new("clean"), dirty("dirty"));
            let image = ImageId::random();
            let budget = MemoryBudget::new(budget);
            let targets = begin(&[&clean, &dirty], &image).await;
            let spec = ingest_spec(OnFailure::AbortAll);
            let progress = Arc::clone(&spec.progress);
            let ingested = ingest(body(&content, &chunks), targets, spec, &budget).await.unwrap();
            let len = content.len() as u64;
            assert_eq!(ingested.len, len);
            assert_eq!(ingested.digests, digests(&content));
            assert_eq!(ingested.blocks, blocks(&content));
            assert!(ingested.inspection.is_some());
            assert_eq!(progress.snapshot(), Snapshot { total: 0, done: len });
            for (outcome, store) in ingested.targets.into_iter().zip([&clean, &dirty]) {
                let object = commit(outcome, len).await;
                assert_same(&store.content(&object.url).unwrap(), &content);
            }
            assert_eq!(budget.in_use(), 0);
        });
    }
}

#[tokio::test]
async fn an_empty_image_has_the_digests_of_nothing() {
    let store = MemoryStore::new("one");
    let targets = begin(&[&store], &ImageId::random()).await;
    let mut spec = ingest_spec(OnFailure::AbortAll);
    spec.declared_len = Some(0);
    let ingested = ingest(body(&[], &[1]), targets, spec, &MemoryBudget::new(1 << 20)).await.unwrap();
    assert_eq!(ingested.digests.checksum, "d41d8cd98f00b204e9800998ecf8427e");
    assert!(ingested.digests.os_hash_value.starts_with("cf83e1357eefb8bd"));
    assert!(ingested.blocks.hashes.is_empty());
    let object = commit(ingested.targets.into_iter().next().unwrap(), 0).await;
    assert_eq!(store.content(&object.url).unwrap(), b"");
}

#[tokio::test]
async fn the_inspectors_see_the_bytes_only_when_asked() {
    let mut content = vec![0; 2 * MIB];
    content[..8].copy_from_slice(b"QFI\xfb\0\0\0\x03");
    content[24..32].copy_from_slice(&(5_u64 << 30).to_be_bytes());
    for inspect in [true, false] {
        let mut spec = ingest_spec(OnFailure::AbortAll);
        spec.inspect = inspect;
        let ingested =
            ingest(body(&content, &[777]), vec![], spec, &MemoryBudget::new(1 << 20)).await.unwrap();
        let seen = ingested.inspection.map(|inspection| (inspection.detected, inspection.size));
        assert_eq!(seen, inspect.then(|| (vec![DiskFormat::Qcow2], 2 * MIB as u64)));
    }
}

#[tokio::test]
async fn every_algorithm_gives_its_known_value() {
    let known = [
        (HashAlgorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
        (HashAlgorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (HashAlgorithm::Sha224, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
        (HashAlgorithm::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            HashAlgorithm::Sha384,
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
        ),
    ];
    for (algorithm, value) in known {
        let mut spec = ingest_spec(OnFailure::AbortAll);
        spec.algorithm = algorithm;
        // Without targets the body is only looked at.
        let ingested = ingest(body(b"abc", &[2]), vec![], spec, &MemoryBudget::new(1 << 20)).await.unwrap();
        assert_eq!(ingested.digests.os_hash_algo, algorithm);
        assert_eq!(ingested.digests.os_hash_value, value);
        assert_eq!(ingested.digests.checksum, "900150983cd24fb0d6963f7d28e17f72");
        assert!(ingested.targets.is_empty());
    }
}

#[tokio::test]
async fn zeroes_take_no_space_where_fresh_space_is_zero() {
    let store = MemoryStore::new("one");
    let mut content = vec![0; 9 * MIB];
    content[5 * MIB..5 * MIB + 4096].copy_from_slice(&pattern(1, 4096));
    let targets = begin(&[&store], &ImageId::random()).await;
    let spec = ingest_spec(OnFailure::AbortAll);
    let ingested =
        ingest(body(&content, &[70_000]), targets, spec, &MemoryBudget::new(32 << 20)).await.unwrap();
    let object = commit(ingested.targets.into_iter().next().unwrap(), content.len() as u64).await;
    assert_same(&store.content(&object.url).unwrap(), &content);
    assert_eq!(store.allocated(&object.url), Some(4096));
}

#[tokio::test]
async fn bodies_of_the_wrong_length_leave_nothing() {
    let content = pattern(4, 3 * MIB);
    let len = content.len() as u64;
    for (declared, max) in
        [(Some(len - 1), len), (Some(len + 1), 2 * len), (None, len - 1), (Some(len), len - 1)]
    {
        let (store, other) = (MemoryStore::new("one"), dirty("two"));
        let targets = begin(&[&store, &other], &ImageId::random()).await;
        let mut spec = ingest_spec(OnFailure::DropTarget);
        (spec.declared_len, spec.max_len) = (declared, max);
        let failed = ingest(body(&content, &[100_000]), targets, spec, &MemoryBudget::new(8 << 20)).await;
        let failed = failed.unwrap_err();
        match (&failed.error, declared) {
            (IngestError::TooLarge { max: told }, _) => assert_eq!(*told, max),
            (IngestError::LongerThanDeclared { declared }, _) => assert_eq!(*declared, len - 1),
            (IngestError::ShorterThanDeclared { declared, received }, _) => {
                assert_eq!((*declared, *received), (len + 1, len));
            }
            (error, _) => panic!("{error}"),
        }
        assert!(failed.left_behind.is_empty());
        assert!(store.urls().is_empty() && other.urls().is_empty(), "{declared:?} {max}");
    }
}

#[tokio::test]
async fn a_body_of_the_allowed_length_is_taken() {
    let content = pattern(4, MIB + 1);
    let len = content.len() as u64;
    let store = MemoryStore::new("one");
    let targets = begin(&[&store], &ImageId::random()).await;
    let mut spec = ingest_spec(OnFailure::AbortAll);
    (spec.declared_len, spec.max_len) = (Some(len), len);
    let progress = Arc::clone(&spec.progress);
    let ingested =
        ingest(body(&content, &[65_536]), targets, spec, &MemoryBudget::new(8 << 20)).await.unwrap();
    assert_eq!(progress.snapshot(), Snapshot { total: len, done: len });
    let open = written(ingested.targets.into_iter().next().unwrap());
    assert_eq!(open.store().as_str(), "one");
    open.abort().await.unwrap();
    assert!(store.urls().is_empty());
}

#[tokio::test]
async fn a_stalled_body_gives_its_share_back() {
    let store = MemoryStore::new("one");
    let targets = begin(&[&store], &ImageId::random()).await;
    let budget = MemoryBudget::new(8 << 20);
    let (feed, chunks) = futures::channel::mpsc::unbounded();
    let content = pattern(8, 30_000);
    feed.unbounded_send(Bytes::copy_from_slice(&content[..10_001])).unwrap();
    let spec = ingest_spec(OnFailure::AbortAll);
    let progress = Arc::clone(&spec.progress);
    let task = tokio::spawn({
        let budget = budget.clone();
        async move { ingest(chunks.map(Ok::<_, std::io::Error>), targets, spec, &budget).await }
    });
    while progress.snapshot().done < 10_001 || budget.in_use() > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(progress.snapshot().done, 10_001, "what came was written");
    feed.unbounded_send(Bytes::copy_from_slice(&content[10_001..])).unwrap();
    drop(feed);
    let ingested = task.await.unwrap().unwrap();
    assert_eq!(ingested.digests, digests(&content));
    let object = commit(ingested.targets.into_iter().next().unwrap(), 30_000).await;
    assert_same(&store.content(&object.url).unwrap(), &content);
}

#[tokio::test]
async fn a_broken_body_is_the_sources_fault() {
    let store = MemoryStore::new("one");
    let targets = begin(&[&store], &ImageId::random()).await;
    let chunks = [Ok(Bytes::from(pattern(1, 2 * MIB))), Err(std::io::Error::other("connection reset"))];
    let spec = ingest_spec(OnFailure::AbortAll);
    let failed = ingest(stream::iter(chunks), targets, spec, &MemoryBudget::new(8 << 20)).await.unwrap_err();
    let IngestError::Source(source) = &failed.error else { panic!("{failed}") };
    assert_eq!(source.to_string(), "connection reset");
    assert!(store.urls().is_empty());
}
