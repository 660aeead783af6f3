// SPDX-License-Identifier: Apache-2.0
//! Notifications are kept with the changes they tell of, and only then.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use scurry_image::metadef::{Contents, Item, Namespace, Part, Tag};
use scurry_image::ports::{Change, Guard, ImageRepository, MetadefRepository, Outcome, Purpose, WriteRow};
use scurry_image::{ImageLocation, Member};
use scurry_image_db::Database;
use scurry_notifications::Outbox;
use scurry_testkit::DatabaseKind;
use scurry_types::{ImageStatus, MemberStatus, StoreId};

use crate::changes::image;
use crate::{database, on_every_database};

async fn kinds(db: &Database) -> Vec<String> {
    let waiting = db.oldest(1000).await.unwrap();
    let ids: Vec<i64> = waiting.iter().map(|event| event.id).collect();
    Outbox::remove(db, &ids).await.unwrap();
    let shown = |event: scurry_notifications::Waiting| match event.priority.as_str() {
        "INFO" => event.event_type,
        other => format!("{} {other}", event.event_type),
    };
    waiting.into_iter().map(shown).collect()
}

async fn an_images_life_is_told_in_its_order(kind: DatabaseKind) {
    let (_dir, db) = database(kind).await;
    let db = db.telling(vec!["image.member.update".to_owned()]);
    let id = image(&db).await;
    assert_eq!(kinds(&db).await, ["image.create"]);
    let store = StoreId::from("fast");
    let row = WriteRow::begin(&id, Some(&store), "n1", Purpose::Upload);
    let begin = [Change::Status(ImageStatus::Saving), Change::Journal(row.clone())];
    let _ = ImageRepository::change(&db, &id, &Guard::states(&[ImageStatus::Queued]), &begin).await.unwrap();
    let prepared = db.oldest(10).await.unwrap();
    assert_eq!(prepared[1].payload["backend"], "fast");
    assert_eq!(prepared[1].payload["status"], "saving");
    assert_eq!(prepared[1].payload["os_glance_importing_to_stores"], serde_json::json!([]));
    assert_eq!(kinds(&db).await, ["image.update", "image.prepare"]);
    // What is refused is not told.
    let again =
        ImageRepository::change(&db, &id, &Guard::states(&[ImageStatus::Queued]), &begin).await.unwrap();
    assert_eq!(again, Outcome::Refused);
    let taken = [Change::SetProperty("x".to_owned(), "1".to_owned()), Change::RemoveTag("none".to_owned())];
    assert_eq!(ImageRepository::change(&db, &id, &Guard::default(), &taken).await.unwrap(), Outcome::Refused);
    assert_eq!(kinds(&db).await, [""; 0]);
    let end = [
        Change::AddLocation(ImageLocation::in_store(&store, "file:///x")),
        Change::Status(ImageStatus::Active),
        Change::JournalClear(row.id),
    ];
    let _ = ImageRepository::change(&db, &id, &Guard::default(), &end).await.unwrap();
    let uploaded = db.oldest(1).await.unwrap().remove(0).payload;
    assert!(!uploaded.to_string().contains("file:///x"), "locations are not told: {uploaded}");
    assert_eq!(kinds(&db).await, ["image.upload", "image.activate", "image.update"]);
    let now = Utc::now();
    let member = Member {
        image_id: id.clone(),
        member: "p2".to_owned(),
        status: MemberStatus::Pending,
        created_at: now,
        updated_at: now,
    };
    let _ = db.add_member(&member).await.unwrap();
    db.set_member_status(&id, "p2", MemberStatus::Accepted).await.unwrap();
    db.remove_member(&id, "p2").await.unwrap();
    assert_eq!(kinds(&db).await, ["image.member.create", "image.member.delete"]);
    let _ = ImageRepository::change(&db, &id, &Guard::default(), &[Change::Delete]).await.unwrap();
    let gone = db.oldest(1).await.unwrap().remove(0).payload;
    assert_eq!((gone["deleted"].as_bool(), gone["status"].as_str()), (Some(true), Some("deleted")));
    assert!(gone["deleted_at"].is_string() && gone["properties"]["a"] == "1");
    assert_eq!(kinds(&db).await, ["image.delete"]);
}

