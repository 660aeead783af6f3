// SPDX-License-Identifier: Apache-2.0
//! The database as Glance's tools and the job engine see it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy.toml covers test functions only, not what they share"
)]

mod every;

mod away;
mod cached;
mod changes;
mod jobs;
mod metadefs;
mod outbox;
mod schema;
mod servers;
mod upkeep;

use scurry_image_db::{Address, Database, PoolSettings, migrate};
use scurry_testkit::{DatabaseKind, TestDatabase};

use self::every::on_every_database;

async fn connected(place: &TestDatabase) -> Database {
    Database::connect(&Address::parse(&place.url).unwrap(), &PoolSettings::default()).await.unwrap()
}

async fn database(kind: DatabaseKind) -> (TestDatabase, Database) {
    let place = TestDatabase::new(kind);
    let db = connected(&place).await;
    migrate(&db).await.unwrap();
    (place, db)
}
