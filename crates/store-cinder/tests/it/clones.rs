// SPDX-License-Identifier: Apache-2.0
//! Clones: where they are made, where they are refused and why.

use scurry_store::{CloneOutcome, CloneSource, Store, StoreErrorKind};
use scurry_store_cinder::CinderStoreConfig;
use scurry_types::ImageId;

use crate::fake::{Fake, Faults};
use crate::{content, spec, write};

async fn source(fake: &Fake, image: &ImageId) -> CloneSource {
    let object = write(&fake.store("gold-store", "gold"), image, b"original").await.unwrap();
    CloneSource { store: "gold-store".into(), kind: "cinder".to_owned(), url: object.url, len: object.len }
}

async fn clone(fake: &Fake, volume_type: &str, source: &CloneSource, image: &ImageId) -> CloneOutcome {
    let store = fake.store("target", volume_type);
    store.clone_from(source, &spec(image, Some(source.len))).await.unwrap()
}

fn reason(outcome: CloneOutcome) -> String {
    match outcome {
        CloneOutcome::Refused(reason) => reason,
        CloneOutcome::Cloned(object) => panic!("{object:?}"),
    }
}

#[tokio::test]
async fn types_of_one_backend_clone() {
    let (fake, image) = (Fake::start().await, ImageId::random());
    let source = source(&fake, &image).await;
    for volume_type in ["gold", "also-gold"] {
        let CloneOutcome::Cloned(object) = clone(&fake, volume_type, &source, &image).await else {
            panic!("a clone is expected")
        };
        let volume = fake.volume(&object.url);
        assert_eq!((volume.volume_type.as_str(), volume.size, volume.readonly), (volume_type, 1, true));
        assert_eq!(volume.metadata["image_owner"], "owner-project");
        assert_eq!(volume.metadata["image_size"], "8");
        assert_eq!(volume.metadata["scurry_store"], "target");
        assert!(!volume.metadata.contains_key("scurry_writing"));
        let store = fake.store("target", volume_type);
        assert_eq!(content(&store, &object.url).await.unwrap(), "original");
        store.delete(&object.url).await.unwrap();
    }
    assert_eq!(fake.count("attach rw"), 1, "only the source was written");
}

#[tokio::test]
async fn other_places_refuse_with_a_reason_and_leave_nothing() {
    let (fake, image) = (Fake::start().await, ImageId::random());
    let original = source(&fake, &image).await;
    let refused = async |volume_type, source: &CloneSource| {
        let reason = reason(clone(&fake, volume_type, source, &image).await);
        fake.only_volume();
        reason
    };
    let other_backend = refused("silver", &original).await;
    assert!(other_backend.contains("array-2") && other_backend.contains("array-1"), "{other_backend}");
    let file = CloneSource { kind: "file".to_owned(), url: "file:///x".to_owned(), ..original.clone() };
    assert!(refused("gold", &file).await.contains("file"));
    let gone = CloneSource { url: format!("cinder://gold-store/{}", ImageId::random()), ..original.clone() };
    assert!(refused("gold", &gone).await.contains("do not see"));
    let wrong_len = CloneSource { len: 9, ..original.clone() };
    assert!(refused("gold", &wrong_len).await.contains("holds an image of 8 bytes"));

    fake.faults(Faults { clone_refused: true, ..Faults::default() });
    assert!(refused("gold", &original).await.contains("Invalid volume_type provided"));
    fake.faults(Faults { clone_to_error: true, ..Faults::default() });
    assert!(refused("gold", &original).await.contains("went to error"));
    fake.faults(Faults { not_admin: true, ..Faults::default() });
    assert!(refused("also-gold", &original).await.contains("cannot be seen"));
}

#[tokio::test]
async fn a_source_that_is_not_ready_or_too_large_is_refused() {
    let (fake, image) = (Fake::start().await, ImageId::random());
    let original = source(&fake, &image).await;
    let id = fake.volume(&original.url).id;
    fake.state().volumes.get_mut(&id).unwrap().size = 2;
    fake.state().shrinks = false;
    assert!(reason(clone(&fake, "gold", &original, &image).await).contains("2 GiB where 1 GiB"));
    fake.state().shrinks = true;
    let CloneOutcome::Cloned(object) = clone(&fake, "gold", &original, &image).await else {
        panic!("a clone is expected")
    };
    assert_eq!(fake.volume(&object.url).size, 1);
    fake.state().volumes.get_mut(&id).unwrap().metadata.insert("scurry_writing".to_owned(), "1@x".to_owned());
    assert!(reason(clone(&fake, "gold", &original, &image).await).contains("not complete"));
    fake.state().volumes.get_mut(&id).unwrap().status = "error".to_owned();
    assert!(reason(clone(&fake, "gold", &original, &image).await).contains("is error"));
}

#[tokio::test]
async fn a_clone_over_quota_is_an_error() {
    let (fake, image) = (Fake::start().await, ImageId::random());
    let source = source(&fake, &image).await;
    fake.faults(Faults { quota: Some(0), ..Faults::default() });
    let store = fake.store("target", "gold");
    let error = store.clone_from(&source, &spec(&image, None)).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Full, "{error}");
    fake.only_volume();
}

#[tokio::test]
async fn stores_know_their_backend_where_they_are_shown_it() {
    let fake = Fake::start().await;
    let backend = async |volume_type| fake.store("target", volume_type).backend().await;
    let gold = backend("gold").await.unwrap();
    assert!(gold.ends_with(" array-1"), "{gold}");
    assert_eq!(backend("also-gold").await, Some(gold.clone()));
    assert!(backend("silver").await.unwrap().ends_with(" array-2"));
    assert_eq!(backend("unheard-of").await, None);
    let default = CinderStoreConfig { volume_type: None, ..fake.config("target", "gold") };
    assert_eq!(fake.store_with(default).backend().await, Some(gold.clone()));
    let elsewhere =
        CinderStoreConfig { region: Some("RegionOne".to_owned()), ..fake.config("target", "gold") };
    assert_ne!(fake.store_with(elsewhere).backend().await, Some(gold.clone()));

    let store = fake.store("target", "gold");
    fake.faults(Faults { not_admin: true, ..Faults::default() });
    assert_eq!(store.backend().await, None);
    fake.faults(Faults::default());
    assert_eq!(store.backend().await, Some(gold.clone()), "what could not be seen is asked for again");
    fake.state().types.insert("gold".to_owned(), "array-2".to_owned());
    assert_eq!(store.backend().await, Some(gold), "what was seen is kept");
}
