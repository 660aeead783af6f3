// SPDX-License-Identifier: Apache-2.0
//! Writing: sizes, growth, trimming, and what is left when something fails.

use std::time::Duration;

use bytes::Bytes;
use scurry_store::{Store, StoreErrorKind};
use scurry_types::ImageId;

use crate::fake::{Fake, Faults, GIB};
use crate::{content, spec, write};

#[tokio::test]
async fn a_finished_volume_is_what_glance_and_cinder_expect() {
    let (fake, image) = (Fake::start().await, ImageId::random());
    let store = fake.store("gold-store", "gold");
    let writer = store.begin_write(&spec(&image, Some(2 * GIB + 1))).await.unwrap();
    let unfinished = fake.only_volume();
    assert!(unfinished.metadata.contains_key("scurry_writing"));
    assert_eq!(writer.url(), format!("cinder://gold-store/{}", unfinished.id));
    writer.write_at(2 * GIB, Bytes::from_static(b"x")).await.unwrap();
    let object = writer.commit(2 * GIB + 1).await.unwrap();

    let volume = fake.only_volume();
    assert_eq!(object.url, format!("cinder://gold-store/{}", volume.id));
    assert_eq!((volume.name, volume.size), (format!("image-{image}"), 3));
    assert_eq!((volume.status.as_str(), volume.readonly), ("available", true));
    let metadata: Vec<_> =
        volume.metadata.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(
        metadata,
        [
            ("glance_image_id", image.as_str()),
            ("image_owner", "owner-project"),
            ("image_size", "2147483649"),
            ("scurry_store", "gold-store"),
        ]
    );
    assert!(fake.state().attachments.is_empty());
    assert_eq!(fake.count("attach"), 1);
}

#[tokio::test]
async fn a_length_nobody_told_costs_a_logarithm_of_extends() {
    for shrinks in [true, false] {
        let (fake, image) = (Fake::start().await, ImageId::random());
        fake.state().shrinks = shrinks;
        let store = fake.store("gold-store", "gold");
        let writer = store.begin_write(&spec(&image, None)).await.unwrap();
        let first = writer.url().to_owned();
        for gib in 0..=8 {
            writer.write_at(gib * GIB, Bytes::from_static(b"here")).await.unwrap();
        }
        assert_eq!((fake.count("extend"), fake.only_volume().size), (4, 16));
        let object = writer.commit(8 * GIB + 4).await.unwrap();
        assert_eq!(fake.only_volume().size, 9);
        assert_eq!(fake.count("shrink") == 1, shrinks);
        assert_eq!(object.url == first, shrinks);
        assert_eq!(store.find(&image).await.unwrap(), std::slice::from_ref(&object.url));
        let reader = store.open_read(&object.url).await.unwrap();
        assert_eq!(reader.len(), 8 * GIB + 4);
        for gib in 0..=8 {
            assert_eq!(reader.read_at(gib * GIB, 5).await.map_or(Bytes::new(), |data| data.slice(..4)), {
                if gib < 8 { "here" } else { "" }
            });
        }
        assert_eq!(reader.read_at(8 * GIB, 4).await.unwrap(), "here");
        let volume = fake.volume(&object.url);
        assert_eq!((volume.readonly, volume.metadata.contains_key("scurry_writing")), (true, false));
    }
}

#[tokio::test]
async fn a_refused_shrink_moves_the_data_instead() {
    let (fake, image) = (Fake::start().await, ImageId::random());
    fake.faults(Faults { shrink_400: true, ..Faults::default() });
    let store = fake.store("gold-store", "gold");
    let writer = store.begin_write(&spec(&image, None)).await.unwrap();
    let first = writer.url().to_owned();
    writer.write_at(3 * GIB, Bytes::from_static(b"tail")).await.unwrap();
    writer.write_at(5, Bytes::from_static(b"head")).await.unwrap();
    writer.write_zeroes(3 * GIB, 4).await.unwrap();
    let object = writer.commit(GIB).await.unwrap();
    assert_ne!(object.url, first);
    assert_eq!(fake.only_volume().size, 1);
    let reader = store.open_read(&object.url).await.unwrap();
    assert_eq!(reader.read_at(4, 6).await.unwrap(), b"\0head\0".as_slice());
}

