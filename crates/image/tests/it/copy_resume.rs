// SPDX-License-Identifier: Apache-2.0
//! Copies that are interrupted go on where they were: after a crash, a shutdown, on another node.

use std::time::Duration;

use scurry_image::{ImageService, ImportMethod, ImportRequest, Upload};
use scurry_jobs::JobRepository;
use scurry_store::Operation;
use scurry_testkit::pattern;
use scurry_types::{ImageId, TaskStatus};
use tokio::runtime::Runtime;

use crate::world::*;

const BLOCKS: usize = 6;

/// Some blocks, the last of them a hole.
fn large() -> Vec<u8> {
    let mut content = pattern(9, BLOCKS * (4 << 20) - 12_345);
    content[20 << 20..].fill(0);
    content
}

fn everywhere() -> ImportRequest {
    ImportRequest { all_stores: true, ..import(ImportMethod::CopyImage, &[]) }
}

/// Runs a life of the service; whatever goes on at its end ends with it.
fn life<T>(live: impl AsyncFnOnce() -> T) -> T {
    let runtime = Runtime::new().unwrap();
    let outcome = runtime.block_on(live());
    runtime.shutdown_timeout(Duration::from_secs(5));
    outcome
}

async fn uploaded(service: &ImageService) -> ImageId {
    let image = service.create(&caller("p"), raw()).await.unwrap();
    service.upload(&caller("p"), &image.id, Upload::default(), body(&large())).await.unwrap();
    image.id
}

/// A copy to stores two and three that died after its first checkpoint.
fn died(world: &World) -> ImageId {
    life(async || {
        let service = world.start().await;
        let id = uploaded(&service).await;
        service.crash_points().stop_at("copy.kept");
        service.import(&admin(), &id, everywhere()).await.unwrap();
        service.crash_points().reached().await;
        id
    })
}

async fn assert_everywhere(world: &World, service: &ImageService, id: &ImageId) {
    let image = service.get(&caller("p"), id).await.unwrap();
    assert_eq!(image.stores(), ["one", "two", "three"]);
    for location in &image.locations {
        let found = world.stores.iter().find_map(|store| store.content(&location.url)).unwrap();
        assert!(found == large(), "{}", location.url);
    }
}

#[test]
fn after_a_crash_it_goes_on_with_the_same_objects() {
    let world = World::new();
    let id = died(&world);
    let (urls, read) = (world.stores[1].urls(), world.stores[0].faults().count(Operation::Read));
    assert_eq!(urls.len(), 1);
    life(async || {
        let (service, db) = world.build().await;
        service.start().await.unwrap();
        quiet(&db, &id).await;
        let seen = service.crash_points().seen();
        assert!(seen.contains(&"copy.resumed"), "{seen:?}");
        assert_everywhere(&world, &service, &id).await;
        assert_eq!(world.stores[1].urls(), urls, "the object is the same");
        let again = world.stores[0].faults().count(Operation::Read) - read;
        assert!(again < BLOCKS as u64 - 1, "{again} blocks are read again");
        service.shutdown().await;
        world.check().await;
    });
}

#[test]
fn an_object_that_is_gone_meanwhile_is_begun_anew() {
    let world = World::new();
    let id = died(&world);
    life(async || {
        let url = world.stores[1].urls().remove(0);
        let (service, db) = world.build().await;
        scurry_store::Store::delete(&world.stores[1], &url).await.unwrap();
        service.start().await.unwrap();
        quiet(&db, &id).await;
        assert_everywhere(&world, &service, &id).await;
        service.shutdown().await;
        world.check().await;
    });
}

#[test]
fn another_node_goes_on_when_the_lease_is_over() {
    let mut world = World::new();
    world.settings.node_id = "first".to_owned();
    let id = died(&world);
    let urls = world.stores[1].urls();
    world.settings.node_id = "second".to_owned();
    life(async || {
        let (service, db) = world.build().await;
        // What time does to a lease.
        assert_eq!(db.drop_leases("first").await.unwrap(), 1);
        service.start().await.unwrap();
        quiet(&db, &id).await;
        assert!(service.crash_points().seen().contains(&"copy.resumed"));
        assert_everywhere(&world, &service, &id).await;
        assert_eq!(world.stores[1].urls(), urls);
        service.shutdown().await;
        world.check().await;
    });
}

#[test]
fn of_an_image_deleted_meanwhile_nothing_stays() {
    let world = World::new();
    let id = died(&world);
    life(async || {
        let (service, db) = world.build().await;
        service.delete(&caller("p"), &id).await.unwrap();
        service.start().await.unwrap();
        quiet(&db, &id).await;
        service.shutdown().await;
        world.check().await;
        assert!(world.stores.iter().all(|store| store.urls().is_empty()));
    });
}

#[tokio::test]
async fn a_shutdown_leaves_what_is_there_for_the_next_start() {
    let world = World::new();
    let service = world.start().await;
    let id = uploaded(&service).await;
    let mut gate = world.stores[2].faults().hold(Operation::Write);
    let task = service.import(&admin(), &id, everywhere()).await.unwrap().unwrap();
    gate.reached().await;
    service.shutdown().await;
    drop(gate);
    let urls = world.stores[1].urls();
    assert_eq!(urls.len(), 1, "the object stays");
    let service = world.start().await;
    let task = ended(&service, &task).await;
    assert_eq!(task.status, TaskStatus::Success, "{}", task.message);
    assert_everywhere(&world, &service, &id).await;
    assert_eq!(world.stores[1].urls(), urls);
    service.shutdown().await;
    world.check().await;
}

#[tokio::test]
async fn of_an_image_deleted_while_it_is_copied_nothing_stays() {
    let world = World::new();
    let service = world.start().await;
    let id = uploaded(&service).await;
    let mut gate = world.stores[2].faults().hold(Operation::Write);
    service.import(&admin(), &id, everywhere()).await.unwrap();
    gate.reached().await;
    service.delete(&caller("p"), &id).await.unwrap();
    drop(gate);
    service.shutdown().await;
    let service = world.start().await;
    quiet(&world.database().await, &id).await;
    service.shutdown().await;
    world.check().await;
    assert!(world.stores.iter().all(|store| store.urls().is_empty()));
}
