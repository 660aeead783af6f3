// SPDX-License-Identifier: Apache-2.0
//! Deleting: gone means gone, and what holds a volume is named.

use std::time::Duration;

use scurry_store::{Store, StoreErrorKind};
use scurry_store_cinder::CinderStoreConfig;
use scurry_types::ImageId;

use crate::fake::{Fake, Faults};
use crate::{connector, content, write};

#[tokio::test]
async fn a_delete_ends_when_the_volume_is_gone() {
    let (fake, image) = (Fake::start().await, ImageId::random());
    let store = fake.store("gold-store", "gold");
    let object = write(&store, &image, b"x").await.unwrap();
    fake.faults(Faults { slow: 2, ..Faults::default() });
    store.delete(&object.url).await.unwrap();
    fake.assert_empty();
    assert_eq!(store.delete(&object.url).await.unwrap_err().kind, StoreErrorKind::NotFound);
}

#[tokio::test]
async fn holders_are_named_and_kept() {
    let (fake, image) = (Fake::start().await, ImageId::random());
    let store = fake.store("gold-store", "gold");
    let object = write(&store, &image, b"x").await.unwrap();
    let id = fake.volume(&object.url).id;

    fake.attach(&id, "another-node", None);
    let error = store.delete(&object.url).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::InUse);
    assert!(error.message.contains("another-node"), "{error}");
    fake.state().attachments.clear();

    fake.attach(&id, "compute", Some("server-7"));
    let error = store.delete(&object.url).await.unwrap_err();
    assert!(error.kind == StoreErrorKind::InUse && error.message.contains("server-7"), "{error}");
    assert_eq!(fake.state().attachments.len(), 1);
    fake.state().attachments.clear();

    {
        let mut state = fake.state();
        let volume = state.volumes.get_mut(&id).unwrap();
        (volume.status, volume.snapshots) = ("available".to_owned(), 1);
    }
    let error = store.delete(&object.url).await.unwrap_err();
    assert!(error.kind == StoreErrorKind::InUse && error.message.contains("snapshots"), "{error}");
    fake.state().volumes.get_mut(&id).unwrap().snapshots = 0;

    let reader = store.open_read(&object.url).await.unwrap();
    let error = store.delete(&object.url).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::InUse, "{error}");
    assert_eq!(reader.read_at(0, 1).await.unwrap(), "x");
    reader.close().await.unwrap();

    fake.faults(Faults { delete_to_error: true, ..Faults::default() });
    let error = store.delete(&object.url).await.unwrap_err();
    assert!(error.kind == StoreErrorKind::Other && error.message.contains("error_deleting"), "{error}");
}

#[tokio::test]
async fn leftovers_of_this_node_and_idle_attachments_are_no_hindrance() {
    let (fake, image) = (Fake::start().await, ImageId::random());
    let config =
        CinderStoreConfig { read_linger: Duration::from_secs(600), ..fake.config("gold-store", "gold") };
    let store = fake.store_with(config);
    let object = write(&store, &image, b"x").await.unwrap();
    fake.attach(&fake.volume(&object.url).id, "node-1", None);
    store.delete(&object.url).await.unwrap();

    let object = write(&store, &image, b"y").await.unwrap();
    assert_eq!(content(&store, &object.url).await.unwrap(), "y");
    assert_eq!(fake.state().attachments.len(), 1);
    store.delete(&object.url).await.unwrap();
    fake.assert_empty();
}

#[tokio::test]
async fn what_another_node_has_just_read_is_waited_for() {
    let (fake, image) = (Fake::start().await, ImageId::random());
    let node = |host| {
        let read_linger = Duration::from_millis(300);
        fake.store_with(CinderStoreConfig {
            read_linger,
            connector: connector(host),
            ..fake.config("gold-store", "gold")
        })
    };
    let (one, other) = (node("node-1"), node("node-2"));
    let object = write(&one, &image, b"x").await.unwrap();
    assert_eq!(content(&other, &object.url).await.unwrap(), "x");
    assert_eq!(fake.state().attachments.len(), 1);
    one.delete(&object.url).await.unwrap();
    fake.assert_empty();
}

#[tokio::test]
async fn other_projects_volumes_are_never_deleted() {
    let (fake, image) = (Fake::start().await, ImageId::random());
    let store = fake.store("gold-store", "gold");
    let object = write(&store, &image, b"x").await.unwrap();
    let id = fake.volume(&object.url).id;
    {
        let mut state = fake.state();
        let volume = state.volumes.get_mut(&id).unwrap();
        volume.project = "a-user's".to_owned();
        volume.metadata.clear();
    }
    assert_eq!(store.delete(&object.url).await.unwrap_err().kind, StoreErrorKind::NotFound);
    fake.only_volume();
}
