// SPDX-License-Identifier: Apache-2.0
//! Databases of other revisions, what is found in them, and rows removed for good.

use chrono::{TimeDelta, Utc};
use scurry_image::ports::{Change, Guard, ImageRepository, Outcome, Placed, PlacingRecords};
use scurry_image::{Image, ImageLocation};
use scurry_image_db::{
    Database, DatabaseError, Pending, Purge, Revision, Status, adopt, contract, each_location, expand, heads,
    migrate, pending, purge, purge_images, revision, status, survey,
};
use scurry_testkit::DatabaseKind;
use scurry_types::ImageStatus;
use sea_orm::{ConnectionTrait, DatabaseConnection};

use crate::servers::{image, outside, tables};
use crate::{database, on_every_database};

async fn all(db: &DatabaseConnection, statements: &[&str]) {
    for sql in statements {
        db.execute_unprepared(sql).await.unwrap();
    }
}

/// What Glance 2023.1 left: no tables of the cache, none of ours.
async fn as_of_2023(glance: &DatabaseConnection) {
    let ours: Vec<_> = tables(glance).await.into_iter().filter(|name| name.starts_with("scurry_")).collect();
    for table in ["cached_images", "node_reference"].into_iter().chain(ours.iter().map(String::as_str)) {
        all(glance, &[&format!("DROP TABLE {table}")]).await;
    }
    all(glance, &["UPDATE alembic_version SET version_num = '2023_1_contract01'"]).await;
}

async fn an_earlier_schema_is_served_and_upgraded_in_steps(kind: DatabaseKind) {
    let (place, db) = database(kind).await;
    let glance = outside(&place).await;
    as_of_2023(&glance).await;
    let before = tables(&glance).await;
    assert_eq!(revision(&db).await.unwrap(), Some(Revision::Earlier));
    assert_eq!(pending(&db).await.unwrap(), Pending::Expand);
    adopt(&db).await.unwrap();
    migrate(&db).await.unwrap();
    let mut after = tables(&glance).await;
    after.retain(|name| !name.starts_with("scurry_"));
    assert_eq!(after, before);
    assert_eq!(heads(&db).await.unwrap(), ["2023_1_contract01"]);
    assert!(matches!(contract(&db).await, Err(DatabaseError::NotExpanded { .. })));
    assert_eq!(db.create(&image()).await.unwrap(), Outcome::Done);
    expand(&db).await.unwrap();
    expand(&db).await.unwrap();
    assert_eq!(heads(&db).await.unwrap(), ["2023_1_contract01", "2024_1_expand01"]);
    assert_eq!(pending(&db).await.unwrap(), Pending::Contract);
    contract(&db).await.unwrap();
    assert_eq!(heads(&db).await.unwrap(), ["2024_1_contract01"]);
    assert_eq!(pending(&db).await.unwrap(), Pending::Nothing);
    assert!(tables(&glance).await.contains(&"cached_images".to_owned()));
}

async fn older_schemas_are_left_to_glance(kind: DatabaseKind) {
    let (place, db) = database(kind).await;
    let glance = outside(&place).await;
    as_of_2023(&glance).await;
    all(&glance, &["UPDATE alembic_version SET version_num = 'zed_contract01'"]).await;
    for refused in [migrate(&db).await, adopt(&db).await, expand(&db).await] {
        let text = refused.unwrap_err().to_string();
        assert!(text.contains("zed_contract01") && text.contains("glance-manage db_sync"), "{text}");
    }
    assert!(matches!(status(&db).await.unwrap(), Status::Glance { .. }));
}

fn located(url: &str, metadata: &str) -> Image {
    let metadata = serde_json::from_str(metadata).unwrap();
    let location = ImageLocation { url: url.to_owned(), metadata, status: "active".to_owned() };
    Image { locations: vec![location], status: ImageStatus::Active, ..image() }
}

