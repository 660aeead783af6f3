// SPDX-License-Identifier: Apache-2.0
//! Uploads: what an image is afterwards, and that a refused one leaves nothing.

use std::sync::Arc;

use futures::StreamExt;
use scurry_image::{ByteRange, ImageError, NewImage, Upload};
use scurry_store::{Operation, Store, StoreErrorKind};
use scurry_types::{ImageId, ImageStatus};

use crate::world::*;

#[tokio::test]
async fn an_upload_makes_the_image_active_with_what_its_bytes_are() {
    let world = World::new();
    let service = world.start().await;
    let image = active(&service, &caller("p")).await;
    assert_eq!(image.status, ImageStatus::Active);
    assert_eq!(image.size, Some(3_000_000));
    assert_eq!(image.virtual_size, Some(3_000_000));
    assert_eq!(image.stores(), ["one"]);
    assert_eq!(image.os_hash_algo.as_deref(), Some("sha512"));
    assert_eq!(image.os_hash_value.as_ref().map(String::len), Some(128));
    assert_eq!(image.checksum.as_ref().map(String::len), Some(32));
    assert_eq!(world.stores[0].content(&image.locations[0].url).unwrap(), content());
    world.check().await;
}

#[tokio::test]
async fn a_download_gives_the_bytes_or_a_range_of_them() {
    let world = World::new();
    let service = world.start().await;
    let image = active(&service, &caller("p")).await;
    for (range, expected) in [
        (None, content()),
        (Some(ByteRange::Span { first: 999_000, last: 1_000_999 }), content()[999_000..1_001_000].to_vec()),
        (Some(ByteRange::Suffix(10)), content()[2_999_990..].to_vec()),
    ] {
        let download = service.download(&caller("p"), &image.id, range, &[]).await.unwrap().unwrap();
        assert_eq!(download.len, 3_000_000);
        let pieces: Vec<_> = download.body.map(|piece| piece.unwrap()).collect().await;
        assert_eq!(pieces.concat(), expected);
    }
    let past = service.download(&caller("p"), &image.id, Some(ByteRange::From(3_000_000)), &[]).await;
    assert!(matches!(past, Err(ImageError::RangeNotSatisfiable { len: 3_000_000 })));
    let empty = service.create(&caller("p"), raw()).await.unwrap();
    assert!(service.download(&caller("p"), &empty.id, None, &[]).await.unwrap().is_none());
}

#[tokio::test]
async fn a_location_that_fails_is_followed_by_the_next() {
    let world = World::new();
    let service = world.start().await;
    let image = active(&service, &caller("p")).await;
    let copy = import(scurry_image::ImportMethod::CopyImage, &["two"]);
    let task = service.import(&admin(), &image.id, copy).await.unwrap().unwrap();
    ended(&service, &task).await;
    world.stores[0].faults().fail_all(Operation::Open, StoreErrorKind::Unavailable);
    let download = service.download(&caller("p"), &image.id, None, &[]).await.unwrap().unwrap();
    let pieces: Vec<_> = download.body.map(|piece| piece.unwrap()).collect().await;
    assert_eq!(pieces.concat(), content());
    world.stores[1].faults().fail_all(Operation::Open, StoreErrorKind::Unavailable);
    let none = service.download(&caller("p"), &image.id, None, &[]).await;
    assert!(matches!(none, Err(ImageError::Unavailable { .. })), "{none:?}");
}

#[tokio::test]
async fn refused_uploads_leave_the_image_queued_and_nothing_stored() {
    let mut world = World::new();
    world.settings.image_size_cap = 4_000_000;
    let service = world.start().await;
    let who = caller("p");
    let image = service.create(&who, raw()).await.unwrap();
    let qcow2 = [b"QFI\xfb\x00\x00\x00\x03".as_slice(), &[0; 65_536]].concat();
    let long = vec![1; 4_000_001];
    let declared = |len| Upload { store: None, declared_len: Some(len) };
    let cases = [
        (Upload::default(), body(&qcow2), "Image disk_format raw does not match stream data qcow2"),
        (Upload::default(), body(&long), "The incoming image is too large: The provided image is too large."),
        (
            declared(4_000_001),
            body(&long),
            "The incoming image is too large: The provided image is too large.",
        ),
        (declared(10), body(&content()), "Size mismatch"),
        (declared(3_000_001), body(&content()), "Size mismatch"),
        (Upload::default(), broken_body(&content()), "the client went away"),
        (to("nope"), body(&content()), "Store for identifier nope not found"),
    ];
    for (upload, body, expected) in cases {
        let said = text(service.upload(&who, &image.id, upload, body).await);
        assert!(said.contains(expected), "{said:?} lacks {expected:?}");
        let now = service.get(&who, &image.id).await.unwrap();
        assert_eq!(now.status, ImageStatus::Queued);
        assert_eq!((now.size, now.checksum.clone(), now.os_hash_value.clone()), (None, None, None));
        world.check().await;
    }
    service.upload(&who, &image.id, Upload::default(), body(&content())).await.unwrap();
    world.check().await;
}

