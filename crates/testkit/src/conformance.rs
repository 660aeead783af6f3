// SPDX-License-Identifier: Apache-2.0
//! What the contract of a store promises, as a suite that every store's tests run.

mod cloning;
mod content;
mod lifecycle;
mod resuming;

use std::ops::Range;

use bytes::Bytes;
use scurry_store::{Store, StoreError, StoreErrorKind, StoreWriter, StoredObject, WriteSpec};
use scurry_types::{ExtentKind, ImageId};

/// Runs the whole suite against a writable store and leaves it as it was found.
///
/// # Panics
/// When the store breaks the contract; the message says how.
pub async fn check_store(store: &dyn Store) {
    content::scattered_writes_come_back(store).await;
    content::unknown_length_and_short_tail(store).await;
    content::empty_image(store).await;
    content::zeroes_replace_data(store).await;
    content::reads_beyond_the_end_are_corrupt(store).await;
    lifecycle::unfinished_objects_are_found_but_not_read(store).await;
    lifecycle::abandoned_objects_can_be_deleted(store).await;
    lifecycle::finished_objects_are_not_replaced(store).await;
    lifecycle::deleted_objects_are_gone(store).await;
    lifecycle::strange_urls_are_refused(store).await;
    resuming::an_abandoned_object_is_gone_on_with(store).await;
    cloning::clones_are_independent(store).await;
    store.recover().await.expect("recover on a store in use");
}

fn spec(image: &ImageId, len: Option<u64>) -> WriteSpec {
    WriteSpec { image: image.clone(), owner: Some("conformance".into()), len }
}

async fn begin(store: &dyn Store, image: &ImageId, len: Option<u64>) -> Box<dyn StoreWriter> {
    store.begin_write(&spec(image, len)).await.expect("begin_write")
}

/// Writes `content` front to back and commits it.
async fn write(store: &dyn Store, image: &ImageId, content: &[u8]) -> StoredObject {
    let len = content.len() as u64;
    let writer = begin(store, image, Some(len)).await;
    for (index, chunk) in content.chunks(1 << 20).enumerate() {
        writer.write_at((index as u64) << 20, Bytes::copy_from_slice(chunk)).await.expect("write_at");
    }
    let object = writer.commit(len).await.expect("commit");
    assert_eq!(object.len, len, "a committed object has the length it was committed with");
    object
}

/// Reads a range in uneven steps and checks that the extents tell the truth about it.
async fn read(store: &dyn Store, url: &str, range: Range<u64>) -> Vec<u8> {
    let reader = store.open_read(url).await.expect("open_read");
    let mut content = Vec::new();
    let mut at = range.start;
    for step in [1, 511, 4096, 70_001, 1 << 20].into_iter().cycle() {
        let len = (range.end - at).min(step);
        if len == 0 {
            break;
        }
        let data = reader.read_at(at, usize::try_from(len).unwrap()).await.expect("read_at");
        assert_eq!(data.len() as u64, len, "read_at gives exactly what was asked for");
        if let Some(now) = reader.read_now(at, data.len()) {
            assert!(!now.is_empty(), "read_now gives something or nothing");
            assert!(data.starts_with(&now), "read_now gives what read_at gives, at byte {at}");
        }
        content.extend_from_slice(&data);
        at += len;
    }
    let extents = reader.extents(range.clone()).await.expect("extents");
    assert_eq!(extents.len(), range.end - range.start, "extents cover the range asked for");
    for extent in extents.iter().filter(|extent| extent.kind == ExtentKind::Zero) {
        let stretch = usize::try_from(extent.offset).unwrap()..usize::try_from(extent.end()).unwrap();
        assert!(content[stretch].iter().all(|byte| *byte == 0), "{extent:?} does not read as zeroes");
    }
    reader.close().await.expect("close");
    content
}

/// Compares without printing megabytes.
fn assert_same(actual: &[u8], expected: &[u8], what: &str) {
    assert_eq!(actual.len(), expected.len(), "{what}: length");
    let differs = actual.iter().zip(expected).position(|(a, b)| a != b);
    assert_eq!(differs, None, "{what}: first differing byte");
}

fn assert_kind<T>(result: Result<T, StoreError>, kinds: &[StoreErrorKind], what: &str) {
    match result {
        Ok(_) => panic!("{what} should have failed with one of {kinds:?}"),
        Err(error) => assert!(kinds.contains(&error.kind), "{what}: {error:?}"),
    }
}

async fn remove(store: &dyn Store, image: &ImageId, url: &str) {
    store.delete(url).await.expect("delete");
    assert_eq!(store.find(image).await.expect("find"), Vec::<String>::new(), "nothing is left of {image}");
}
