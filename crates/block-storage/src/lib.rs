// SPDX-License-Identifier: Apache-2.0
//! The embedded Block Storage v3 service.
//!
//! [`BlockStorage::open`] opens the database and the pools, [`BlockStorage::router`] is the API, and
//! [`BlockStorage::start`] takes up work an earlier process began. Volumes are sparse files in pools, one pool a
//! backend; the state of each volume is a row in SQLite that is changed by compare-and-set, written before its files
//! and removed after them.

mod api;
mod backend;
mod config;
mod connection;
mod db;
mod error;
mod quota;
mod scheduler;
mod service;
mod storage;
mod work;

pub use config::{BackendConf, BlockStorageConfig, CinderConf};
pub use error::OpenError;
pub use storage::{BlockStorage, TypeError};
