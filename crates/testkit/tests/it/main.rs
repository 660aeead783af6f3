// SPDX-License-Identifier: Apache-2.0
//! The store in memory passes the suite it is meant to stand in for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod journeys;

use bytes::Bytes;
use scurry_store::{CloneOutcome, CloneSource, Operation, Store, StoreErrorKind, WriteSpec};
use scurry_testkit::{MemoryBackend, MemoryStore, check_store};
use scurry_types::ImageId;

#[tokio::test]
async fn memory_store_keeps_the_contract() {
    check_store(&MemoryStore::new("memory")).await;
}

#[tokio::test]
async fn memory_store_of_dirty_space_keeps_the_contract() {
    let store = MemoryStore::new("dirty").with_capability(|capability| {
        capability.fresh_is_zero = false;
        capability.extents = false;
        capability.clone = false;
    });
    check_store(&store).await;
}

#[tokio::test]
async fn faults_strike_where_ordered() {
    let store = MemoryStore::new("memory");
    let spec = WriteSpec { image: ImageId::random(), owner: None, len: None };
    store.faults().fail_nth(Operation::Write, 2, StoreErrorKind::Full);
    let writer = store.begin_write(&spec).await.unwrap();
    writer.write_at(0, Bytes::from_static(b"one")).await.unwrap();
    assert_eq!(writer.write_at(3, Bytes::from_static(b"two")).await.unwrap_err().kind, StoreErrorKind::Full);
    writer.write_at(3, Bytes::from_static(b"two")).await.unwrap();

    let mut gate = store.faults().hold(Operation::Commit);
    let commit = tokio::spawn(writer.commit(6));
    gate.reached().await;
    assert!(!commit.is_finished());
    drop(gate);
    let object = commit.await.unwrap().unwrap();
    assert_eq!(store.content(&object.url).unwrap(), b"onetwo");
    assert_eq!(store.faults().count(Operation::Write), 3);
}

#[tokio::test]
async fn stores_of_one_backend_clone_from_one_another() {
    let backend = MemoryBackend::new("array");
    let [one, two] = ["one", "two"].map(|id| MemoryStore::new(id).with_backend(&backend));
    check_store(&one).await;
    assert_eq!(one.backend().await.as_deref(), Some("array"));
    let image = ImageId::random();
    let object = one.put(&image, b"content");
    let source =
        CloneSource { store: "one".into(), kind: "memory".to_owned(), url: object.url, len: object.len };
    let spec = WriteSpec { image, owner: None, len: None };
    let CloneOutcome::Cloned(clone) = two.clone_from(&source, &spec).await.unwrap() else {
        panic!("a clone is expected")
    };
    assert_eq!(two.content(&clone.url).unwrap(), b"content");
    let stranger = MemoryStore::new("three");
    assert_eq!(stranger.backend().await, None);
    assert!(matches!(stranger.clone_from(&source, &spec).await, Ok(CloneOutcome::Refused(_))));
}
