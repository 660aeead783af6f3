// SPDX-License-Identifier: Apache-2.0
//! What the identity service is told at its start.

use std::path::PathBuf;
use std::time::Duration;

/// Where the identity service keeps its data and how clients reach it.
#[derive(Clone, Debug)]
pub struct IdentityConfig {
    /// The SQLite file; made when it is not there.
    pub database_path: PathBuf,
    /// The URL clients reach the service by, without `/v3`: `http://127.0.0.1:5000`.
    pub public_url: String,
    /// How long a token is good for.
    pub token_lifetime: Duration,
    /// The region of the service's own endpoint.
    pub region: String,
}

impl IdentityConfig {
    /// The defaults: tokens good for twelve hours, region `RegionOne`.
    pub fn new(database_path: impl Into<PathBuf>, public_url: impl Into<String>) -> Self {
        Self {
            database_path: database_path.into(),
            public_url: public_url.into(),
            token_lifetime: Duration::from_secs(12 * 60 * 60),
            region: "RegionOne".to_owned(),
        }
    }
}
