// SPDX-License-Identifier: Apache-2.0
//! Schemas of database servers, and servers that go away.

use std::time::Duration;

use chrono::{SubsecRound, Utc};
use scurry_image::Image;
use scurry_image::ports::{Change, Guard, ImageRepository, Outcome, Unstorable};
use scurry_image_db::{Address, Database, DatabaseError, PoolSettings, Status, migrate, status};
use scurry_testkit::{DatabaseKind, TestDatabase};
use scurry_types::{ImageId, ImageStatus, Visibility};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};

use crate::{connected, database, on_every_database};

/// The same database past everything of ours.
pub(crate) async fn outside(place: &TestDatabase) -> DatabaseConnection {
    let url = place.url.replace("+pymysql:", ":").replace("postgresql+psycopg2:", "postgres:");
    sea_orm::Database::connect(url.replace("sqlite:///", "sqlite://")).await.unwrap()
}

pub(crate) async fn tables(db: &DatabaseConnection) -> Vec<String> {
    let backend = db.get_database_backend();
    let sql = match backend {
        sea_orm::DbBackend::Sqlite => {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        }
        sea_orm::DbBackend::Postgres => {
            "SELECT CAST(tablename AS text) AS name FROM pg_tables WHERE schemaname = 'public'"
        }
        _ => {
            "SELECT CONVERT(table_name USING utf8mb4) AS name FROM information_schema.tables
              WHERE table_schema = DATABASE()"
        }
    };
    let rows = db.query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
    let mut names: Vec<String> = rows.iter().map(|row| row.try_get("", "name").unwrap()).collect();
    names.sort();
    names
}

async fn one_schema_comes_of_many_starts(kind: DatabaseKind) {
    let place = TestDatabase::new(kind);
    let db = connected(&place).await;
    assert_eq!(status(&db).await.unwrap(), Status::Empty);
    let starts: Vec<_> = (0..4)
        .map(|_| {
            let url = place.url.clone();
            tokio::spawn(async move {
                let address = Address::parse(&url).unwrap();
                let db = Database::connect(&address, &PoolSettings::default()).await.unwrap();
                migrate(&db).await.unwrap();
            })
        })
        .collect();
    for start in starts {
        start.await.unwrap();
    }
    migrate(&db).await.unwrap();
    let revision = "2024_1_contract01".to_owned();
    assert_eq!(status(&db).await.unwrap(), Status::Current { revision, version: 1 });
    let sqlite = TestDatabase::new(DatabaseKind::Sqlite);
    migrate(&connected(&sqlite).await).await.unwrap();
    let there = tables(&outside(&place).await).await;
    assert_eq!(there, tables(&outside(&sqlite).await).await);
    assert!(there.len() > 20, "{there:?}");
}

async fn glances_own_schema_is_completed_and_an_unknown_one_refused(kind: DatabaseKind) {
    let (place, db) = database(kind).await;
    let glance = outside(&place).await;
    for table in tables(&glance).await.iter().filter(|name| name.starts_with("scurry_")) {
        glance.execute_unprepared(&format!("DROP TABLE {table}")).await.unwrap();
    }
    assert!(matches!(status(&db).await.unwrap(), Status::Glance { .. }));
    migrate(&db).await.unwrap();
    assert!(matches!(status(&db).await.unwrap(), Status::Current { .. }));
    let sql = "UPDATE alembic_version SET version_num = '2031_1_contract01'";
    glance.execute_unprepared(sql).await.unwrap();
    assert!(matches!(migrate(&db).await, Err(DatabaseError::TooNew { .. })));
}

pub(crate) fn image() -> Image {
    let now = Utc::now().trunc_subsecs(0);
    Image {
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
        tags: Default::default(),
        locations: Vec::new(),
    }
}

/// Changes of two images each way round, in transactions that wait for each other: all are done, one by one.
async fn changes_that_meet_are_all_done(kind: DatabaseKind) {
    let (place, db) = database(kind).await;
    let other = connected(&place).await;
    let images = [image(), image()];
    for image in &images {
        assert_eq!(db.create(image).await.unwrap(), Outcome::Done);
    }
    let racers: Vec<_> = (0..12)
        .map(|racer| {
            let db = if racer % 2 == 0 { db.clone() } else { other.clone() };
            let id = images[racer % 3 % 2].id.clone();
            tokio::spawn(async move {
                for turn in 0..5 {
                    let tag = Change::AddTag(format!("{racer}-{turn}"));
                    let note = Change::SetProperty(format!("p{turn}"), racer.to_string());
                    let done = db.change(&id, &Guard::default(), &[tag, note]).await.unwrap();
                    assert_eq!(done, Outcome::Done);
                }
            })
        })
        .collect();
    for racer in racers {
        racer.await.unwrap();
    }
    let mut tags = 0;
    for image in &images {
        let now = ImageRepository::get(&db, &image.id).await.unwrap().unwrap();
        assert_eq!(now.properties.len(), 6);
        tags += now.tags.len();
    }
    assert_eq!(tags, 60);
}

