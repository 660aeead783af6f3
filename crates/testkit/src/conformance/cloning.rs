// SPDX-License-Identifier: Apache-2.0
//! Clones have the content of their source and outlive it.

use scurry_store::{CloneOutcome, CloneSource, Store};
use scurry_types::ImageId;

use super::{assert_same, read, remove, spec, write};
use crate::pattern;

/// A clone of an own object either works in full or is refused with a reason.
pub(super) async fn clones_are_independent(store: &dyn Store) {
    let backend = store.backend().await;
    assert!(backend.is_none() || store.capability().clone, "only a store that clones names its backend");
    assert_eq!(store.backend().await, backend, "the backend stays the same");
    let (image, copy) = (ImageId::random(), ImageId::random());
    let content = pattern(21, 1_500_001);
    let object = write(store, &image, &content).await;
    let source = CloneSource {
        store: store.facts().id.clone(),
        kind: store.facts().kind.to_owned(),
        url: object.url.clone(),
        len: object.len,
    };
    match store.clone_from(&source, &spec(&copy, Some(object.len))).await.expect("clone_from") {
        CloneOutcome::Refused(reason) => {
            assert!(!reason.is_empty(), "a refusal says why");
            assert!(store.find(&copy).await.expect("find").is_empty(), "a refusal leaves nothing");
        }
        CloneOutcome::Cloned(clone) => {
            assert!(store.capability().clone, "only a store that says so clones");
            assert_eq!(clone.len, object.len);
            assert_ne!(clone.url, object.url);
            remove(store, &image, &object.url).await;
            assert_same(&read(store, &clone.url, 0..clone.len).await, &content, "clone of a deleted object");
            return remove(store, &copy, &clone.url).await;
        }
    }
    let strange = CloneSource { kind: "unheard-of".to_owned(), url: "bogus://x/y".to_owned(), ..source };
    match store.clone_from(&strange, &spec(&copy, Some(object.len))).await {
        Ok(CloneOutcome::Cloned(_)) => panic!("a clone of {} cannot be", strange.url),
        Ok(CloneOutcome::Refused(_)) | Err(_) => {}
    }
    remove(store, &image, &object.url).await;
}