async fn definitions_are_told_thing_by_thing(kind: DatabaseKind) {
    let (_dir, db) = database(kind).await;
    let db = db.telling(Vec::new());
    let now = Utc::now();
    let namespace = Namespace {
        name: "N".to_owned(),
        display_name: None,
        description: None,
        public: true,
        protected: false,
        owner: "p".to_owned(),
        created_at: now,
        updated_at: now,
    };
    let tag = |name: &str| Tag { name: name.to_owned(), created_at: now, updated_at: now };
    let contents = Contents { tags: vec![tag("a"), tag("b")], ..Contents::default() };
    db.create_namespace(&namespace, &contents).await.unwrap();
    MetadefRepository::change(&db, "N", "a", &Item::Tag(tag("c"))).await.unwrap();
    let changed = db.oldest(10).await.unwrap().pop().unwrap().payload;
    assert_eq!((changed["name"].as_str(), changed["name_old"].as_str()), (Some("c"), Some("a")));
    MetadefRepository::remove(&db, "N", Part::Tags, "b").await.unwrap();
    db.clear("N", Part::Tags).await.unwrap();
    let renamed = Namespace { name: "M".to_owned(), ..namespace };
    db.change_namespace("N", &renamed).await.unwrap();
    db.delete_namespace("M").await.unwrap();
    let expected = [
        "metadef_namespace.create",
        "metadef_tag.create",
        "metadef_tag.create",
        "metadef_tag.update",
        "metadef_tag.delete",
        "metadef_namespace.delete_tags",
        "metadef_namespace.update",
        "metadef_namespace.delete",
    ];
    assert_eq!(kinds(&db).await, expected);
}

async fn without_a_listener_nothing_is_kept(kind: DatabaseKind) {
    let (_dir, db) = database(kind).await;
    image(&db).await;
    assert!(!db.tells("image.create"));
    assert_eq!(db.oldest(10).await.unwrap(), []);
}

async fn a_commit_wakes_who_waits(kind: DatabaseKind) {
    let (_dir, db) = database(kind).await;
    let db = db.telling(Vec::new());
    let waiter = db.clone();
    let woken = tokio::spawn(async move { waiter.added().await });
    image(&db).await;
    tokio::time::timeout(Duration::from_secs(30), woken).await.unwrap().unwrap();
}

async fn one_publishes_until_it_steps_back_or_is_late(kind: DatabaseKind) {
    let (_dir, db) = database(kind).await;
    let soon = || Utc::now() + TimeDelta::seconds(60);
    assert!(db.lease("a", soon()).await.unwrap());
    assert!(db.lease("a", soon()).await.unwrap());
    assert!(!db.lease("b", soon()).await.unwrap());
    db.release("b").await.unwrap();
    assert!(!db.lease("b", soon()).await.unwrap());
    db.release("a").await.unwrap();
    assert!(db.lease("b", Utc::now() - TimeDelta::seconds(1)).await.unwrap());
    assert!(db.lease("a", soon()).await.unwrap());
}

async fn the_oldest_go_when_too_many_or_too_old(kind: DatabaseKind) {
    let (_dir, db) = database(kind).await;
    let db = db.telling(Vec::new());
    for _ in 0..5 {
        image(&db).await;
    }
    let long_ago = Utc::now() - TimeDelta::days(1);
    assert_eq!(db.trim(5, long_ago).await.unwrap(), 0);
    let before = db.oldest(10).await.unwrap();
    assert_eq!(db.trim(3, long_ago).await.unwrap(), 2);
    assert_eq!(db.oldest(10).await.unwrap(), before[2..]);
    assert_eq!(db.trim(3, Utc::now() + TimeDelta::seconds(5)).await.unwrap(), 3);
}

on_every_database!(
    an_images_life_is_told_in_its_order,
    definitions_are_told_thing_by_thing,
    without_a_listener_nothing_is_kept,
    a_commit_wakes_who_waits,
    one_publishes_until_it_steps_back_or_is_late,
    the_oldest_go_when_too_many_or_too_old,
);
