// SPDX-License-Identifier: Apache-2.0
//! Deletions: at once, later, or not at all.

use scurry_image::{ImageError, ImportMethod, NewImage};
use scurry_jobs::JobRepository;
use scurry_store::{Operation, StoreErrorKind};
use scurry_types::{ImageStatus, TaskStatus};

use crate::world::*;

async fn in_two_stores(service: &scurry_image::ImageService) -> scurry_image::Image {
    let image = active(service, &caller("p")).await;
    let request = import(ImportMethod::CopyImage, &["two"]);
    let task = service.import(&admin(), &image.id, request).await.unwrap().unwrap();
    ended(service, &task).await;
    service.get(&caller("p"), &image.id).await.unwrap()
}

#[tokio::test]
async fn all_objects_go_with_the_image_and_its_id_stays_taken() {
    let world = World::new();
    let service = world.start().await;
    let image = in_two_stores(&service).await;
    service.delete(&caller("p"), &image.id).await.unwrap();
    assert!(world.stores.iter().all(|store| store.urls().is_empty()));
    assert!(matches!(service.get(&caller("p"), &image.id).await, Err(ImageError::NotFound(_))));
    let again = NewImage { id: Some(image.id.clone()), ..raw() };
    let said = text(service.create(&caller("p"), again).await);
    assert_eq!(said, format!("Image ID {} already exists!", image.id));
    world.check().await;
}

#[tokio::test]
async fn protected_images_and_their_staged_data_stay() {
    let world = World::new();
    let service = world.start().await;
    let image = service.create(&caller("p"), NewImage { protected: true, ..raw() }).await.unwrap();
    service.stage(&caller("p"), &image.id, None, body(b"data")).await.unwrap();
    let answer = service.delete(&caller("p"), &image.id).await;
    assert!(matches!(answer, Err(ImageError::Forbidden(_))), "{answer:?}");
    world.check().await;
}

#[tokio::test]
async fn a_store_that_is_away_gets_its_turn_later() {
    let world = World::new();
    let (service, db) = world.build().await;
    service.start().await.unwrap();
    let image = in_two_stores(&service).await;
    world.stores[1].faults().fail_nth(Operation::Delete, 1, StoreErrorKind::Unavailable);
    service.delete(&caller("p"), &image.id).await.unwrap();
    assert!(matches!(service.get(&caller("p"), &image.id).await, Err(ImageError::NotFound(_))));
    quiet(&db, &image.id).await;
    assert!(world.stores[1].urls().is_empty());
    world.check().await;
}

#[tokio::test]
async fn an_object_in_use_keeps_the_image() {
    let world = World::new();
    let service = world.start().await;
    let who = caller("p");
    let image = in_two_stores(&service).await;
    service.add_tag(&who, &image.id, "kept").await.unwrap();
    world.stores[1].faults().fail_nth(Operation::Delete, 1, StoreErrorKind::InUse);
    let said = text(service.delete(&who, &image.id).await);
    assert!(said.contains("could not be deleted because it is in use"), "{said}");
    let now = service.get(&who, &image.id).await.unwrap();
    assert_eq!(now.status, ImageStatus::Active);
    assert_eq!(now.stores(), ["two"]);
    assert!(now.tags.contains("kept"));
    world.check().await;
    service.delete(&who, &image.id).await.unwrap();
    world.check().await;
}

#[tokio::test]
async fn one_store_can_be_given_up_but_not_the_last() {
    let world = World::new();
    let service = world.start().await;
    let image = in_two_stores(&service).await;
    service.delete_from_store(&admin(), &"one".into(), &image.id).await.unwrap();
    assert_eq!(service.get(&caller("p"), &image.id).await.unwrap().stores(), ["two"]);
    world.check().await;
    let last = service.delete_from_store(&admin(), &"two".into(), &image.id).await;
    assert!(matches!(last, Err(ImageError::Forbidden(_))), "{last:?}");
    let unknown = service.delete_from_store(&admin(), &"zz".into(), &image.id).await;
    assert_eq!(text(unknown), "The selected store zz is not available on this node.");
    world.check().await;
}

#[tokio::test]
async fn a_store_in_use_keeps_its_location() {
    let world = World::new();
    let service = world.start().await;
    let image = in_two_stores(&service).await;
    world.stores[0].faults().fail_nth(Operation::Delete, 1, StoreErrorKind::InUse);
    let answer = service.delete_from_store(&admin(), &"one".into(), &image.id).await;
    assert!(matches!(answer, Err(ImageError::Conflict(_))), "{answer:?}");
    assert_eq!(service.get(&caller("p"), &image.id).await.unwrap().stores(), ["two", "one"]);
    world.check().await;
}

#[tokio::test]
async fn staged_data_goes_with_the_image() {
    let world = World::new();
    let service = world.start().await;
    let image = service.create(&caller("p"), raw()).await.unwrap();
    service.stage(&caller("p"), &image.id, None, body(&content())).await.unwrap();
    service.delete(&caller("p"), &image.id).await.unwrap();
    assert_eq!(std::fs::read_dir(&world.settings.staging_dir).unwrap().count(), 0);
    world.check().await;
}

#[tokio::test]
async fn a_copy_that_waits_for_its_next_attempt_ends_with_the_image() {
    let mut world = World::new();
    world.settings.job_back_off = std::time::Duration::from_secs(3600);
    let (service, db) = world.build().await;
    service.start().await.unwrap();
    let image = active(&service, &caller("p")).await;
    world.stores[1].faults().fail_all(Operation::BeginWrite, StoreErrorKind::Unavailable);
    let request = import(ImportMethod::CopyImage, &["two"]);
    let task = service.import(&admin(), &image.id, request).await.unwrap().unwrap();
    while db.open_jobs(&image.id).await.unwrap()[0].last_error.is_none() {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    service.delete(&caller("p"), &image.id).await.unwrap();
    let task = ended(&service, &task).await;
    assert_eq!((task.status, task.message.as_str()), (TaskStatus::Failure, "The image was deleted"));
    world.check().await;
}

#[tokio::test]
async fn an_image_that_a_refused_deletion_gave_back_is_held_by_nobody() {
    let mut world = World::new();
    world.settings.job_back_off = std::time::Duration::from_secs(3600);
    let (service, db) = world.build().await;
    service.start().await.unwrap();
    let image = active(&service, &caller("p")).await;
    world.stores[1].faults().fail_nth(Operation::BeginWrite, 1, StoreErrorKind::Unavailable);
    let request = || import(ImportMethod::CopyImage, &["two"]);
    let task = service.import(&admin(), &image.id, request()).await.unwrap().unwrap();
    while db.open_jobs(&image.id).await.unwrap()[0].last_error.is_none() {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    world.stores[0].faults().fail_nth(Operation::Delete, 1, StoreErrorKind::InUse);
    let refused = service.delete(&caller("p"), &image.id).await;
    assert!(matches!(refused, Err(ImageError::Conflict(_))), "{refused:?}");
    assert_eq!(ended(&service, &task).await.status, TaskStatus::Failure);
    let task = service.import(&admin(), &image.id, request()).await.unwrap().unwrap();
    assert_eq!(ended(&service, &task).await.status, TaskStatus::Success);
    assert_eq!(service.get(&caller("p"), &image.id).await.unwrap().stores(), ["one", "two"]);
    world.check().await;
}
