// SPDX-License-Identifier: Apache-2.0
//! A scrubber that dies half way leaves nothing that cannot be scrubbed, or restored, afterwards.

use std::time::Duration;

use scurry_image::ports::ImageRepository;
use scurry_image::{DelayedDelete, ImageService, ImportMethod};
use scurry_types::{ImageId, ImageStatus};
use tokio::runtime::Runtime;

use crate::world::*;

const POINTS: [&str; 2] = ["scrub.taken", "scrub.object-gone"];

fn delaying() -> World {
    let mut world = World::new();
    world.settings.delayed_delete = DelayedDelete {
        enabled: true,
        scrub_time: Duration::ZERO,
        wakeup_time: Duration::from_secs(86_400),
        pool_size: 2,
    };
    world
}

fn life<T>(live: impl AsyncFnOnce() -> T) -> T {
    let runtime = Runtime::new().unwrap();
    let outcome = runtime.block_on(live());
    runtime.shutdown_timeout(Duration::from_secs(5));
    outcome
}

/// An image in two stores, deleted; the scrubber dies at the point.
fn dies_at(world: &World, point: &str) -> ImageId {
    life(async || {
        let service = world.start().await;
        let id = deleted(&service).await;
        service.crash_points().stop_at(point);
        // MariaDB's whole seconds may make the deletion a later one.
        let scrubbing = async {
            while service.scrub().await.unwrap().images == 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::select! {
            () = scrubbing => panic!("{point} was not reached"),
            () = service.crash_points().reached() => {}
        }
        id
    })
}

async fn deleted(service: &ImageService) -> ImageId {
    let image = active(service, &caller("p")).await;
    let request = import(ImportMethod::CopyImage, &["two"]);
    let task = service.import(&admin(), &image.id, request).await.unwrap().unwrap();
    ended(service, &task).await;
    service.delete(&caller("p"), &image.id).await.unwrap();
    image.id
}

#[test]
fn the_next_run_ends_what_a_dead_one_began() {
    for point in POINTS {
        let world = delaying();
        let id = dies_at(&world, point);
        life(async || {
            let service = world.start().await;
            let db = world.database().await;
            while db.status(&id).await.unwrap() != Some(ImageStatus::Deleted) {
                service.scrub().await.unwrap();
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            service.shutdown().await;
            assert!(world.stores.iter().all(|store| store.urls().is_empty()), "{point}");
            world.check().await;
        });
    }
}

#[test]
fn a_half_scrubbed_image_is_restored_with_what_is_left_of_it() {
    for point in POINTS {
        let mut world = delaying();
        let id = dies_at(&world, point);
        // The scrubber in the background shall not be quicker.
        world.settings.delayed_delete.enabled = false;
        life(async || {
            let service = world.start().await;
            let image = service.restore(&id).await.unwrap();
            assert_eq!(image.status, ImageStatus::Active);
            assert_eq!(image.locations.len(), 1, "{point}");
            let left: Vec<_> = world.stores.iter().flat_map(|store| store.urls()).collect();
            assert_eq!(left, [image.locations[0].url.clone()], "{point}");
            service.shutdown().await;
        });
    }
}
