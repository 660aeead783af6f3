// SPDX-License-Identifier: Apache-2.0
//! The database as Glance's tools and the job engine see it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy.toml covers test functions only, not what they share"
)]

mod away;
mod cached;
mod changes;
mod jobs;
mod metadefs;
mod schema;

use scurry_image_db::{Database, migrate};
use tempfile::TempDir;

async fn database() -> (TempDir, Database) {
    let dir = tempfile::tempdir().unwrap();
    let db = Database::open(&dir.path().join("glance.sqlite")).await.unwrap();
    migrate(&db).await.unwrap();
    (dir, db)
}
