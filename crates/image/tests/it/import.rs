// SPDX-License-Identifier: Apache-2.0
//! Staging and glance-direct.

use scurry_image::{ImageError, ImportMethod, ImportRequest};
use scurry_store::{Operation, StoreErrorKind};
use scurry_types::{ImageStatus, TaskStatus};

use crate::world::*;

#[tokio::test]
async fn a_staged_image_is_read_once_into_all_stores() {
    let world = World::new();
    let service = world.start().await;
    let who = caller("p");
    let image = service.create(&who, raw()).await.unwrap();
    service.stage(&who, &image.id, None, body(&content())).await.unwrap();
    let staged = service.get(&who, &image.id).await.unwrap();
    assert_eq!((staged.status, staged.size), (ImageStatus::Uploading, Some(3_000_000)));
    let again = service.stage(&who, &image.id, None, body(&content())).await;
    assert!(matches!(again, Err(ImageError::Conflict(_))), "{again:?}");
    let request = ImportRequest { all_stores: true, ..import(ImportMethod::GlanceDirect, &[]) };
    let task = service.import(&who, &image.id, request).await.unwrap().unwrap();
    assert_eq!(ended(&service, &task).await.status, TaskStatus::Success);
    let done = service.get(&who, &image.id).await.unwrap();
    assert_eq!(done.status, ImageStatus::Active);
    assert_eq!(done.stores().len(), 3);
    assert_eq!(done.properties["os_glance_importing_to_stores"], "");
    for (store, location) in world.stores.iter().zip(&done.locations) {
        assert_eq!(store.content(&location.url).unwrap(), content());
    }
    service.shutdown().await;
    world.check().await;
}

#[tokio::test]
async fn a_failed_import_says_why_and_can_be_repeated() {
    let world = World::new();
    let service = world.start().await;
    let who = caller("p");
    let image = service.create(&who, raw()).await.unwrap();
    service.stage(&who, &image.id, None, body(&content())).await.unwrap();
    world.stores[1].faults().fail_nth(Operation::Write, 1, StoreErrorKind::Full);
    let request = import(ImportMethod::GlanceDirect, &["one", "two"]);
    let task = service.import(&who, &image.id, request.clone()).await.unwrap().unwrap();
    let task = ended(&service, &task).await;
    assert_eq!(task.status, TaskStatus::Failure);
    assert!(task.message.contains("full"), "{}", task.message);
    let now = service.get(&who, &image.id).await.unwrap();
    assert_eq!(now.status, ImageStatus::Queued);
    assert_eq!(now.properties["os_glance_failed_import"], "two");
    service.stage(&who, &image.id, None, body(&content())).await.unwrap();
    let task = service.import(&who, &image.id, request).await.unwrap().unwrap();
    assert_eq!(ended(&service, &task).await.status, TaskStatus::Success);
    service.shutdown().await;
    world.check().await;
}

#[tokio::test]
async fn where_not_all_must_succeed_the_rest_is_kept() {
    let world = World::new();
    let service = world.start().await;
    let who = caller("p");
    let image = service.create(&who, raw()).await.unwrap();
    service.stage(&who, &image.id, None, body(&content())).await.unwrap();
    world.stores[1].faults().fail_all(Operation::BeginWrite, StoreErrorKind::Denied);
    let request = ImportRequest {
        all_stores_must_succeed: false,
        ..import(ImportMethod::GlanceDirect, &["one", "two", "three"])
    };
    let task = service.import(&who, &image.id, request).await.unwrap().unwrap();
    assert_eq!(ended(&service, &task).await.status, TaskStatus::Success);
    let now = service.get(&who, &image.id).await.unwrap();
    assert_eq!(now.stores(), ["one", "three"]);
    assert_eq!(now.properties["os_glance_failed_import"], "two");
    service.shutdown().await;
    world.check().await;
}

#[tokio::test]
async fn wrong_content_fails_the_import() {
    let world = World::new();
    let service = world.start().await;
    let who = caller("p");
    let image = service.create(&who, raw()).await.unwrap();
    let qcow2 = [b"QFI\xfb\x00\x00\x00\x03".as_slice(), &[0; 65_536]].concat();
    service.stage(&who, &image.id, None, body(&qcow2)).await.unwrap();
    let request = import(ImportMethod::GlanceDirect, &["two"]);
    let task = service.import(&who, &image.id, request).await.unwrap().unwrap();
    let task = ended(&service, &task).await;
    assert!(task.message.contains("does not match"), "{}", task.message);
    service.shutdown().await;
    world.check().await;
}

#[tokio::test]
async fn requests_are_refused_with_glances_words() {
    let world = World::new();
    let service = world.start().await;
    let who = caller("p");
    let queued = service.create(&who, raw()).await.unwrap();
    let full = active(&service, &who).await;
    let direct = || import(ImportMethod::GlanceDirect, &[]);
    let said = |id: &scurry_types::ImageId, request| {
        let (service, who, id) = (service.clone(), who.clone(), id.clone());
        async move { text(service.import(&who, &id, request).await) }
    };
    assert_eq!(
        said(&queued.id, direct()).await,
        "Image needs to be staged before 'glance-direct' method can be used"
    );
    assert_eq!(said(&full.id, direct()).await, "Image with status active cannot be target for import");
    assert_eq!(
        said(&queued.id, import(ImportMethod::CopyImage, &["two"])).await,
        "Only images with status active can be targeted for copying"
    );
    assert_eq!(
        said(&full.id, import(ImportMethod::CopyImage, &["zz"])).await,
        "Store for identifier zz not found"
    );
    assert_eq!(
        said(&full.id, import(ImportMethod::CopyImage, &["one"])).await,
        "Image is already present at store 'one'"
    );
    let uri = "http://refused.test/x".to_owned();
    assert_eq!(
        said(&queued.id, import(ImportMethod::WebDownload { uri: uri.clone() }, &[])).await,
        "URI for web-download does not pass filtering: http://refused.test/x"
    );
    service.stage(&who, &queued.id, None, body(&content())).await.unwrap();
    assert_eq!(
        said(&queued.id, import(ImportMethod::WebDownload { uri }, &[])).await,
        "Image needs to be in 'queued' state to use 'web-download' method"
    );
}
