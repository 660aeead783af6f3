// SPDX-License-Identifier: Apache-2.0
//! The service itself: its database, its settings, and the removal of dead tokens.

use std::sync::{Arc, Weak};
use std::time::Duration;

use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbErr, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};

use crate::config::IdentityConfig;
use crate::error::IdentityError;
use crate::password::PasswordHashing;
use crate::{schema, token};

/// How often dead tokens are removed.
const PURGE_INTERVAL: Duration = Duration::from_secs(10 * 60);

/// The embedded Identity v3 service; clones share one database.
#[derive(Clone, Debug)]
pub struct Identity {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: IdentityConfig,
    database: DatabaseConnection,
    hashing: PasswordHashing,
}

impl Identity {
    /// Opens the database, creating it when it is not there, and starts removing dead tokens from it.
    pub async fn open(config: IdentityConfig) -> Result<Self, IdentityError> {
        let mut config = config;
        let usable =
            url::Url::parse(&config.public_url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if !usable {
            return Err(IdentityError::PublicUrl { url: config.public_url });
        }
        config.public_url.truncate(config.public_url.trim_end_matches('/').len());
        let hashing = PasswordHashing::new();
        let database = schema::open(&config.database_path).await?;
        let identity = Self { inner: Arc::new(Inner { config, database, hashing }) };
        tokio::spawn(purge_periodically(Arc::downgrade(&identity.inner)));
        Ok(identity)
    }

    /// The HTTP routes: `/` and everything under `/v3`.
    pub fn router(&self) -> axum::Router {
        crate::http::router(self.clone())
    }

    pub(crate) fn config(&self) -> &IdentityConfig {
        &self.inner.config
    }

    pub(crate) fn database(&self) -> &DatabaseConnection {
        &self.inner.database
    }

    pub(crate) fn hashing(&self) -> &PasswordHashing {
        &self.inner.hashing
    }

    /// A transaction that may write; it holds SQLite's one write lock from its start, so what it reads stays true.
    pub(crate) async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..Default::default()
        };
        self.database().begin_with_options(options).await
    }

    /// The absolute URL of `path`, which starts with a slash, under `/v3`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/v3{path}", self.config().public_url)
    }
}

async fn purge_periodically(inner: Weak<Inner>) {
    loop {
        let Some(inner) = inner.upgrade() else { return };
        match token::purge(&inner.database).await {
            Ok(0) => {}
            Ok(count) => tracing::debug!(count, "removed expired tokens"),
            Err(error) => tracing::warn!(%error, "cannot remove expired tokens; trying again later"),
        }
        drop(inner);
        tokio::time::sleep(PURGE_INTERVAL).await;
    }
}
