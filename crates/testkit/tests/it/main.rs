// SPDX-License-Identifier: Apache-2.0
//! The store in memory passes the suite it is meant to stand in for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use bytes::Bytes;
use scurry_store::{Operation, Store, StoreErrorKind, WriteSpec};
use scurry_testkit::{MemoryStore, check_store};
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
