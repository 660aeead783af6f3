// SPDX-License-Identifier: Apache-2.0
//! Objects appear when they are committed, vanish when they are deleted, and are found in between.

use bytes::Bytes;
use scurry_store::{Store, StoreErrorKind};
use scurry_types::ImageId;

use super::{assert_kind, assert_same, begin, read, remove, spec, write};
use crate::pattern;

/// An object on its way is reported by `find` and cannot be read; aborted, it is gone.
pub(super) async fn unfinished_objects_are_found_but_not_read(store: &dyn Store) {
    let (image, other) = (ImageId::random(), ImageId::random());
    let writer = begin(store, &image, Some(100_000)).await;
    writer.write_at(0, Bytes::from(pattern(1, 50_000))).await.expect("write_at");
    let found = store.find(&image).await.expect("find");
    assert!(!found.is_empty(), "an unfinished object is found");
    assert_eq!(store.find(&other).await.expect("find"), Vec::<String>::new(), "of another image nothing is");
    for url in found.iter().map(String::as_str).chain([writer.url()]) {
        let kinds = [StoreErrorKind::NotFound, StoreErrorKind::Invalid, StoreErrorKind::Unavailable];
        assert_kind(store.open_read(url).await, &kinds, "reading an unfinished object");
    }
    writer.abort().await.expect("abort");
    assert_eq!(store.find(&image).await.expect("find"), Vec::<String>::new(), "abort leaves nothing");
}

/// What a writer dropped half way left can be found and deleted.
pub(super) async fn abandoned_objects_can_be_deleted(store: &dyn Store) {
    let image = ImageId::random();
    let writer = begin(store, &image, None).await;
    writer.write_at(0, Bytes::from(pattern(2, 10_000))).await.expect("write_at");
    drop(writer);
    let found = store.find(&image).await.expect("find");
    assert!(!found.is_empty(), "an abandoned object is found");
    for url in found {
        store.delete(&url).await.expect("delete an abandoned object");
    }
    assert_eq!(store.find(&image).await.expect("find"), Vec::<String>::new());
}

/// A second write for an image is refused, or at least leaves the first object alone.
pub(super) async fn finished_objects_are_not_replaced(store: &dyn Store) {
    let image = ImageId::random();
    let content = pattern(11, 123_456);
    let object = write(store, &image, &content).await;
    match store.begin_write(&spec(&image, Some(10))).await {
        Err(error) => assert_eq!(error.kind, StoreErrorKind::AlreadyExists, "{error}"),
        Ok(writer) => {
            assert_ne!(writer.url(), object.url, "two objects never share a url");
            writer.abort().await.expect("abort");
        }
    }
    assert_same(&read(store, &object.url, 0..object.len).await, &content, "the first object");
    remove(store, &image, &object.url).await;
}

/// A deleted object cannot be opened or deleted again.
pub(super) async fn deleted_objects_are_gone(store: &dyn Store) {
    let image = ImageId::random();
    let object = write(store, &image, &pattern(5, 4_097)).await;
    remove(store, &image, &object.url).await;
    assert_kind(store.open_read(&object.url).await, &[StoreErrorKind::NotFound], "opening a deleted object");
    assert_kind(store.delete(&object.url).await, &[StoreErrorKind::NotFound], "deleting a deleted object");
}

/// A url of no store of this kind is an error of the caller.
pub(super) async fn strange_urls_are_refused(store: &dyn Store) {
    let kinds = [StoreErrorKind::Invalid, StoreErrorKind::NotFound];
    for url in ["", "bogus", "bogus://nowhere/at/all", "file:///etc/passwd", "cinder://../../etc/passwd"] {
        assert_kind(store.open_read(url).await, &kinds, url);
        assert_kind(store.delete(url).await, &kinds, url);
    }
}