#[tokio::test]
async fn concurrent_writes_share_one_growth() {
    let (fake, image) = (Fake::start().await, ImageId::random());
    fake.faults(Faults { slow: 1, ..Faults::default() });
    let store = fake.store("gold-store", "gold");
    let writer = store.begin_write(&spec(&image, None)).await.unwrap();
    let writes = (0..32_u64).map(|n| writer.write_at(n * GIB / 16, Bytes::from_static(b"data")));
    for written in futures::future::join_all(writes).await {
        written.unwrap();
    }
    assert_eq!((fake.count("extend"), fake.only_volume().size), (1, 2));
    let object = writer.commit(2 * GIB).await.unwrap();
    let reader = store.open_read(&object.url).await.unwrap();
    for n in 0..32 {
        assert_eq!(reader.read_at(n * GIB / 16, 4).await.unwrap(), "data");
    }
}

#[tokio::test]
async fn quota_stops_doubling_before_it_stops_the_image() {
    let (fake, image) = (Fake::start().await, ImageId::random());
    fake.faults(Faults { quota: Some(3), ..Faults::default() });
    let store = fake.store("gold-store", "gold");
    let writer = store.begin_write(&spec(&image, None)).await.unwrap();
    writer.write_at(GIB, Bytes::from_static(b"x")).await.unwrap();
    writer.write_at(2 * GIB, Bytes::from_static(b"x")).await.unwrap();
    assert_eq!(fake.only_volume().size, 3);
    let error = writer.write_at(3 * GIB, Bytes::from_static(b"x")).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Full, "{error}");
    writer.abort().await.unwrap();
    fake.assert_empty();
    let error = store.begin_write(&spec(&image, Some(4 * GIB))).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Full, "{error}");
}

#[tokio::test]
async fn whatever_fails_at_the_beginning_leaves_nothing() {
    let once = |set: fn(&mut Faults)| {
        let mut faults = Faults::default();
        set(&mut faults);
        faults
    };
    for (faults, kind) in [
        (once(|faults| faults.create_to_error = 1), StoreErrorKind::Other),
        (once(|faults| faults.create_unanswered = 1), StoreErrorKind::Unavailable),
        (once(|faults| faults.attach_500 = 1), StoreErrorKind::Unavailable),
        (once(|faults| faults.attach_400 = 9), StoreErrorKind::Unavailable),
        (once(|faults| faults.complete_500 = 1), StoreErrorKind::Unavailable),
    ] {
        for not_admin in [false, true] {
            let (fake, image) = (Fake::start().await, ImageId::random());
            fake.faults(Faults { not_admin, ..faults.clone() });
            let store = fake.store("gold-store", "gold");
            let error = store.begin_write(&spec(&image, Some(5))).await.unwrap_err();
            assert_eq!(error.kind, kind, "{faults:?} {error}");
            assert!(!error.message.contains("left behind"), "{error}");
            fake.assert_empty();
        }
    }
}

#[tokio::test]
async fn a_volume_held_for_a_moment_is_attached_in_the_end() {
    let (fake, image) = (Fake::start().await, ImageId::random());
    fake.faults(Faults { attach_400: 2, ..Faults::default() });
    let store = fake.store("gold-store", "gold");
    let object = write(&store, &image, b"content").await.unwrap();
    assert_eq!(content(&store, &object.url).await.unwrap(), "content");
}

#[tokio::test]
async fn a_failed_commit_removes_the_volume_or_names_it() {
    let (fake, image) = (Fake::start().await, ImageId::random());
    let store = fake.store("gold-store", "gold");
    fake.faults(Faults { metadata_500: 1, ..Faults::default() });
    let error = write(&store, &image, b"content").await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unavailable, "{error}");
    fake.assert_empty();

    fake.faults(Faults { metadata_500: 1, delete_to_error: true, ..Faults::default() });
    let error = write(&store, &image, b"content").await.unwrap_err();
    let left = fake.only_volume().id;
    assert!(error.message.contains("left behind") && error.message.contains(&left), "{error}");
}

