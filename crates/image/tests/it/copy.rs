// SPDX-License-Identifier: Apache-2.0
//! copy-image: clones, copies, partial failures and what is undone.

use scurry_image::{ImportMethod, ImportRequest};
use scurry_store::{Operation, StoreErrorKind};
use scurry_types::TaskStatus;

use crate::world::*;

fn all() -> ImportRequest {
    ImportRequest { all_stores: true, ..import(ImportMethod::CopyImage, &[]) }
}

#[tokio::test]
async fn a_copy_to_all_stores_reads_the_source_once_and_verifies_it() {
    let world = World::new();
    let service = world.start().await;
    let image = active(&service, &caller("p")).await;
    let opened = world.stores[0].faults().count(Operation::Open);
    let task = service.import(&admin(), &image.id, all()).await.unwrap().unwrap();
    let task = ended(&service, &task).await;
    assert_eq!(task.status, TaskStatus::Success, "{}", task.message);
    assert_eq!(world.stores[0].faults().count(Operation::Open), opened + 1);
    let now = service.get(&caller("p"), &image.id).await.unwrap();
    assert_eq!(now.stores(), ["one", "two", "three"]);
    assert_eq!(now.properties["os_glance_importing_to_stores"], "");
    assert_eq!(now.properties["os_glance_failed_import"], "");
    for (store, location) in world.stores.iter().zip(&now.locations) {
        assert_eq!(store.content(&location.url).unwrap(), content());
    }
    assert_eq!(service.import(&admin(), &image.id, all()).await.unwrap(), None, "nothing is left");
    service.shutdown().await;
    world.check().await;
}

#[tokio::test]
async fn a_backend_that_can_clone_moves_no_bytes() {
    let mut world = World::new();
    world.cloning = true;
    let service = world.start().await;
    let image = active(&service, &caller("p")).await;
    let read = world.stores[0].faults().count(Operation::Read);
    let request = import(ImportMethod::CopyImage, &["three"]);
    let task = service.import(&admin(), &image.id, request).await.unwrap().unwrap();
    assert_eq!(ended(&service, &task).await.status, TaskStatus::Success);
    assert_eq!(world.stores[0].faults().count(Operation::Read), read);
    assert_eq!(world.stores[2].faults().count(Operation::Write), 0);
    let now = service.get(&caller("p"), &image.id).await.unwrap();
    assert_eq!(world.stores[2].content(&now.locations[1].url).unwrap(), content());
    service.shutdown().await;
    world.check().await;
}

#[tokio::test]
async fn where_all_must_succeed_a_failure_undoes_clones_and_copies() {
    let mut world = World::new();
    world.cloning = true;
    let service = world.start().await;
    let image = active(&service, &caller("p")).await;
    world.stores[1].faults().fail_nth(Operation::Commit, 1, StoreErrorKind::Full);
    let task = service.import(&admin(), &image.id, all()).await.unwrap().unwrap();
    let task = ended(&service, &task).await;
    assert_eq!(task.status, TaskStatus::Failure);
    assert!(task.message.starts_with("two: "), "{}", task.message);
    let now = service.get(&caller("p"), &image.id).await.unwrap();
    assert_eq!(now.stores(), ["one"]);
    assert_eq!(now.properties["os_glance_failed_import"], "two");
    service.shutdown().await;
    world.check().await;
}

#[tokio::test]
async fn otherwise_what_succeeded_is_kept() {
    let world = World::new();
    let service = world.start().await;
    let image = active(&service, &caller("p")).await;
    world.stores[2].faults().fail_nth(Operation::Write, 1, StoreErrorKind::Full);
    let request = ImportRequest { all_stores_must_succeed: false, ..all() };
    let task = service.import(&admin(), &image.id, request).await.unwrap().unwrap();
    assert_eq!(ended(&service, &task).await.status, TaskStatus::Success);
    let now = service.get(&caller("p"), &image.id).await.unwrap();
    assert_eq!(now.stores(), ["one", "two"]);
    assert_eq!(now.properties["os_glance_failed_import"], "three");
    service.shutdown().await;
    world.check().await;
}

