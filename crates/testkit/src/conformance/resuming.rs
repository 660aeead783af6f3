// SPDX-License-Identifier: Apache-2.0
//! Objects that another writer goes on with.

use bytes::Bytes;
use scurry_store::Store;
use scurry_types::ImageId;

use super::{assert_same, begin, read, remove, spec};

/// What was synced is there for the next writer, who may write again what came after.
pub(super) async fn an_abandoned_object_is_gone_on_with(store: &dyn Store) {
    let image = ImageId::random();
    let content = crate::pattern(11, 3 << 20);
    let at = (1 << 20) + 4096;
    let writer = begin(store, &image, Some(content.len() as u64)).await;
    writer.write_at(0, Bytes::copy_from_slice(&content[..at])).await.expect("write_at");
    writer.sync().await.expect("sync");
    writer.write_at(at as u64, Bytes::from(vec![7; 70_001])).await.expect("write_at behind the sync");
    let url = writer.url().to_owned();
    drop(writer);
    let spec = spec(&image, Some(content.len() as u64));
    let resumed = store.resume_write(&url, &spec).await.expect("resume_write");
    if !store.capability().resume {
        assert!(resumed.is_none(), "a store that cannot go on says so");
        return remove(store, &image, &url).await;
    }
    let writer = resumed.expect("the unfinished object is there");
    assert_eq!(writer.url(), url, "the object keeps its url");
    let back = writer.read_back(4096, at - 4096).await.expect("read_back");
    assert_same(&back, &content[4096..at], "what was synced");
    writer.write_zeroes(at as u64, 70_001).await.expect("write_zeroes");
    let zeroes = writer.read_back(at as u64, 70_001).await.expect("read_back of zeroes");
    assert_same(&zeroes, &[0; 70_001], "zeroes over what came after the sync");
    writer.write_at(at as u64, Bytes::copy_from_slice(&content[at..])).await.expect("write_at");
    let object = writer.commit(content.len() as u64).await.expect("commit");
    assert_same(&read(store, &object.url, 0..content.len() as u64).await, &content, "the whole object");
    let finished = store.resume_write(&object.url, &spec).await;
    assert!(!matches!(finished, Ok(Some(_))), "a finished object is not written again");
    remove(store, &image, &object.url).await;
    let gone = store.resume_write(&url, &spec).await;
    assert!(!matches!(gone, Ok(Some(_))), "an object that is gone cannot be gone on with");
}
