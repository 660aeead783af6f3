// SPDX-License-Identifier: Apache-2.0
//! Lists over a few thousand images: which plan answers them, and that the answer is right.

mod model;
mod pages;
mod plans;
mod servers;

use scurry_image::{
    Direction, Filter, ListQuery, Match, MemberStatusFilter, NumberField, SortKey, VisibilityFilter,
};
use scurry_testkit::{DatabaseKind, TestDatabase};
use scurry_types::{MemberStatus, Visibility};
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel};

use crate::address::Address;
use crate::connection::{Database, PoolSettings};
use crate::entity::{image, member, property, tag};

/// Images of the projects `p0` (a third of all), `p1` … `p40`; every fiftieth is queued, every hundredth hidden,
/// a few have the tag `rare`, all `common`; `p1` is member of many shared images, `p2` of few.
const IMAGES: &str = "
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 4999)
INSERT INTO images (created_at, updated_at, deleted, id, name, size, status, disk_format, container_format, owner,
                    min_disk, min_ram, protected, visibility, os_hidden, checksum, os_hash_value)
SELECT strftime('%Y-%m-%d %H:%M:%S', 1600000000 + (i * 7919 % 5000) / 3, 'unixepoch') || '.000000',
       CASE WHEN i % 7 = 0 THEN NULL
            ELSE strftime('%Y-%m-%d %H:%M:%S', 1700000000 + i * 104729 % 5000, 'unixepoch') || '.000000' END,
       i % 211 = 0,
       printf('%08x-0000-4000-8000-%012x', i * 2654435761 % 4294967296, i),
       CASE WHEN i % 11 = 0 THEN NULL ELSE 'n' || (i * 31 % 1500) END,
       CASE WHEN i % 13 = 0 THEN NULL ELSE i * 37 % 4000 END,
       CASE WHEN i % 50 = 0 THEN 'queued' WHEN i % 331 = 0 THEN 'killed' ELSE 'active' END,
       CASE i % 3 WHEN 0 THEN NULL WHEN 1 THEN 'raw' ELSE 'qcow2' END,
       CASE WHEN i % 17 = 0 THEN NULL ELSE 'bare' END,
       CASE WHEN i % 401 = 0 THEN NULL WHEN i % 3 = 0 THEN 'p0' ELSE 'p' || (i % 41) END,
       i % 5, i % 9, i % 19 = 0,
       CASE i % 8 WHEN 0 THEN 'public' WHEN 1 THEN 'community' WHEN 2 THEN 'shared' WHEN 3 THEN 'shared'
                  ELSE 'private' END,
       i % 100 = 0, printf('%032x', i), printf('%0128x', i)
FROM n";
const CHILDREN: [&str; 5] = [
    "INSERT INTO image_tags (created_at, deleted, image_id, value) SELECT created_at, 0, id, 'common' FROM images",
    "INSERT INTO image_tags (created_at, deleted, image_id, value)
     SELECT created_at, rowid % 2, id, 'rare' FROM images WHERE rowid % 500 = 7 OR rowid % 500 = 8",
    "INSERT INTO image_properties (created_at, deleted, image_id, name, value)
     SELECT created_at, 0, id, 'arch', CASE rowid % 400 WHEN 0 THEN 'riscv' ELSE 'x86' END FROM images",
    "INSERT INTO image_members (created_at, deleted, image_id, member, can_share, status)
     SELECT created_at, rowid % 10 = 0, id, 'p1', 0, CASE rowid % 4 WHEN 0 THEN 'pending' ELSE 'accepted' END
     FROM images WHERE visibility = 'shared' OR rowid % 5 = 0",
    "INSERT INTO image_members (created_at, deleted, image_id, member, can_share, status)
     SELECT created_at, 0, id, 'p2', 0, 'accepted' FROM images WHERE visibility = 'shared' AND rowid % 29 = 0",
];

pub(super) const ALL_KEYS: [SortKey; 8] = [
    SortKey::CreatedAt,
    SortKey::Name,
    SortKey::Status,
    SortKey::ContainerFormat,
    SortKey::DiskFormat,
    SortKey::Size,
    SortKey::Id,
    SortKey::UpdatedAt,
];

async fn filled() -> (TestDatabase, Database) {
    filled_in(DatabaseKind::Sqlite).await
}

