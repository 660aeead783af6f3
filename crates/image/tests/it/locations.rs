// SPDX-License-Identifier: Apache-2.0
//! Registering bytes that are in a store already.

use std::collections::BTreeSet;

use scurry_image::{Dialect, ImageError, PatchOp, PatchRights, PatchVerb, ValidationData};
use scurry_types::{HashAlgorithm, ImageStatus, TaskStatus};
use serde_json::json;

use crate::world::*;

#[tokio::test]
async fn a_location_makes_the_image_active_and_is_hashed_later() {
    let world = World::new();
    let (service, db) = world.build().await;
    service.start().await.unwrap();
    let who = caller("p");
    let image = service.create(&who, raw()).await.unwrap();
    let object = world.stores[1].put(&image.id, &content());
    service.add_location(&who, &image.id, &object.url, None).await.unwrap();
    let now = service.get(&who, &image.id).await.unwrap();
    assert_eq!((now.status, now.size, now.stores()), (ImageStatus::Active, Some(3_000_000), vec!["two"]));
    quiet(&db, &image.id).await;
    let uploaded = active(&service, &who).await;
    let now = service.get(&who, &image.id).await.unwrap();
    assert_eq!(now.os_hash_value, uploaded.os_hash_value);
    assert_eq!(now.checksum, uploaded.checksum);
    let again = service.add_location(&who, &image.id, &object.url, None).await;
    assert_eq!(text(again), "It's not allowed to add locations if image status is active.");
    world.check().await;
}

#[tokio::test]
async fn a_claimed_hash_is_checked_before_the_image_is_active() {
    let world = World::new();
    let (service, db) = world.build().await;
    service.start().await.unwrap();
    let who = caller("p");
    let right = active(&service, &who).await.os_hash_value.unwrap();
    for (value, status) in [("0".repeat(128), ImageStatus::Queued), (right, ImageStatus::Active)] {
        let image = service.create(&who, raw()).await.unwrap();
        let object = world.stores[1].put(&image.id, &content());
        let validation = ValidationData {
            os_hash_algo: Some(HashAlgorithm::Sha512),
            os_hash_value: Some(value),
            checksum: None,
            store: None,
        };
        service.add_location(&who, &image.id, &object.url, Some(validation)).await.unwrap();
        quiet(&db, &image.id).await;
        let now = service.get(&who, &image.id).await.unwrap();
        assert_eq!(now.status, status);
        let task = &service.tasks_of(&who, &image.id).await.unwrap()[0];
        assert_eq!(task.status == TaskStatus::Success, status == ImageStatus::Active, "{task:?}");
    }
}

#[tokio::test]
async fn dangerous_and_unknown_locations_are_refused() {
    let world = World::new();
    let service = world.start().await;
    let who = caller("p");
    let image = service.create(&who, raw()).await.unwrap();
    for url in [
        "file:///etc/passwd",
        "FILE:///etc/passwd",
        "filesystem:///etc/passwd",
        "swift+config://ref/c/o",
        "memory://nope/x/1",
        "cinder://9b1d0c1e-0000-4000-8000-000000000000",
        "memory://one/missing/7",
        "no url",
        "://x",
    ] {
        let answer = service.add_location(&who, &image.id, url, None).await;
        assert!(matches!(answer, Err(ImageError::Invalid(_))), "{url}: {answer:?}");
    }
    assert_eq!(service.get(&who, &image.id).await.unwrap().status, ImageStatus::Queued);
}

#[tokio::test]
async fn the_legacy_way_adds_and_removes_locations() {
    let world = World::new();
    let service = world.start().await;
    let who = caller("p");
    let image = active(&service, &who).await;
    let object = world.stores[1].put(&image.id, &content());
    let rights = PatchRights { set_locations: true, delete_locations: true, ..PatchRights::default() };
    let op = |op, path: &[&str], value| PatchOp {
        op,
        path: path.iter().map(|&part| part.to_owned()).collect(),
        value,
        dialect: Dialect::V21,
    };
    let value = json!({"url": object.url, "metadata": {}});
    let added = [op(PatchVerb::Add, &["locations", "-"], Some(value.clone()))];
    let now = service.update(&who, &image.id, &added, &rights).await.unwrap();
    assert_eq!(now.stores(), ["one", "two"]);
    let removed = [op(PatchVerb::Remove, &["locations", "0"], None)];
    let now = service.update(&who, &image.id, &removed, &rights).await.unwrap();
    assert_eq!(now.stores(), ["two"]);
    world.check().await;
    let rightless = service.update(&who, &image.id, &removed, &PatchRights::default()).await;
    assert!(matches!(rightless, Err(ImageError::Forbidden(_))), "{rightless:?}");
    let stores: BTreeSet<_> = world.stores.iter().flat_map(|store| store.urls()).collect();
    assert_eq!(stores.len(), 1);
}

#[tokio::test]
async fn nobody_registers_an_object_that_is_not_made_for_the_image() {
    let world = World::new();
    let service = world.start().await;
    let (victim, thief) = (caller("p"), caller("q"));
    let secret = active(&service, &victim).await;
    let url = secret.locations[0].url.clone();
    let rights = PatchRights { set_locations: true, ..PatchRights::default() };
    let add = |url: &str| PatchOp {
        op: PatchVerb::Add,
        path: vec!["locations".to_owned(), "-".to_owned()],
        value: Some(json!({"url": url, "metadata": {}})),
        dialect: Dialect::V21,
    };
    // Data of another image, and an object of nobody's image.
    let unknown = scurry_types::ImageId::random();
    let stray = world.stores[1].put(&unknown, &content()).url;
    let image = service.create(&thief, raw()).await.unwrap();
    for url in [&url, &stray] {
        let refused = service.add_location(&thief, &image.id, url, None).await;
        assert!(text(refused).contains("not marked as made for"), "{url}");
        let refused = service.update(&thief, &image.id, &[add(url)], &rights).await;
        assert!(text(refused).contains("not marked as made for"), "{url}");
    }
    // An administrator may register what nobody has, yet not one object twice.
    let admin = scurry_image::Caller { is_admin: true, ..caller("a") };
    assert!(service.add_location(&admin, &image.id, &url, None).await.is_err());
    assert!(service.update(&admin, &image.id, &[add(&url)], &rights).await.is_err());
    service.add_location(&admin, &image.id, &stray, None).await.unwrap();
    let other = service.create(&admin, raw()).await.unwrap();
    assert!(service.add_location(&admin, &other.id, &stray, None).await.is_err());
    service.delete(&thief, &image.id).await.unwrap();
    assert_eq!(world.stores[0].content(&url).as_deref(), Some(content().as_slice()));
}
