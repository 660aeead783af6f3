// SPDX-License-Identifier: Apache-2.0
//! What is read, in any order, and what is refused.

use std::sync::atomic::Ordering;

use rstest::rstest;
use scurry_store::{CloneOutcome, CloneSource, Store, StoreErrorKind, StoreReader, WriteSpec};
use scurry_types::ImageId;

use crate::server::{start, store};

fn content() -> Vec<u8> {
    (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect()
}

async fn read(reader: &dyn StoreReader, at: usize, len: usize) -> Vec<u8> {
    reader.read_at(at as u64, len).await.unwrap().to_vec()
}

#[rstest]
#[case(true)]
#[case(false)]
#[tokio::test]
async fn any_order_gives_the_same_bytes(#[case] parts: bool) {
    let content = content();
    let (site, url) = start(&content, parts).await;
    let reader = store(&["127.0.0.1"]).open_read(&url).await.unwrap();
    assert_eq!(reader.len(), content.len() as u64);
    for (at, len) in [(0, 10), (10, 1 << 20), (5_000_000, 70_001), (3, 4), (content.len() - 5, 5), (7, 0)] {
        assert!(read(reader.as_ref(), at, len).await == content[at..at + len], "{len} bytes at {at}");
    }
    let many = (0..8_usize).map(|part| reader.read_at((part << 20) as u64, 1 << 20));
    for (part, data) in futures::future::join_all(many).await.into_iter().enumerate() {
        assert!(data.unwrap() == content[part << 20..(part + 1) << 20], "part {part}");
    }
    let short = reader.read_at(content.len() as u64 - 1, 2).await.unwrap_err();
    assert_eq!(short.kind, StoreErrorKind::Corrupt);
    reader.close().await.unwrap();
    assert!(site.gets.load(Ordering::Relaxed) > 0);
}

#[tokio::test]
async fn a_server_without_parts_is_asked_once_for_a_download() {
    let content = content();
    let (site, url) = start(&content, false).await;
    let reader = store(&["127.0.0.1"]).open_read(&url).await.unwrap();
    for at in (0..content.len()).step_by(1 << 20) {
        let len = (1 << 20).min(content.len() - at);
        assert!(read(reader.as_ref(), at, len).await == content[at..at + len]);
    }
    assert_eq!(site.gets.load(Ordering::Relaxed), 1);
}

#[rstest]
#[case(true)]
#[case(false)]
#[tokio::test]
async fn an_image_that_was_replaced_is_not_mixed(#[case] parts: bool) {
    let content = content();
    let (site, url) = start(&content, parts).await;
    let reader = store(&["127.0.0.1"]).open_read(&url).await.unwrap();
    *site.tag.lock().unwrap() = "\"two\"".to_owned();
    site.content.lock().unwrap().reverse();
    assert_eq!(reader.read_at(100, 100).await.unwrap_err().kind, StoreErrorKind::Corrupt);
}

#[tokio::test]
async fn what_cannot_be_opened() {
    let (site, url) = start(b"image", true).await;
    let kind = async |hosts: &[&str], url: &str| store(hosts).open_read(url).await.unwrap_err().kind;
    assert_eq!(kind(&["127.0.0.1"], &url.replace("/image", "/other")).await, StoreErrorKind::NotFound);
    assert_eq!(kind(&[], &url).await, StoreErrorKind::Invalid);
    assert_eq!(kind(&["127.0.0.1"], "http://127.0.0.1:1/image").await, StoreErrorKind::Unavailable);
    site.lengths.store(false, Ordering::Relaxed);
    assert_eq!(kind(&["127.0.0.1"], &url).await, StoreErrorKind::Invalid);
}

#[tokio::test]
async fn nothing_is_written_or_removed() {
    let (site, url) = start(b"image", true).await;
    let store = store(&["127.0.0.1"]);
    let image = ImageId::random();
    let spec = WriteSpec { image: image.clone(), owner: None, len: Some(5) };
    assert_eq!(store.begin_write(&spec).await.unwrap_err().kind, StoreErrorKind::Denied);
    let source = CloneSource { store: "x".into(), kind: "http".to_owned(), url: url.clone(), len: 5 };
    assert!(matches!(store.clone_from(&source, &spec).await.unwrap(), CloneOutcome::Refused(_)));
    store.delete(&url).await.unwrap();
    assert_eq!(store.find(&image).await.unwrap(), Vec::<String>::new());
    assert_eq!(site.gets.load(Ordering::Relaxed), 0);
    assert!(store.facts().read_only && !store.capability().write);
}