async fn filled_in(kind: DatabaseKind) -> (TestDatabase, Database) {
    let place = TestDatabase::new(DatabaseKind::Sqlite);
    let db = Database::open(&place.path).await.unwrap();
    crate::migrate(&db).await.unwrap();
    let writing = db.write().await.unwrap();
    writing.transaction.execute_unprepared(IMAGES).await.unwrap();
    for sql in CHILDREN {
        writing.transaction.execute_unprepared(sql).await.unwrap();
    }
    writing.commit().await.unwrap();
    if kind == DatabaseKind::Sqlite {
        return (place, db);
    }
    let target = TestDatabase::new(kind);
    let address = Address::parse(&target.url).unwrap();
    let other = Database::connect(&address, &PoolSettings::default()).await.unwrap();
    crate::migrate(&other).await.unwrap();
    copy::<image::Entity, image::ActiveModel>(&db, &other).await;
    copy::<tag::Entity, tag::ActiveModel>(&db, &other).await;
    copy::<property::Entity, property::ActiveModel>(&db, &other).await;
    copy::<member::Entity, member::ActiveModel>(&db, &other).await;
    if kind == DatabaseKind::Postgres {
        for table in ["image_tags", "image_properties", "image_members"] {
            let next = format!("SELECT setval('{table}_id_seq', (SELECT max(id) FROM {table}))");
            other.connection.execute_unprepared(&next).await.unwrap();
        }
    }
    (target, other)
}

async fn copy<E, A>(from: &Database, to: &Database)
where
    E: EntityTrait,
    E::Model: IntoActiveModel<A>,
    A: ActiveModelTrait<Entity = E> + Send,
{
    let rows = E::find().all(&from.connection).await.unwrap();
    let writing = to.write().await.unwrap();
    let mut rows = rows.into_iter().map(|row| row.into_active_model().reset_all()).peekable();
    while rows.peek().is_some() {
        let some: Vec<A> = rows.by_ref().take(500).collect();
        E::insert_many(some).exec_without_returning(&writing.transaction).await.unwrap();
    }
    writing.commit().await.unwrap();
}

fn sorted_by(key: SortKey, direction: Direction) -> ListQuery {
    ListQuery { sort: vec![(key, direction)], ..ListQuery::default() }
}

/// Every kind of filter, rare values and common ones.
fn filter_sets() -> Vec<Vec<Filter>> {
    let eq = |text: &str| Match::Eq(text.to_owned());
    let within = |texts: &[&str]| Match::In(texts.iter().map(|&text| text.to_owned()).collect());
    let arch = |value: &str| Filter::Property("arch".to_owned(), value.to_owned());
    let visibility = |one| Filter::Visibility(VisibilityFilter::Is(one));
    let time = |text: &str| text.parse().unwrap();
    vec![
        vec![],
        vec![Filter::Name(eq("n31"))],
        vec![Filter::Name(within(&["n31", "n62", "nothing"]))],
        vec![Filter::Status(eq("queued"))],
        vec![Filter::Status(eq("active"))],
        vec![Filter::Status(within(&["queued", "active"]))],
        vec![Filter::DiskFormat(eq("raw"))],
        vec![Filter::Owner("p0".to_owned())],
        vec![Filter::Owner("p7".to_owned())],
        vec![Filter::Tag("rare".to_owned())],
        vec![Filter::Tag("common".to_owned())],
        vec![Filter::Tag("common".to_owned()), Filter::Tag("rare".to_owned())],
        vec![arch("x86")],
        vec![arch("riscv")],
        vec![visibility(Visibility::Public)],
        vec![visibility(Visibility::Private)],
        vec![visibility(Visibility::Shared)],
        vec![visibility(Visibility::Community)],
        vec![Filter::Visibility(VisibilityFilter::All)],
        vec![Filter::OsHidden(true)],
        vec![Filter::OsHidden(false), Filter::Protected(true)],
        vec![Filter::Min(NumberField::Size, 100), Filter::Max(NumberField::Size, 3900)],
        vec![Filter::Min(NumberField::Size, 2000), Filter::Max(NumberField::Size, 2010)],
        vec![Filter::Min(NumberField::Size, 3990)],
        vec![Filter::Number(NumberField::Size, 74)],
        vec![Filter::Min(NumberField::MinRam, 4), Filter::Number(NumberField::MinDisk, 2)],
        vec![Filter::CreatedAt(scurry_image::TimeOp::Gte, time("2020-09-13T12:40:00Z"))],
        vec![Filter::CreatedAt(scurry_image::TimeOp::Eq, time("2020-09-13T12:40:00Z"))],
        vec![Filter::UpdatedAt(scurry_image::TimeOp::Lt, time("2023-11-14T22:20:00Z"))],
        vec![Filter::UpdatedAt(scurry_image::TimeOp::Neq, time("2023-11-14T22:20:00Z"))],
        vec![Filter::Checksum(format!("{:032x}", 77))],
        vec![Filter::OsHashValue(format!("{:0128x}", 78))],
        vec![Filter::MemberStatus(MemberStatusFilter::All)],
        vec![
            Filter::MemberStatus(MemberStatusFilter::Is(MemberStatus::Pending)),
            visibility(Visibility::Shared),
        ],
        vec![Filter::Name(eq("n31")), Filter::Status(eq("active")), Filter::Tag("common".to_owned())],
        vec![Filter::Nothing],
    ]
}