#[tokio::test]
async fn a_store_that_is_away_for_a_moment_is_tried_again() {
    let world = World::new();
    let service = world.start().await;
    let image = active(&service, &caller("p")).await;
    world.stores[1].faults().fail_nth(Operation::Write, 1, StoreErrorKind::Unavailable);
    let task = service.import(&admin(), &image.id, all()).await.unwrap().unwrap();
    assert_eq!(ended(&service, &task).await.status, TaskStatus::Success);
    service.shutdown().await;
    world.check().await;
}

#[tokio::test]
async fn a_spoiled_source_is_not_copied() {
    let world = World::new();
    let service = world.start().await;
    let image = active(&service, &caller("p")).await;
    world.stores[0].tamper(&image.locations[0].url, 2_500_000, b"spoiled");
    let request = import(ImportMethod::CopyImage, &["two"]);
    let task = service.import(&admin(), &image.id, request).await.unwrap().unwrap();
    let task = ended(&service, &task).await;
    assert_eq!(task.status, TaskStatus::Failure);
    assert!(task.message.contains("does not have the content that was stored"), "{}", task.message);
    service.shutdown().await;
    world.check().await;
}

#[tokio::test]
async fn another_source_stands_in_for_a_spoiled_one() {
    let world = World::new();
    let service = world.start().await;
    let image = active(&service, &caller("p")).await;
    let request = import(ImportMethod::CopyImage, &["two"]);
    let task = service.import(&admin(), &image.id, request).await.unwrap().unwrap();
    ended(&service, &task).await;
    world.stores[0].tamper(&image.locations[0].url, 2_500_000, b"spoiled");
    let request = import(ImportMethod::CopyImage, &["three"]);
    let task = service.import(&admin(), &image.id, request).await.unwrap().unwrap();
    assert_eq!(ended(&service, &task).await.status, TaskStatus::Success);
    let now = service.get(&caller("p"), &image.id).await.unwrap();
    let url = &now.location_in("three").unwrap().url;
    assert_eq!(world.stores[2].content(url).unwrap(), content());
    service.shutdown().await;
    world.check().await;
}

#[tokio::test]
async fn one_task_at_a_time_holds_an_image() {
    let world = World::new();
    let service = world.start().await;
    let image = active(&service, &caller("p")).await;
    let mut gate = world.stores[1].faults().hold(Operation::Commit);
    let request = import(ImportMethod::CopyImage, &["two"]);
    let task = service.import(&admin(), &image.id, request).await.unwrap().unwrap();
    gate.reached().await;
    let second = service.import(&admin(), &image.id, import(ImportMethod::CopyImage, &["three"])).await;
    assert_eq!(text(second), "Image has active task");
    let now = service.get(&caller("p"), &image.id).await.unwrap();
    assert_eq!(now.properties["os_glance_importing_to_stores"], "two");
    assert_eq!(now.properties["os_glance_import_task"], task.as_str());
    drop(gate);
    assert_eq!(ended(&service, &task).await.status, TaskStatus::Success);
    service.shutdown().await;
    world.check().await;
}

#[tokio::test]
async fn a_copy_of_a_deleted_image_leaves_nothing() {
    let world = World::new();
    let service = world.start().await;
    let image = active(&service, &caller("p")).await;
    let mut gate = world.stores[1].faults().hold(Operation::Commit);
    let request = import(ImportMethod::CopyImage, &["two"]);
    let task = service.import(&admin(), &image.id, request).await.unwrap().unwrap();
    gate.reached().await;
    service.delete(&caller("p"), &image.id).await.unwrap();
    drop(gate);
    assert_eq!(ended(&service, &task).await.status, TaskStatus::Failure);
    service.shutdown().await;
    world.check().await;
}
