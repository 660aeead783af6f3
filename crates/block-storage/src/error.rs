// SPDX-License-Identifier: Apache-2.0
//! Why the service cannot be opened.

use std::path::PathBuf;

/// A failure at start, for the operator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// cinder.conf names no backend.
    #[error("no backend is enabled: set [DEFAULT] enabled_backends in cinder.conf")]
    NoBackend,
    /// Two backends with the same name or section.
    #[error("backend {0} is there twice in enabled_backends")]
    DuplicateBackend(String),
    /// `replication_device` names no backend.
    #[error("[{section}] replication_device: backend_id {backend_id} is not in enabled_backends")]
    UnknownReplica {
        /// The section that names it.
        section: String,
        /// What it names.
        backend_id: String,
    },
    /// The database refused.
    #[error("cannot use database {}: see that its directory exists and is writable", .path.display())]
    Database {
        /// The database file.
        path: PathBuf,
        /// Why.
        #[source]
        source: sea_orm::DbErr,
    },
    /// A pool refused.
    #[error("cannot use pool directory {} of backend {backend}: see that it is writable", .path.display())]
    Pool {
        /// The backend.
        backend: String,
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: scurry_volume_file::VolumeError,
    },
    /// A directory cannot be made.
    #[error("cannot make directory {}", .path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The settings of a client are wrong.
    #[error("cannot prepare the client of another service")]
    Client(#[source] scurry_openstack_client::ClientError),
    /// A blocking thread died.
    #[error("a thread that opened the pools ended early")]
    Thread,
}
