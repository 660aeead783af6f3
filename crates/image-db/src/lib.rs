// SPDX-License-Identifier: Apache-2.0
//! Glance's schema and Scurry's own tables, behind the image crate's and the job engine's ports.
//!
//! The file is one that Glance's own tools accept: same tables, columns, indexes and alembic revision.

mod connection;
mod entity;
mod images;
mod jobs;
mod metadefs;
mod readers;
mod schema;
mod stamp;

pub use connection::{Database, DatabaseError};
pub use schema::{Status, migrate, status};