#[tokio::test]
async fn a_complete_image_outlasts_a_service_that_is_away() {
    let (fake, image) = (Fake::start().await, ImageId::random());
    let store = fake.store("gold-store", "gold");
    let writer = store.begin_write(&spec(&image, Some(7))).await.unwrap();
    writer.write_at(0, Bytes::from_static(b"content")).await.unwrap();
    fake.faults(Faults { away_once: true, ..Faults::default() });
    let object = writer.commit(7).await.unwrap();
    let volume = fake.only_volume();
    let mut refused: Vec<_> = fake.state().refused.iter().cloned().collect();
    refused.retain(|call| !call.contains("attachments"));
    let id = &volume.id;
    assert_eq!(
        refused,
        [
            format!("DELETE /v3/volumes/{id}/metadata/scurry_writing"),
            format!("POST /v3/volumes/{id}/action"),
            format!("POST /v3/volumes/{id}/metadata"),
        ]
    );
    assert_eq!((volume.status.as_str(), volume.readonly), ("available", true));
    assert!(!volume.metadata.contains_key("scurry_writing"), "{:?}", volume.metadata);
    assert!(fake.state().attachments.is_empty());
    fake.faults(Faults::default());
    assert_eq!(content(&store, &object.url).await.unwrap(), "content");
}

#[tokio::test]
async fn a_service_that_stays_away_is_named() {
    let (fake, image) = (Fake::start().await, ImageId::random());
    let mut config = fake.config("gold-store", "gold");
    config.state_transition_timeout = Duration::from_millis(600);
    let store = fake.store_with(config);
    let writer = store.begin_write(&spec(&image, Some(7))).await.unwrap();
    let url = writer.url().to_owned();
    fake.faults(Faults { away: true, ..Faults::default() });
    let error = writer.commit(7).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unavailable, "{error}");
    assert!(error.message.contains("No server is available"), "{error}");
    assert!(error.message.contains("left behind: volume"), "{error}");
    // What stayed behind is found and removed when the service is back.
    fake.faults(Faults::default());
    assert_eq!(store.find(&image).await.unwrap(), std::slice::from_ref(&url));
    store.delete(&url).await.unwrap();
    fake.assert_empty();
}

#[tokio::test]
async fn a_detach_that_found_nobody_is_made_up_for() {
    let (fake, image) = (Fake::start().await, ImageId::random());
    let store = fake.store("gold-store", "gold");
    let object = write(&store, &image, b"content").await.unwrap();
    let reader = store.open_read(&object.url).await.unwrap();
    fake.faults(Faults { away: true, ..Faults::default() });
    let error = reader.close().await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unavailable, "{error}");
    drop(reader);
    fake.faults(Faults::default());
    let detached = async {
        while !fake.state().attachments.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), detached).await.unwrap();
}

#[tokio::test]
async fn an_abort_that_cannot_delete_is_an_error() {
    let (fake, image) = (Fake::start().await, ImageId::random());
    let store = fake.store("gold-store", "gold");
    fake.faults(Faults { delete_to_error: true, ..Faults::default() });
    let writer = store.begin_write(&spec(&image, Some(5))).await.unwrap();
    let error = writer.abort().await.unwrap_err();
    assert!(error.message.contains(&fake.only_volume().id), "{error}");
}

#[tokio::test]
async fn a_caller_that_goes_leaves_nothing_begun() {
    let (fake, image) = (Fake::start().await, ImageId::random());
    fake.faults(Faults { slow: 2, ..Faults::default() });
    let store = fake.store("gold-store", "gold");
    let begin = tokio::spawn({
        let (store, spec) = (store.clone(), spec(&image, Some(5)));
        async move { store.begin_write(&spec).await.map(drop) }
    });
    while fake.count("create") == 0 {
        tokio::task::yield_now().await;
    }
    begin.abort();
    assert!(begin.await.unwrap_err().is_cancelled());
    assert_eq!(store.find(&image).await.unwrap(), Vec::<String>::new());
    fake.assert_empty();
}

#[tokio::test]
async fn a_dropped_writer_lets_go_of_its_volume() {
    let (fake, image) = (Fake::start().await, ImageId::random());
    let store = fake.store("gold-store", "gold");
    let writer = store.begin_write(&spec(&image, Some(5))).await.unwrap();
    let url = writer.url().to_owned();
    let held = store.delete(&url).await.unwrap_err();
    assert_eq!(held.kind, StoreErrorKind::InUse, "{held}");
    drop(writer);
    assert_eq!(store.find(&image).await.unwrap(), std::slice::from_ref(&url));
    store.delete(&url).await.unwrap();
    fake.assert_empty();
}
