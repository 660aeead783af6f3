// SPDX-License-Identifier: Apache-2.0
//! How fast a page of 25 of 10,000 images is read, without HTTP around it, on the database `SCURRY_TEST_DATABASE` names.
#![allow(missing_docs, clippy::unwrap_used)]

use chrono::{DateTime, TimeDelta};
use criterion::{Criterion, criterion_group, criterion_main};
use scurry_image::ports::{ImageRepository, Outcome, Viewer};
use scurry_image::{Direction, Image, ImageLocation, ListQuery, SortKey};
use scurry_image_db::{Address, Database, PoolSettings, migrate};
use scurry_testkit::{DatabaseKind, TestDatabase};
use scurry_types::{ImageId, ImageStatus, ProjectId, StoreId, Visibility};
use tokio::runtime::Runtime;

const IMAGES: i64 = 10_000;

fn image(number: i64) -> Image {
    let created_at = DateTime::UNIX_EPOCH + TimeDelta::seconds(1_700_000_000 + number);
    let id = ImageId::random();
    let location = ImageLocation::in_store(&StoreId::from("fast"), format!("file:///images/{id}"));
    Image {
        id,
        name: Some(format!("image {}", number * 7919 % IMAGES)),
        status: ImageStatus::Active,
        visibility: if number % 100 == 0 { Visibility::Public } else { Visibility::Private },
        protected: false,
        os_hidden: false,
        owner: Some(format!("p{}", number % 50).as_str().into()),
        container_format: Some("bare".to_owned()),
        disk_format: Some("raw".to_owned()),
        min_disk: 0,
        min_ram: 0,
        size: Some(number.unsigned_abs() << 20),
        virtual_size: None,
        checksum: None,
        os_hash_algo: None,
        os_hash_value: None,
        created_at,
        updated_at: created_at,
        properties: (0..6).map(|n| (format!("property-{n}"), n.to_string())).collect(),
        tags: ["one".to_owned(), "two".to_owned()].into(),
        locations: vec![location],
    }
}

async fn filled() -> (TestDatabase, Database) {
    let place = TestDatabase::new(DatabaseKind::asked_for());
    let address = Address::parse(&place.url).unwrap();
    let db = Database::connect(&address, &PoolSettings::default()).await.unwrap();
    migrate(&db).await.unwrap();
    for number in 0..IMAGES {
        assert_eq!(db.create(&image(number)).await.unwrap(), Outcome::Done);
    }
    (place, db)
}

fn pages(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let (_place, db) = runtime.block_on(filled());
    let project = ProjectId::from("p7");
    let mut group = criterion.benchmark_group("a page of 25 of 10,000 images");
    for (who, viewer) in
        [("admin", Viewer::Admin { project: None }), ("a project", Viewer::Project(Some(&project)))]
    {
        for (order, key) in [("newest first", SortKey::CreatedAt), ("by name", SortKey::Name)] {
            let query = ListQuery { sort: vec![(key, Direction::Desc)], ..ListQuery::default() };
            group.bench_function(format!("{who}, {order}"), |bench| {
                bench.iter(|| runtime.block_on(db.list(viewer, &query)).unwrap().unwrap());
            });
        }
    }
    group.finish();
}

criterion_group!(all, pages);
criterion_main!(all);
