// SPDX-License-Identifier: Apache-2.0
//! The connection pool, and transactions that write.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::{
    ConnectOptions, DatabaseConnection, DatabaseTransaction, DbErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::images::list::hints::Hints;
use crate::readers::Readers;

/// The database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The file cannot be opened.
    #[error("cannot open database {path}: check that its directory exists and is writable")]
    Open {
        /// Where it should be.
        path: String,
        /// Why not.
        #[source]
        source: DbErr,
    },
    /// The schema cannot be read or made.
    #[error("cannot {action} the database schema")]
    Schema {
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        #[source]
        source: DbErr,
    },
    /// The schema is one this version does not know.
    #[error("the database is at revision {found}, this version knows {known}: upgrade the image service")]
    TooNew {
        /// In the file.
        found: String,
        /// Here.
        known: String,
    },
}

/// The image service's database: one SQLite file in WAL mode.
#[derive(Clone)]
pub struct Database {
    pub(crate) connection: DatabaseConnection,
    /// SQLite has one writer; waiting here is fair, waiting in SQLite is not.
    writer: Arc<Mutex<()>>,
    pub(crate) readers: Arc<Readers>,
    pub(crate) hints: Arc<Hints>,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").finish_non_exhaustive()
    }
}

/// A transaction that may write. Dropped without [`Writing::commit`], it is rolled back.
pub(crate) struct Writing {
    pub(crate) transaction: DatabaseTransaction,
    _turn: OwnedMutexGuard<()>,
}

impl Writing {
    pub(crate) async fn commit(self) -> Result<(), DbErr> {
        self.transaction.commit().await
    }

    pub(crate) async fn rollback(self) -> Result<(), DbErr> {
        self.transaction.rollback().await
    }
}

impl Database {
    /// Opens (or creates) the file. The schema is made by [`crate::migrate`].
    pub async fn open(path: &Path) -> Result<Self, DatabaseError> {
        let shown = path.display().to_string();
        // The path goes past the url: any character may be in it.
        let file = path.to_owned();
        let mut options = ConnectOptions::new("sqlite::memory:");
        options
            .max_connections(8)
            .connect_timeout(Duration::from_secs(10))
            .acquire_timeout(Duration::from_secs(60))
            // A file does not go away like a server does; asking costs as much as a small query.
            .test_before_acquire(false)
            .sqlx_logging(false)
            .map_sqlx_sqlite_opts(move |sqlite| {
                sqlite
                    .filename(&file)
                    .in_memory(false)
                    .shared_cache(false)
                    .create_if_missing(true)
                    .foreign_keys(true)
                    .busy_timeout(Duration::from_secs(30))
                    .pragma("journal_mode", "WAL")
                    // An acknowledged upload must survive a power cut.
                    .pragma("synchronous", "FULL")
            });
        let connection = sea_orm::Database::connect(options)
            .await
            .map_err(|source| DatabaseError::Open { path: shown, source })?;
        let readers = Readers::new(connection.get_sqlite_connection_pool().connect_options());
        Ok(Self { connection, writer: Arc::default(), readers: Arc::new(readers), hints: Arc::default() })
    }

    /// Begins a transaction that holds the write lock from its first statement on.
    pub(crate) async fn write(&self) -> Result<Writing, DbErr> {
        let turn = Arc::clone(&self.writer).lock_owned().await;
        let transaction = self
            .connection
            .begin_with_options(TransactionOptions {
                isolation_level: None,
                access_mode: None,
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            })
            .await?;
        Ok(Writing { transaction, _turn: turn })
    }

    /// Closes the pool; the write-ahead log is folded into the file.
    pub async fn close(self) -> Result<(), DatabaseError> {
        self.readers.close().await;
        self.connection.close().await.map_err(|source| DatabaseError::Schema { action: "close", source })
    }
}
