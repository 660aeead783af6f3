// SPDX-License-Identifier: Apache-2.0
//! Glance's schema and Scurry's own tables, behind the image crate's and the job engine's ports.
//!
//! SQLite, PostgreSQL and MariaDB/MySQL, each as Glance's own tools make and accept it: same tables, columns, indexes
//! and alembic revision.

mod address;
mod clock;
mod connection;
mod dialect;
mod entity;
#[cfg(test)]
#[path = "../tests/it/every.rs"]
mod every_database;
mod images;
mod jobs;
mod metadefs;
mod outbox;
mod purge;
mod readers;
mod retry;
mod schema;
mod stamp;
mod survey;

pub use address::{Address, AddressError};
pub use connection::{Database, DatabaseError, PoolSettings};
pub use purge::{Purge, Purged, purge, purge_images};
pub use schema::{
    Pending, Revision, Status, adopt, contract, expand, heads, migrate, pending, revision, status, sync,
};
pub use survey::{OpenTask, Survey, SurveyedLocation, UnfinishedImage, each_location, survey};
