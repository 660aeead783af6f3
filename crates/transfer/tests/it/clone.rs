// SPDX-License-Identifier: Apache-2.0
//! The ladder of clones.

use scurry_store::{CloneSource, Operation, StoreErrorKind, WriteSpec};
use scurry_testkit::{MemoryStore, pattern};
use scurry_transfer::{Strategy, clone_or_none};
use scurry_types::ImageId;

fn source(store: &str, url: &str, len: u64) -> CloneSource {
    CloneSource { store: store.into(), kind: "memory".to_owned(), url: url.to_owned(), len }
}

fn spec() -> WriteSpec {
    WriteSpec { image: ImageId::random(), owner: None, len: None }
}

#[tokio::test]
async fn the_stores_own_object_is_tried_first() {
    let store = MemoryStore::new("one");
    let object = store.put(&ImageId::random(), &pattern(1, 5000));
    let sources = [source("two", "memory://two/x", 5000), source("one", &object.url, 5000)];
    let (cloned, refused) = clone_or_none(&store, &sources, &spec()).await;
    assert_eq!(store.content(&cloned.unwrap().url), store.content(&object.url));
    assert!(refused.is_empty());
    assert_eq!(store.faults().count(Operation::Clone), 1);
}

#[tokio::test]
async fn refusals_and_errors_are_told_and_the_next_source_is_tried() {
    let store = MemoryStore::new("one");
    let object = store.put(&ImageId::random(), &pattern(1, 5000));
    store.faults().fail_nth(Operation::Clone, 1, StoreErrorKind::Unavailable);
    let sources = [
        source("one", "memory://one/gone", 5000),
        source("one", "memory://one/also-gone", 5000),
        source("one", &object.url, 4999),
        source("one", &object.url, 5000),
    ];
    let (cloned, refused) = clone_or_none(&store, &sources, &spec()).await;
    assert!(cloned.is_some());
    assert!(refused.iter().all(|refused| refused.strategy == Strategy::BackendClone));
    let reasons: Vec<_> = refused.iter().map(|refused| refused.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "store one cannot clone: a fault was ordered",
            "memory://one/also-gone is not an object of this backend",
            "the clone has 5000 bytes, its source 4999"
        ]
    );
    assert_eq!(store.urls().len(), 2, "the clone of the wrong length is gone");
}

#[tokio::test]
async fn a_store_that_cannot_clone_is_not_asked() {
    let store = MemoryStore::new("one").with_capability(|capability| capability.clone = false);
    let (cloned, refused) = clone_or_none(&store, &[source("one", "memory://one/x", 1)], &spec()).await;
    assert!(cloned.is_none());
    assert_eq!(refused.len(), 1);
    assert_eq!(store.faults().count(Operation::Clone), 0);
}