#[tokio::test]
async fn failing_stores_leave_nothing_either() {
    let world = World::new();
    let service = world.start().await;
    let who = caller("p");
    let image = service.create(&who, raw()).await.unwrap();
    let faults = world.stores[0].faults();
    for operation in [Operation::BeginWrite, Operation::Write, Operation::Commit] {
        faults.fail_nth(operation, 1, StoreErrorKind::Full);
        let answer = service.upload(&who, &image.id, Upload::default(), body(&content())).await;
        assert!(matches!(answer, Err(ImageError::StorageFull(_))), "{operation}: {answer:?}");
        assert_eq!(service.get(&who, &image.id).await.unwrap().status, ImageStatus::Queued);
        world.check().await;
    }
}

#[tokio::test]
async fn what_cannot_be_cleared_at_once_is_cleared_by_a_job() {
    let world = World::new();
    let (service, db) = world.build().await;
    service.start().await.unwrap();
    let who = caller("p");
    let image = service.create(&who, raw()).await.unwrap();
    let faults = world.stores[0].faults();
    faults.fail_nth(Operation::Write, 1, StoreErrorKind::Other);
    faults.fail_nth(Operation::Abort, 1, StoreErrorKind::Unavailable);
    faults.fail_nth(Operation::Delete, 1, StoreErrorKind::Unavailable);
    let answer = service.upload(&who, &image.id, Upload::default(), body(&content())).await;
    assert!(matches!(answer, Err(ImageError::Store(_))), "{answer:?}");
    quiet(&db, &image.id).await;
    world.check().await;
    service.upload(&who, &image.id, Upload::default(), body(&content())).await.unwrap();
    world.check().await;
}

#[tokio::test]
async fn of_two_uploads_one_is_told_of_the_conflict() {
    let world = World::new();
    let service = world.start().await;
    let who = caller("p");
    let image = service.create(&who, raw()).await.unwrap();
    let mut gate = world.stores[0].faults().hold(Operation::Commit);
    let first = {
        let (service, who, id) = (service.clone(), who.clone(), image.id.clone());
        tokio::spawn(async move { service.upload(&who, &id, Upload::default(), body(&content())).await })
    };
    gate.reached().await;
    let second = service.upload(&who, &image.id, to("two"), body(&content())).await;
    assert_eq!(text(second), "Image status transition from saving to saving is not allowed");
    drop(gate);
    first.await.unwrap().unwrap();
    let again = service.upload(&who, &image.id, to("two"), body(&content())).await;
    assert_eq!(text(again), "Image status transition from active to saving is not allowed");
    world.check().await;
}

#[tokio::test]
async fn an_image_deleted_meanwhile_is_gone_with_its_object() {
    let world = World::new();
    let service = world.start().await;
    let who = caller("p");
    let image = service.create(&who, raw()).await.unwrap();
    let mut gate = world.stores[0].faults().hold(Operation::Commit);
    let upload = {
        let (service, who, id) = (service.clone(), who.clone(), image.id.clone());
        tokio::spawn(async move { service.upload(&who, &id, Upload::default(), body(&content())).await })
    };
    gate.reached().await;
    service.delete(&who, &image.id).await.unwrap();
    drop(gate);
    assert!(matches!(upload.await.unwrap(), Err(ImageError::Gone(_))));
    assert!(world.stores[0].urls().is_empty());
    world.check().await;
}

#[tokio::test]
async fn the_upload_goes_on_when_its_request_is_dropped() {
    let world = World::new();
    let (service, _) = world.build().await;
    service.start().await.unwrap();
    let who = caller("p");
    let image = service.create(&who, raw()).await.unwrap();
    let mut gate = world.stores[0].faults().hold(Operation::Commit);
    {
        let request = service.upload(&who, &image.id, Upload::default(), body(&content()));
        tokio::select! {
            _ = request => panic!("the gate is closed"),
            () = gate.reached() => {}
        }
    }
    drop(gate);
    service.shutdown().await;
    assert_eq!(service.get(&who, &image.id).await.unwrap().status, ImageStatus::Active);
    world.check().await;
}

#[tokio::test]
async fn formats_are_needed_and_unknown_images_not_found() {
    let world = World::new();
    let service = world.start().await;
    let who = caller("p");
    let image = service.create(&who, NewImage::default()).await.unwrap();
    let answer = service.upload(&who, &image.id, Upload::default(), body(b"x")).await;
    assert_eq!(text(answer), "Properties disk_format, container_format must be set prior to saving data.");
    let nobody = ImageId::random();
    let answer = service.upload(&who, &nobody, Upload::default(), body(b"x")).await;
    assert_eq!(text(answer), format!("No image found with ID {nobody}"));
}

#[tokio::test]
async fn a_file_store_serves_as_well() {
    let world = World::new();
    let db = world.database().await;
    let config = scurry_store_file::FileStoreConfig::new("files", world.dir.path().join("files"));
    let store: Arc<dyn Store> = Arc::new(scurry_store_file::FileStore::open(config).unwrap());
    let service = scurry_image::ImageService::new(scurry_image::ServiceParts {
        images: Arc::new(db.clone()),
        metadefs: Arc::new(db.clone()),
        jobs: Arc::new(db.clone()),
        stores: scurry_store::Registry::new(vec![store], "files".into()).unwrap(),
        limits: None,
        outbound: None,
        settings: world.settings.clone(),
    });
    service.start().await.unwrap();
    let image = active(&service, &caller("p")).await;
    let file = world.dir.path().join("files").join(image.id.as_str());
    assert_eq!(std::fs::read(&file).unwrap(), content());
    service.delete(&caller("p"), &image.id).await.unwrap();
    assert!(!file.exists());
}
