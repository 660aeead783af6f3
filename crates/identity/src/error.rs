// SPDX-License-Identifier: Apache-2.0
//! Why the identity service cannot start.

use std::path::PathBuf;

use sea_orm::DbErr;

/// Why the identity service cannot be opened or bootstrapped.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The database file cannot be made or written.
    #[error("cannot create identity database {}; check that its directory exists and is writable", path.display())]
    CreateDatabase {
        /// The database file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The database file is no usable database.
    #[error("cannot open identity database {}", path.display())]
    OpenDatabase {
        /// The database file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: DbErr,
    },
    /// The public URL is none.
    #[error("public URL {url:?} of the identity service is not an http or https URL")]
    PublicUrl {
        /// What was given.
        url: String,
    },
    /// A role named by the bootstrap does not exist.
    #[error(
        "bootstrap gives user {user} the unknown role {role}; use admin, manager, member, reader or service"
    )]
    UnknownRole {
        /// The user's name.
        user: String,
        /// The role's name.
        role: String,
    },
    /// A registered limit names a service the bootstrap does not create.
    #[error("bootstrap registers limit {resource} for service type {service_type}, which has no endpoint")]
    UnknownService {
        /// The service's type.
        service_type: String,
        /// The limit's resource name.
        resource: String,
    },
    /// A password cannot be hashed.
    #[error("cannot hash the password of bootstrap user {user}")]
    Password {
        /// The user's name.
        user: String,
        /// Why.
        #[source]
        source: crate::password::PasswordError,
    },
    /// The bootstrap could not be stored.
    #[error("cannot store the identity bootstrap")]
    Store(#[from] DbErr),
}
