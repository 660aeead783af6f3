// SPDX-License-Identifier: Apache-2.0
//! What was written is what is read.

use bytes::Bytes;
use futures::future::join_all;
use scurry_store::{Store, StoreErrorKind};
use scurry_types::ImageId;

use super::{assert_kind, assert_same, begin, read, remove, write};
use crate::pattern;

const MIB: usize = 1 << 20;

/// Concurrent writes out of order, with gaps, of odd sizes; then concurrent readers.
pub(super) async fn scattered_writes_come_back(store: &dyn Store) {
    let image = ImageId::random();
    let mut expected = vec![0; 6 * MIB + 777];
    let ranges =
        [(5 * MIB, MIB + 777), (0, 4096), (MIB + 13, 5000), (3 * MIB, MIB), (2 * MIB, 1), (4096, 8192)];
    let writer = begin(store, &image, Some(expected.len() as u64)).await;
    assert!(!writer.url().is_empty(), "the url is known before the first byte");
    let writes = ranges.iter().enumerate().map(|(seed, (offset, len))| {
        let data = pattern(seed as u64, *len);
        expected[*offset..offset + len].copy_from_slice(&data);
        writer.write_at(*offset as u64, Bytes::from(data))
    });
    let writes: Vec<_> = writes.collect();
    for result in join_all(writes).await {
        result.expect("write_at");
    }
    if !store.capability().fresh_is_zero {
        zero_the_rest(writer.as_ref(), &ranges, expected.len()).await;
    }
    let object = writer.commit(expected.len() as u64).await.expect("commit");
    assert_eq!(store.find(&image).await.expect("find"), vec![object.url.clone()]);
    assert_same(&read(store, &object.url, 0..object.len).await, &expected, "scattered writes");
    assert_same(
        &read(store, &object.url, 4095..3 * MIB as u64 + 1).await,
        &expected[4095..3 * MIB + 1],
        "range",
    );

    let reader = store.open_read(&object.url).await.expect("open_read");
    assert_eq!(reader.len(), object.len);
    assert!(!reader.is_empty());
    let reads = (0..16).map(|index| {
        let reader = &reader;
        let (offset, len) = (index * 383_217, 400_000);
        async move { (offset, reader.read_at(offset as u64, len).await.expect("read_at")) }
    });
    for (offset, data) in join_all(reads).await {
        assert_same(&data, &expected[offset..offset + data.len()], "concurrent read");
    }
    reader.close().await.expect("close");
    drop(reader);
    remove(store, &image, &object.url).await;
}

async fn zero_the_rest(writer: &dyn scurry_store::StoreWriter, ranges: &[(usize, usize)], len: usize) {
    let mut sorted = ranges.to_vec();
    sorted.sort_unstable();
    let mut at = 0;
    for (start, data) in sorted.into_iter().chain([(len, 0)]) {
        if start > at {
            writer.write_zeroes(at as u64, (start - at) as u64).await.expect("write_zeroes");
        }
        at = start + data;
    }
}

/// No length announced, an odd one in the end, with a hole before it where the store has zeroed space.
pub(super) async fn unknown_length_and_short_tail(store: &dyn Store) {
    let image = ImageId::random();
    let mut expected = pattern(99, 3 * MIB + 5);
    let writer = begin(store, &image, None).await;
    for (index, chunk) in expected.chunks(300_007).enumerate() {
        writer.write_at(index as u64 * 300_007, Bytes::copy_from_slice(chunk)).await.expect("write_at");
    }
    expected.resize(4 * MIB + 11, 0);
    if !store.capability().fresh_is_zero {
        writer.write_zeroes(3 * MIB as u64 + 5, MIB as u64 + 6).await.expect("write_zeroes");
    }
    let object = writer.commit(expected.len() as u64).await.expect("commit");
    assert_same(&read(store, &object.url, 0..object.len).await, &expected, "unknown length");
    remove(store, &image, &object.url).await;
}

/// An image may have no bytes at all.
pub(super) async fn empty_image(store: &dyn Store) {
    let image = ImageId::random();
    let object = write(store, &image, &[]).await;
    let reader = store.open_read(&object.url).await.expect("open_read");
    assert!(reader.is_empty());
    assert!(reader.extents(0..0).await.expect("extents").is_empty());
    reader.close().await.expect("close");
    drop(reader);
    remove(store, &image, &object.url).await;
}

/// Zeroes over data, across and within pages.
pub(super) async fn zeroes_replace_data(store: &dyn Store) {
    let image = ImageId::random();
    let mut expected = pattern(7, 2 * MIB);
    let writer = begin(store, &image, Some(expected.len() as u64)).await;
    writer.write_at(0, Bytes::from(expected.clone())).await.expect("write_at");
    for range in [0..4096, 65_537..131_072, MIB - 3..MIB + 300_000, 2 * MIB - 1..2 * MIB] {
        writer.write_zeroes(range.start as u64, range.len() as u64).await.expect("write_zeroes");
        expected[range].fill(0);
    }
    let object = writer.commit(expected.len() as u64).await.expect("commit");
    assert_same(&read(store, &object.url, 0..object.len).await, &expected, "zeroes over data");
    remove(store, &image, &object.url).await;
}

/// A read that the object cannot satisfy is an error, never short.
pub(super) async fn reads_beyond_the_end_are_corrupt(store: &dyn Store) {
    let image = ImageId::random();
    let object = write(store, &image, &pattern(3, 10_000)).await;
    let reader = store.open_read(&object.url).await.expect("open_read");
    assert_kind(reader.read_at(9_000, 1_001).await, &[StoreErrorKind::Corrupt], "a read across the end");
    assert_kind(
        reader.read_at(u64::MAX - 5, 10).await,
        &[StoreErrorKind::Corrupt],
        "a read far beyond the end",
    );
    assert_eq!(reader.read_at(9_000, 1_000).await.expect("read to the end").len(), 1_000);
    let across = reader.read_now(9_000, 5_000).map_or(0, |data| data.len());
    assert!(across <= 1_000, "read_now gives {across} bytes where 1000 are left");
    assert_eq!(reader.read_now(10_000, 1), None, "there is nothing at the end");
    assert_eq!(reader.read_now(u64::MAX - 5, 10), None, "there is nothing far beyond the end");
    reader.close().await.expect("close");
    drop(reader);
    remove(store, &image, &object.url).await;
}
