// SPDX-License-Identifier: Apache-2.0
//! The service's state in SQLite: connection, schema, transactions.

use std::path::Path;
use std::time::Duration;

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbErr,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use sea_orm_migration::MigratorTrait;

pub(crate) mod attachments;
pub(crate) mod entity;
pub(crate) mod messages;
pub(crate) mod properties;
pub(crate) mod quotas;
mod schema;
pub(crate) mod snapshots;
pub(crate) mod types;
pub(crate) mod volumes;

/// Handle on the database; clones share the pool of connections.
#[derive(Debug, Clone)]
pub(crate) struct Db {
    pool: DatabaseConnection,
}

impl Db {
    /// Opens (and makes, when missing) the database file and brings its schema up to date.
    pub(crate) async fn open(path: &Path) -> Result<Self, DbErr> {
        // The path is percent-encoded: a `?` or `#` in it must not end the file name.
        let name = percent_encoding::utf8_percent_encode(&path.to_string_lossy(), PATH).to_string();
        let mut options = ConnectOptions::new(format!("sqlite://{name}?mode=rwc"));
        options.max_connections(8).sqlx_logging(false).acquire_timeout(Duration::from_secs(60));
        options.map_sqlx_sqlite_opts(|sqlite| {
            sqlite
                .foreign_keys(true)
                .busy_timeout(Duration::from_secs(30))
                .pragma("journal_mode", "WAL")
                .pragma("synchronous", "FULL")
        });
        let pool = Database::connect(options).await?;
        schema::Migrator::up(&pool, None).await?;
        Ok(Self { pool })
    }

    /// The pool, for single statements.
    pub(crate) fn pool(&self) -> &DatabaseConnection {
        &self.pool
    }

    /// A transaction that holds the write lock from its start: what it reads stays true until it commits.
    pub(crate) async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        self.pool
            .begin_with_options(TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            })
            .await
    }

    /// Answers when the database answers.
    pub(crate) async fn ping(&self) -> Result<(), DbErr> {
        self.pool.execute_unprepared("SELECT 1").await.map(|_| ())
    }
}

const PATH: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS.add(b' ').add(b'?').add(b'#').add(b'%');

/// The present moment as the tables keep it: UTC, microseconds.
pub(crate) fn now() -> chrono::NaiveDateTime {
    let now = chrono::Utc::now().naive_utc();
    chrono::DurationRound::duration_trunc(now, chrono::TimeDelta::microseconds(1)).unwrap_or(now)
}
