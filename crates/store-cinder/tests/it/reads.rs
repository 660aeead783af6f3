// SPDX-License-Identifier: Apache-2.0
//! Reading: one attachment for all readers, and errors that are errors.

use std::time::Duration;

use futures::future::try_join_all;
use scurry_store::{Store, StoreErrorKind};
use scurry_store_cinder::CinderStoreConfig;
use scurry_types::ImageId;

use crate::fake::{Fake, Faults};
use crate::{content, spec, write};

#[tokio::test]
async fn many_readers_share_one_attachment() {
    let (fake, image) = (Fake::start().await, ImageId::random());
    let store = fake.store("gold-store", "gold");
    let object = write(&store, &image, b"shared").await.unwrap();
    let readers = try_join_all((0..8).map(|_| store.open_read(&object.url))).await.unwrap();
    assert_eq!(fake.count("attach ro"), 1);
    for reader in &readers[1..] {
        reader.close().await.unwrap();
        reader.close().await.unwrap();
    }
    assert_eq!(readers[0].read_at(0, 6).await.unwrap(), "shared");
    assert_eq!(readers[1].read_at(0, 6).await.unwrap_err().kind, StoreErrorKind::Other);
    readers[0].close().await.unwrap();
    assert!(fake.state().attachments.is_empty());
    assert_eq!(fake.volume(&object.url).status, "available");
}

#[tokio::test]
async fn a_burst_of_reads_attaches_once_and_lets_go_later() {
    let (fake, image) = (Fake::start().await, ImageId::random());
    let config =
        CinderStoreConfig { read_linger: Duration::from_millis(200), ..fake.config("gold-store", "gold") };
    let store = fake.store_with(config);
    let object = write(&store, &image, b"burst").await.unwrap();
    for _ in 0..5 {
        assert_eq!(content(&store, &object.url).await.unwrap(), "burst");
    }
    while !fake.state().attachments.is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(content(&store, &object.url).await.unwrap(), "burst");
    assert!(fake.count("attach ro") >= 2, "the first attachment was given back");
}

#[tokio::test]
async fn a_dropped_reader_lets_go() {
    let (fake, image) = (Fake::start().await, ImageId::random());
    let store = fake.store("gold-store", "gold");
    let object = write(&store, &image, b"x").await.unwrap();
    drop(store.open_read(&object.url).await.unwrap());
    while !fake.state().attachments.is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn what_cannot_be_read_says_why() {
    let (fake, image) = (Fake::start().await, ImageId::random());
    let store = fake.store("gold-store", "gold");
    let kind = async |url: &str| store.open_read(url).await.unwrap_err().kind;
    let missing = format!("cinder://gold-store/{}", ImageId::random());
    assert_eq!(kind(&missing).await, StoreErrorKind::NotFound);
    assert_eq!(kind(&missing.replace("gold-store", "other")).await, StoreErrorKind::Invalid);
    assert_eq!(kind("cinder://gold-store/../types").await, StoreErrorKind::Invalid);

    let object = write(&store, &image, b"content").await.unwrap();
    let old_form = object.url.replace("gold-store/", "");
    assert_eq!(content(&store, &old_form).await.unwrap(), "content");

    let id = fake.volume(&object.url).id;
    fake.attach(&id, "another-node", None);
    let held = store.open_read(&object.url).await.unwrap_err();
    assert_eq!(held.kind, StoreErrorKind::Unavailable, "{held}");
    assert!(held.message.contains(&id), "{held}");
    fake.state().attachments.clear();

    let set = |change: fn(&mut crate::fake::Vol)| {
        let mut state = fake.state();
        let volume = state.volumes.get_mut(&id).unwrap();
        volume.status = "available".to_owned();
        change(volume);
    };
    set(|volume| volume.status = "error".to_owned());
    assert_eq!(kind(&object.url).await, StoreErrorKind::Unavailable);
    set(|volume| drop(volume.metadata.insert("image_size".to_owned(), "1073741825".to_owned())));
    assert_eq!(kind(&object.url).await, StoreErrorKind::Corrupt);
    set(|volume| drop(volume.metadata.insert("image_size".to_owned(), "7".to_owned())));
    assert_eq!(content(&store, &object.url).await.unwrap(), "content");
    set(|volume| {
        volume.project = "a-user's".to_owned();
        volume.metadata.clear();
    });
    assert_eq!(kind(&object.url).await, StoreErrorKind::NotFound);
}

#[tokio::test]
async fn a_volume_shorter_than_its_image_is_corrupt() {
    let (fake, image) = (Fake::start().await, ImageId::random());
    let store = fake.store("gold-store", "gold");
    let object = write(&store, &image, b"content").await.unwrap();
    let id = fake.volume(&object.url).id;
    let file = fake.state().file(&id);
    std::fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(3).unwrap();
    assert_eq!(store.open_read(&object.url).await.unwrap_err().kind, StoreErrorKind::Corrupt);
    assert!(fake.state().attachments.is_empty());
    std::fs::remove_file(&file).unwrap();
    assert_eq!(store.open_read(&object.url).await.unwrap_err().kind, StoreErrorKind::Unavailable);
    assert!(fake.state().attachments.is_empty());
}

#[tokio::test]
async fn an_attachment_that_fails_is_not_kept() {
    let (fake, image) = (Fake::start().await, ImageId::random());
    let store = fake.store("gold-store", "gold");
    let object = write(&store, &image, b"content").await.unwrap();
    for faults in
        [Faults { attach_500: 1, ..Faults::default() }, Faults { complete_500: 1, ..Faults::default() }]
    {
        fake.faults(faults);
        assert_eq!(store.open_read(&object.url).await.unwrap_err().kind, StoreErrorKind::Unavailable);
        assert!(fake.state().attachments.is_empty());
        assert_eq!(content(&store, &object.url).await.unwrap(), "content");
    }
    let writer = store.begin_write(&spec(&ImageId::random(), Some(1))).await.unwrap();
    writer.abort().await.unwrap();
}

#[tokio::test]
async fn a_failed_read_is_an_error_and_its_attachment_is_not_kept() {
    let (fake, image) = (Fake::start().await, ImageId::random());
    let config =
        CinderStoreConfig { read_linger: Duration::from_secs(600), ..fake.config("gold-store", "gold") };
    let store = fake.store_with(config);
    let object = write(&store, &image, b"content").await.unwrap();
    let id = fake.volume(&object.url).id;
    let file = fake.state().file(&id);
    let reader = store.open_read(&object.url).await.unwrap();
    let resize = |len| std::fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(len).unwrap();
    resize(3);
    reader.read_at(0, 7).await.unwrap_err();
    resize(1 << 30);
    reader.close().await.unwrap();
    assert!(fake.state().attachments.is_empty());
    assert_eq!(content(&store, &object.url).await.unwrap(), "con\0\0\0\0");
    assert_eq!(fake.count("attach ro"), 2);
}
