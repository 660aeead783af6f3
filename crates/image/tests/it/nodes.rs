// SPDX-License-Identifier: Apache-2.0
//! Several nodes on one database: bytes staged on another node, nodes that die for good, objects two want.

use std::time::Duration;

use scurry_image::ports::ImageRepository;
use scurry_image::{ImageService, ImportMethod};
use scurry_jobs::JobRepository;
use scurry_types::{ImageId, ImageStatus, TaskStatus};

use crate::crash::life;
use crate::world::*;

/// The world as another node sees it, with a staging directory of its own.
fn elsewhere(world: &mut World, name: &str) {
    world.settings.node_id = name.to_owned();
    world.settings.staging_dir = world.dir.path().join(format!("staging-{name}"));
}

async fn staged(service: &ImageService) -> ImageId {
    let id = service.create(&caller("p"), raw()).await.unwrap().id;
    service.stage(&caller("p"), &id, None, body(&content())).await.unwrap();
    id
}

#[tokio::test]
async fn what_is_staged_on_one_node_is_imported_through_another() {
    let mut world = World::new();
    let one = world.start().await;
    let first_area = world.settings.staging_dir.clone();
    elsewhere(&mut world, "other");
    let other = world.start().await;
    for _ in 0..3 {
        let id = staged(&one).await;
        let request = import(ImportMethod::GlanceDirect, &["one", "two"]);
        let task = other.import(&caller("p"), &id, request).await.unwrap().unwrap();
        let task = ended(&other, &task).await;
        assert_eq!(task.status, TaskStatus::Success, "{}", task.message);
        let image = other.get(&caller("p"), &id).await.unwrap();
        assert_eq!((image.status, image.size), (ImageStatus::Active, Some(3_000_000)));
        // The task has ended; its job ends when nothing is left of it.
        quiet(&world.database().await, &id).await;
        assert!(!first_area.join(id.as_str()).exists());
    }
    world.check().await;
}

#[tokio::test]
async fn a_start_of_one_node_leaves_what_another_one_stages() {
    let mut world = World::new();
    let one = world.start().await;
    let id = staged(&one).await;
    elsewhere(&mut world, "other");
    let other = world.start().await;
    let image = other.get(&caller("p"), &id).await.unwrap();
    assert_eq!((image.status, image.size), (ImageStatus::Uploading, Some(3_000_000)));
    // With the directory in common, neither.
    world.settings.staging_dir = world.dir.path().join("staging");
    world.settings.node_id = "third".to_owned();
    world.start().await;
    assert!(world.settings.staging_dir.join(id.as_str()).exists());
    world.check().await;
}

#[test]
fn an_import_does_not_wait_forever_for_a_node_that_is_gone() {
    let mut world = World::new();
    let id = life(async || staged(&world.start().await).await);
    elsewhere(&mut world, "other");
    world.settings.node_silence = Duration::from_millis(200);
    life(async || {
        let service = world.start().await;
        let request = import(ImportMethod::GlanceDirect, &["one"]);
        let task = service.import(&caller("p"), &id, request).await.unwrap().unwrap();
        // It is kept for that node for a while; then this one looks.
        let (db, held) = (world.database().await, id.clone());
        let job = db.open_jobs(&held).await.unwrap().remove(0);
        assert_eq!(job.lease_owner.as_deref(), Some("local"));
        tokio::time::sleep(Duration::from_millis(1200)).await;
        let claimed = db.claim("local", std::slice::from_ref(&job.kind), db.now(), db.now()).await.unwrap();
        assert_eq!(claimed.unwrap().id, task);
        let task = ended(&service, &task).await;
        assert_eq!(task.status, TaskStatus::Failure);
        assert!(task.message.contains("staged on node local"), "{}", task.message);
        let image = service.get(&caller("p"), &id).await.unwrap();
        assert_eq!((image.status, image.size), (ImageStatus::Queued, None));
        world.check().await;
    });
}

#[test]
fn a_node_that_does_not_come_back_is_cleared_up_after() {
    for point in ["upload.saving", "write.begun", "write.written", "write.committed"] {
        let mut world = World::new();
        let id = life(async || {
            let service = world.start().await;
            let id = service.create(&caller("p"), raw()).await.unwrap().id;
            service.crash_points().stop_at(point);
            let uploader = caller("p");
            tokio::select! {
                _ = service.upload(&uploader, &id, to("one"), body(&content())) => {}
                () = service.crash_points().reached() => {}
            }
            id
        });
        elsewhere(&mut world, "other");
        world.settings.node_silence = Duration::from_millis(200);
        life(async || {
            let service = world.start().await;
            let db = world.database().await;
            while db.status(&id).await.unwrap() != Some(ImageStatus::Queued)
                || !db.journal(None, None).await.unwrap().is_empty()
            {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            world.check().await;
            service.upload(&caller("p"), &id, to("one"), body(&content())).await.unwrap();
            world.check().await;
        });
    }
}

#[tokio::test]
async fn two_nodes_do_not_register_one_object_for_two_images() {
    let mut world = World::new();
    let (one, db) = world.build().await;
    elsewhere(&mut world, "other");
    let other = world.start().await;
    for _ in 0..5 {
        let (first, second) =
            (one.create(&admin(), raw()).await.unwrap().id, other.create(&admin(), raw()).await.unwrap().id);
        let url = world.stores[1].put(&first, &content()).url;
        let (who, them) = (admin(), admin());
        let (left, right) = tokio::join!(
            one.add_location(&who, &first, &url, None),
            other.add_location(&them, &second, &url, None),
        );
        assert_eq!(u8::from(left.is_ok()) + u8::from(right.is_ok()), 1, "{left:?} {right:?}");
        quiet(&db, &first).await;
        quiet(&db, &second).await;
    }
    world.check().await;
}

#[tokio::test]
async fn a_write_that_another_node_cleared_does_not_count() {
    let world = World::new();
    let (service, db) = world.build().await;
    let id = service.create(&caller("p"), raw()).await.unwrap().id;
    let (sent, taken) = crate::resumable::stalled_body(&content()[..1000]);
    let upload = {
        let (service, id) = (service.clone(), id.clone());
        tokio::spawn(async move { service.upload(&caller("p"), &id, to("one"), sent).await })
    };
    taken.notified().await;
    let rows = db.journal(Some(&id), None).await.unwrap();
    db.journal_clear(&rows[0].id).await.unwrap();
    assert!(!db.journal_url(&rows[0].id, "memory://x").await.unwrap());
    service.delete(&caller("p"), &id).await.unwrap();
    assert!(upload.await.unwrap().is_err());
}
