// SPDX-License-Identifier: Apache-2.0
//! copy-image into several stores of one backend: bytes move once, the rest is cloned.

use scurry_image::{Image, ImageService, ImportMethod, ImportRequest, Task};
use scurry_store::{Operation, StoreErrorKind};
use scurry_types::TaskStatus;

use crate::world::*;

/// Copies to all stores and gives the ended task.
async fn spread(service: &ImageService, image: &Image, must_succeed: bool) -> Task {
    let request = ImportRequest {
        all_stores: true,
        all_stores_must_succeed: must_succeed,
        ..import(ImportMethod::CopyImage, &[])
    };
    let task = service.import(&admin(), &image.id, request).await.unwrap().unwrap();
    ended(service, &task).await
}

/// Which of the stores got bytes.
fn written(world: &World) -> Vec<bool> {
    world.stores.iter().map(|store| store.faults().count(Operation::Write) > 0).collect()
}

/// Ends the service; what its image is like then, with all its copies alike.
async fn finish(world: &World, service: ImageService, image: &Image) -> Image {
    let now = service.get(&caller("p"), &image.id).await.unwrap();
    for location in &now.locations {
        let found = world.stores.iter().find_map(|store| store.content(&location.url));
        assert_eq!(found.unwrap(), content(), "{}", location.url);
    }
    service.shutdown().await;
    world.check().await;
    now
}

#[tokio::test]
async fn one_store_a_backend_gets_bytes() {
    let world = World::on_one_backend();
    let service = world.start().await;
    let image = active(&service, &caller("p")).await;
    let opened = world.stores[0].faults().count(Operation::Open);
    let task = spread(&service, &image, true).await;
    assert_eq!(task.status, TaskStatus::Success, "{}", task.message);
    assert_eq!(written(&world), [true, true, false, false]);
    assert_eq!(world.stores[0].faults().count(Operation::Open), opened + 1, "the source is read once");
    let now = finish(&world, service, &image).await;
    assert_eq!(now.stores(), ["one", "two", "three", "four"]);
}

#[tokio::test]
async fn what_the_backend_refuses_is_copied_together() {
    let world = World::on_one_backend();
    for store in &world.stores[2..] {
        store.faults().refuse_clones("no room for clones");
    }
    let service = world.start().await;
    let image = active(&service, &caller("p")).await;
    let opened: u64 = world.stores.iter().map(|store| store.faults().count(Operation::Open)).sum();
    let task = spread(&service, &image, true).await;
    assert_eq!(task.status, TaskStatus::Success, "{}", task.message);
    assert_eq!(written(&world), [true; 4]);
    let now: u64 = world.stores.iter().map(|store| store.faults().count(Operation::Open)).sum();
    assert_eq!(now, opened + 2, "once for the first, once for both that were refused");
    assert_eq!(finish(&world, service, &image).await.stores().len(), 4);
}

#[tokio::test]
async fn a_clone_that_fails_is_copied() {
    let world = World::on_one_backend();
    let service = world.start().await;
    let image = active(&service, &caller("p")).await;
    // The first request is for a clone of what store one has.
    world.stores[2].faults().fail_nth(Operation::Clone, 2, StoreErrorKind::Other);
    assert_eq!(spread(&service, &image, true).await.status, TaskStatus::Success);
    assert_eq!(written(&world), [true, true, true, false]);
    assert_eq!(finish(&world, service, &image).await.stores().len(), 4);
}

#[tokio::test]
async fn when_the_first_of_a_backend_fails_the_next_gets_the_bytes() {
    for operation in [Operation::BeginWrite, Operation::Write, Operation::Commit] {
        let world = World::on_one_backend();
        let service = world.start().await;
        let image = active(&service, &caller("p")).await;
        world.stores[1].faults().fail_nth(operation, 1, StoreErrorKind::Full);
        let task = spread(&service, &image, false).await;
        assert_eq!(task.status, TaskStatus::Success, "{operation:?}: {}", task.message);
        assert!(written(&world)[2] && !written(&world)[3], "{operation:?}: {:?}", written(&world));
        let now = finish(&world, service, &image).await;
        assert_eq!(now.stores(), ["one", "three", "four"], "{operation:?}");
        assert_eq!(now.properties["os_glance_failed_import"], "two", "{operation:?}");
    }
}

#[tokio::test]
async fn where_all_must_succeed_the_first_failure_spares_the_rest() {
    let world = World::on_one_backend();
    let service = world.start().await;
    let image = active(&service, &caller("p")).await;
    world.stores[1].faults().fail_nth(Operation::Write, 1, StoreErrorKind::Full);
    let task = spread(&service, &image, true).await;
    assert_eq!(task.status, TaskStatus::Failure);
    assert!(task.message.starts_with("two: "), "{}", task.message);
    assert_eq!(written(&world)[2..], [false, false]);
    let now = finish(&world, service, &image).await;
    assert_eq!(now.stores(), ["one"]);
    assert_eq!(now.properties["os_glance_failed_import"], "two");
}

#[tokio::test]
async fn where_all_must_succeed_a_late_failure_undoes_copy_and_clones() {
    let world = World::on_one_backend();
    let service = world.start().await;
    let image = active(&service, &caller("p")).await;
    world.stores[3].faults().refuse_clones("no room for clones");
    world.stores[3].faults().fail_nth(Operation::Commit, 1, StoreErrorKind::Full);
    let task = spread(&service, &image, true).await;
    assert_eq!(task.status, TaskStatus::Failure);
    assert!(task.message.starts_with("four: "), "{}", task.message);
    assert_eq!(world.stores[2].faults().count(Operation::Delete), 1, "the clone was made and taken back");
    let now = finish(&world, service, &image).await;
    assert_eq!(now.stores(), ["one"]);
    assert_eq!(now.properties["os_glance_failed_import"], "four");
}

#[tokio::test]
async fn a_source_that_cannot_be_read_loses_all_of_a_backend() {
    let world = World::on_one_backend();
    let service = world.start().await;
    let image = active(&service, &caller("p")).await;
    world.stores[0].faults().fail_nth(Operation::Open, 1, StoreErrorKind::Denied);
    let task = spread(&service, &image, false).await;
    assert_eq!(task.status, TaskStatus::Failure);
    for store in ["two: ", "three: ", "four: "] {
        assert!(task.message.contains(store), "{}", task.message);
    }
    assert_eq!(finish(&world, service, &image).await.stores(), ["one"]);
}

#[tokio::test]
async fn an_image_deleted_while_its_backend_clones_leaves_nothing() {
    let world = World::on_one_backend();
    let service = world.start().await;
    let image = active(&service, &caller("p")).await;
    let mut first = world.stores[1].faults().hold(Operation::Commit);
    let request = ImportRequest { all_stores: true, ..import(ImportMethod::CopyImage, &[]) };
    let task = service.import(&admin(), &image.id, request).await.unwrap().unwrap();
    first.reached().await;
    let mut clone = world.stores[2].faults().hold(Operation::Clone);
    drop(first);
    clone.reached().await;
    service.delete(&caller("p"), &image.id).await.unwrap();
    drop(clone);
    assert_eq!(ended(&service, &task).await.status, TaskStatus::Failure);
    service.shutdown().await;
    world.check().await;
}