async fn a_survey_finds_what_is_half_done(kind: DatabaseKind) {
    let (place, db) = database(kind).await;
    let stuck = Image { status: ImageStatus::Importing, ..image() };
    let held = Image {
        status: ImageStatus::Active,
        properties: [("os_glance_import_task".to_owned(), "t1".to_owned())].into(),
        ..image()
    };
    let plain = located("file:///a/b", r#"{"store": "fast"}"#);
    let old = located("file:///a/c", "{}");
    for image in [&stuck, &held, &plain, &old] {
        assert_eq!(db.create(image).await.unwrap(), Outcome::Done);
    }
    let glance = outside(&place).await;
    let task = "INSERT INTO tasks (id, type, status, owner, created_at, deleted) \
                VALUES ('t1', 'api_image_import', 'processing', 'p', '2026-01-02 03:04:05', ";
    let no = if kind == DatabaseKind::Postgres { "false)" } else { "0)" };
    all(&glance, &[&format!("{task}{no}")]).await;
    let found = survey(&db).await.unwrap();
    assert_eq!(found.images, [("active".to_owned(), 3), ("importing".to_owned(), 1)].into());
    let mut unfinished: Vec<_> =
        found.unfinished.iter().map(|one| (one.id.as_str(), one.task.as_deref())).collect();
    let mut expected = vec![(stuck.id.as_str(), None), (held.id.as_str(), Some("t1"))];
    unfinished.sort_unstable();
    expected.sort_unstable();
    assert_eq!(unfinished, expected);
    assert_eq!(found.open_tasks.len(), 1);
    assert_eq!(found.open_tasks[0].since, "2026-01-02T03:04:05Z");
    let mut locations = Vec::new();
    each_location(&db, |location| locations.push(location)).await.unwrap();
    let stores: Vec<_> = locations.iter().map(|one| (one.value.as_str(), one.store.as_deref())).collect();
    assert_eq!(stores, [("file:///a/b", Some("fast")), ("file:///a/c", None)]);
}

async fn locations_without_a_store_are_placed_once(kind: DatabaseKind) {
    let (_place, db) = database(kind).await;
    let images = [
        located("file:///a", r#"{"store": "fast"}"#),
        located("file:///b", r#"{"note": "x"}"#),
        located("file:///c", r#"{"store":"gone"}"#),
    ];
    for image in &images {
        assert_eq!(db.create(image).await.unwrap(), Outcome::Done);
    }
    let stores = ["fast".into(), "go_e".into()];
    let found = db.unplaced_locations(&stores, 0).await.unwrap();
    assert_eq!(found.iter().map(|one| &one.image).collect::<Vec<_>>(), [&images[1].id, &images[2].id]);
    let after_the_first = db.unplaced_locations(&stores, found[0].row).await.unwrap();
    assert_eq!(after_the_first, found[1..]);
    let mut placed: Vec<_> = found
        .into_iter()
        .map(|was| {
            let mut location = was.location.clone();
            location.metadata.insert("store".to_owned(), "fast".into());
            Placed { was, location }
        })
        .collect();
    // Somebody was faster with the second.
    placed[1].was.location.url = "file:///other".to_owned();
    db.place_locations(&placed).await.unwrap();
    let left = db.unplaced_locations(&stores, 0).await.unwrap();
    assert_eq!(left.iter().map(|one| &one.image).collect::<Vec<_>>(), [&images[2].id]);
    let now = ImageRepository::get(&db, &images[1].id).await.unwrap().unwrap();
    assert_eq!(now.locations[0].store(), Some("fast"));
    assert_eq!(now.locations[0].metadata["note"], "x");
}

async fn gone(db: &Database, image: &Image, change: Change) {
    assert_eq!(db.create(image).await.unwrap(), Outcome::Done);
    assert_eq!(db.change(&image.id, &Guard::default(), &[change]).await.unwrap(), Outcome::Done);
}

async fn old_rows_are_purged_and_needed_ones_stay(kind: DatabaseKind) {
    let (place, db) = database(kind).await;
    let glance = outside(&place).await;
    let (deleted, fresh, waiting, alive) =
        (located("file:///d", "{}"), image(), located("file:///w", "{}"), located("file:///l", "{}"));
    gone(&db, &deleted, Change::Delete).await;
    gone(&db, &fresh, Change::Delete).await;
    gone(&db, &waiting, Change::DeletePending).await;
    assert_eq!(db.create(&alive).await.unwrap(), Outcome::Done);
    for table in ["images", "image_locations", "image_properties"] {
        let key = if table == "images" { "id" } else { "image_id" };
        let sql = format!(
            "UPDATE {table} SET deleted_at = '2020-01-01 00:00:00' WHERE {key} IN ('{}', '{}')",
            deleted.id, waiting.id
        );
        all(&glance, &[&sql]).await;
    }
    let what = Purge { before: Utc::now() - TimeDelta::days(30), most: None };
    let (images, left) = purge_images(&db, what).await.unwrap();
    assert_eq!((images[0].rows, left), (0, 2), "rows still refer to it");
    let none = Purge { most: Some(0), ..what };
    assert!(purge(&db, none).await.unwrap().iter().all(|purged| purged.rows == 0));
    let purged = purge(&db, what).await.unwrap();
    let rows: Vec<_> = purged.iter().map(|one| (one.table, one.rows)).filter(|one| one.1 > 0).collect();
    assert_eq!(rows, [("image_locations", 1), ("image_properties", 1)]);
    let (images, left) = purge_images(&db, what).await.unwrap();
    assert_eq!((images[0].rows, left), (1, 1));
    assert_eq!(db.status(&deleted.id).await.unwrap(), None);
    assert_eq!(db.status(&fresh.id).await.unwrap(), Some(ImageStatus::Deleted));
    assert_eq!(db.pending_locations(&waiting.id).await.unwrap().len(), 1);
    assert!(ImageRepository::get(&db, &alive.id).await.unwrap().is_some());
    // An id that was purged is free again.
    assert_eq!(db.create(&deleted).await.unwrap(), Outcome::Done);
}

on_every_database!(
    an_earlier_schema_is_served_and_upgraded_in_steps,
    older_schemas_are_left_to_glance,
    a_survey_finds_what_is_half_done,
    locations_without_a_store_are_placed_once,
    old_rows_are_purged_and_needed_ones_stay,
);
