// SPDX-License-Identifier: Apache-2.0
//! Guarded changes of images.

use chrono::{SubsecRound, Utc};
use scurry_image::Image;
use scurry_image::ports::{Change, Guard, ImageRepository, Outcome};
use scurry_image_db::Database;
use scurry_types::{ImageId, ImageStatus, JobId, Visibility};

use scurry_testkit::DatabaseKind;

use crate::{database, on_every_database};

pub(crate) async fn image(db: &Database) -> ImageId {
    let now = Utc::now().trunc_subsecs(0);
    let image = Image {
        id: ImageId::random(),
        name: Some("x".to_owned()),
        status: ImageStatus::Queued,
        visibility: Visibility::Shared,
        protected: false,
        os_hidden: false,
        owner: Some("p".into()),
        container_format: None,
        disk_format: None,
        min_disk: 0,
        min_ram: 0,
        size: None,
        virtual_size: None,
        checksum: None,
        os_hash_algo: None,
        os_hash_value: None,
        created_at: now,
        updated_at: now,
        properties: [("a".to_owned(), "1".to_owned())].into(),
        tags: ["t".to_owned()].into(),
        locations: Vec::new(),
    };
    assert_eq!(db.create(&image).await.unwrap(), Outcome::Done);
    assert_eq!(ImageRepository::get(db, &image.id).await.unwrap().as_ref(), Some(&image));
    assert_eq!(db.create(&image).await.unwrap(), Outcome::Taken);
    image.id
}

async fn of_many_racing_changes_one_wins(kind: DatabaseKind) {
    let (_dir, db) = database(kind).await;
    let id = image(&db).await;
    let racers: Vec<_> = (0..16)
        .map(|_| {
            let (db, id) = (db.clone(), id.clone());
            tokio::spawn(async move {
                let guard = Guard::states(&[ImageStatus::Queued]);
                db.change(&id, &guard, &[Change::Status(ImageStatus::Saving)]).await.unwrap()
            })
        })
        .collect();
    let mut won = 0;
    for racer in racers {
        won += usize::from(racer.await.unwrap() == Outcome::Done);
    }
    assert_eq!(won, 1);
}

async fn a_change_that_fails_half_way_changes_nothing(kind: DatabaseKind) {
    let (_dir, db) = database(kind).await;
    let id = image(&db).await;
    let claim = Change::ClaimProperty("os_glance_import_task".to_owned(), "one".to_owned());
    assert_eq!(db.change(&id, &Guard::default(), std::slice::from_ref(&claim)).await.unwrap(), Outcome::Done);
    let before = ImageRepository::get(&db, &id).await.unwrap();
    let steps = [Change::Status(ImageStatus::Saving), Change::AddTag("u".to_owned()), claim];
    assert_eq!(db.change(&id, &Guard::default(), &steps).await.unwrap(), Outcome::Taken);
    assert_eq!(ImageRepository::get(&db, &id).await.unwrap(), before);
    let other = Guard::default().held_by(&JobId::from("two"));
    assert_eq!(db.change(&id, &other, &[]).await.unwrap(), Outcome::Refused);
    let free = Guard { free: true, ..Guard::default() };
    assert_eq!(db.change(&id, &free, &[]).await.unwrap(), Outcome::Refused);
    let stale =
        Guard { unchanged_since: Some(Utc::now() - chrono::TimeDelta::seconds(60)), ..Guard::default() };
    assert_eq!(db.change(&id, &stale, &[]).await.unwrap(), Outcome::Refused);
    let own = Guard::default().held_by(&JobId::from("one"));
    assert_eq!(db.change(&id, &own, &[]).await.unwrap(), Outcome::Done);
}

async fn a_deletion_can_be_taken_back_without_what_was_removed_before(kind: DatabaseKind) {
    let (_dir, db) = database(kind).await;
    let id = image(&db).await;
    let early = [Change::AddTag("early".to_owned()), Change::RemoveTag("early".to_owned())];
    assert_eq!(db.change(&id, &Guard::default(), &early).await.unwrap(), Outcome::Done);
    assert_eq!(db.change(&id, &Guard::default(), &[Change::Delete]).await.unwrap(), Outcome::Done);
    assert_eq!(ImageRepository::get(&db, &id).await.unwrap(), None);
    assert_eq!(db.status(&id).await.unwrap(), Some(ImageStatus::Deleted));
    assert_eq!(db.change(&id, &Guard::default(), &[]).await.unwrap(), Outcome::Refused);
    let guard = Guard::states(&[ImageStatus::Deleted]);
    let back = [Change::Undelete(ImageStatus::Queued, Vec::new())];
    assert_eq!(db.change(&id, &guard, &back).await.unwrap(), Outcome::Done);
    let image = ImageRepository::get(&db, &id).await.unwrap().unwrap();
    assert_eq!(image.status, ImageStatus::Queued);
    assert_eq!(image.tags, ["t".to_owned()].into());
    assert_eq!(image.properties["a"], "1");
}

on_every_database!(
    of_many_racing_changes_one_wins,
    a_change_that_fails_half_way_changes_nothing,
    a_deletion_can_be_taken_back_without_what_was_removed_before,
);