/// Whoever changes what has been changed since, in the same second too, is refused.
async fn a_change_in_the_same_second_is_seen(kind: DatabaseKind) {
    let (_place, db) = database(kind).await;
    let image = image();
    assert_eq!(db.create(&image).await.unwrap(), Outcome::Done);
    let read = ImageRepository::get(&db, &image.id).await.unwrap().unwrap();
    let guard = Guard { unchanged_since: Some(read.updated_at), ..Guard::default() };
    assert_eq!(db.change(&image.id, &guard, &[Change::AddTag("one".into())]).await.unwrap(), Outcome::Done);
    assert_eq!(
        db.change(&image.id, &guard, &[Change::AddTag("two".into())]).await.unwrap(),
        Outcome::Refused
    );
    let read = ImageRepository::get(&db, &image.id).await.unwrap().unwrap();
    let guard = Guard { unchanged_since: Some(read.updated_at), ..Guard::default() };
    assert_eq!(db.change(&image.id, &guard, &[Change::AddTag("two".into())]).await.unwrap(), Outcome::Done);
}

/// The server ends every connection; reads and changes go on as if nothing had been.
async fn broken_connections_are_replaced(kind: DatabaseKind) {
    let (place, db) = database(kind).await;
    let image = image();
    assert_eq!(db.create(&image).await.unwrap(), Outcome::Done);
    let server = outside(&place).await;
    for round in 0..3 {
        let name = place.url.rsplit('/').next().unwrap();
        if kind == DatabaseKind::Postgres {
            let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                       WHERE datname = current_database() AND pid <> pg_backend_pid()";
            server.query_all_raw(Statement::from_string(server.get_database_backend(), sql)).await.unwrap();
        } else {
            let sql = format!(
                "SELECT id FROM information_schema.processlist WHERE db = '{name}' AND id <> CONNECTION_ID()"
            );
            let rows = server.query_all_raw(Statement::from_string(server.get_database_backend(), sql));
            for row in rows.await.unwrap() {
                let id: i64 = row.try_get("", "id").unwrap();
                let _ = server.execute_unprepared(&format!("KILL {id}")).await;
            }
        }
        let tag = Change::AddTag(round.to_string());
        if round == 0 {
            assert!(ImageRepository::get(&db, &image.id).await.unwrap().is_some());
        }
        assert_eq!(db.change(&image.id, &Guard::default(), &[tag]).await.unwrap(), Outcome::Done);
    }
    let now = ImageRepository::get(&db, &image.id).await.unwrap().unwrap();
    assert_eq!(now.tags.len(), 3);
}

/// A NUL in PostgreSQL, a sign beyond the first plane in Glance's columns in MySQL.
#[tokio::test]
async fn what_a_column_cannot_hold_is_told_apart() {
    for (kind, name) in [(DatabaseKind::Postgres, "a\0b"), (DatabaseKind::MySql, "\u{1F980}")] {
        let (_place, db) = database(kind).await;
        let image = Image { name: Some(name.to_owned()), ..image() };
        let error = db.create(&image).await.unwrap_err();
        assert!(error.source.is::<Unstorable>(), "{error:?}");
        assert!(ImageRepository::get(&db, &image.id).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn broken_connections_of_postgres() {
    broken_connections_are_replaced(DatabaseKind::Postgres).await;
}

#[tokio::test]
async fn broken_connections_of_mysql() {
    broken_connections_are_replaced(DatabaseKind::MySql).await;
}

#[tokio::test]
async fn a_server_that_is_away_or_refuses_is_named_without_the_password() {
    let pool = PoolSettings {
        retries: Some(1),
        retry_interval: Duration::from_millis(1),
        ..PoolSettings::default()
    };
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for scheme in ["mysql+pymysql", "postgresql"] {
        let address = Address::parse(&format!("{scheme}://u:geheim@{free}/glance")).unwrap();
        let error = Database::connect(&address, &pool).await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains(&free.to_string()) && text.contains("server runs"), "{text}");
        assert!(!text.contains("geheim"), "{text}");
    }
    for kind in [DatabaseKind::Postgres, DatabaseKind::MySql] {
        let place = TestDatabase::new(kind);
        let wrong = place.url.replace("p%40ss", "falsch");
        let error = Database::connect(&Address::parse(&wrong).unwrap(), &pool).await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains("check user, password") && !text.contains("falsch"), "{text}");
    }
}

on_every_database!(
    one_schema_comes_of_many_starts,
    glances_own_schema_is_completed_and_an_unknown_one_refused,
    changes_that_meet_are_all_done,
    a_change_in_the_same_second_is_seen,
);
