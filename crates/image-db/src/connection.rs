// SPDX-License-Identifier: Apache-2.0
//! The connection pool, and transactions that write.

mod server;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::{
    AccessMode, ConnectOptions, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, IsolationLevel,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::address::{Address, Target};
use crate::clock::Clock;
use crate::dialect::Adapted;
use crate::images::list::hints::Hints;
use crate::outbox::Events;
use crate::readers::Readers;
use crate::retry;

pub use self::server::PoolSettings;

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
    /// The server does not let us in, or is not there.
    #[error("cannot connect to the database {address}: {check}")]
    Connect {
        /// Where it should be.
        address: String,
        /// What to look at.
        check: &'static str,
        /// Why not.
        #[source]
        source: Box<sqlx::Error>,
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
    /// The schema is one of a Glance before 2023.1.
    #[error(
        "Glance's tables are at revision {found}, which is before 2023.1: bring them up to date with Glance's own \
         `glance-manage db_sync` first"
    )]
    TooOld {
        /// In the database.
        found: String,
    },
    /// There are no tables of Glance's.
    #[error("there are no tables of Glance's: check [database] connection; scurry db sync makes new ones")]
    NoTables,
    /// Data would be moved before there is a place for it.
    #[error("Glance's tables are at revision {found}: scurry db expand comes first")]
    NotExpanded {
        /// In the database.
        found: String,
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

/// The image service's database: one SQLite file in WAL mode, or a database of a PostgreSQL or MariaDB/MySQL server.
#[derive(Clone)]
pub struct Database {
    pub(crate) connection: Adapted<DatabaseConnection>,
    /// SQLite has one writer; waiting here is fair, waiting in SQLite is not. Servers need none.
    writer: Option<Arc<Mutex<()>>>,
    /// Of SQLite only.
    pub(crate) readers: Option<Arc<Readers>>,
    pub(crate) hints: Arc<Hints>,
    /// Where a message bus listens.
    pub(crate) events: Option<Arc<Events>>,
    pub(crate) clock: Arc<Clock>,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").finish_non_exhaustive()
    }
}

/// A transaction that may write. Dropped without [`Writing::commit`], it is rolled back.
pub(crate) struct Writing {
    pub(crate) transaction: Adapted<DatabaseTransaction>,
    events: Option<Arc<Events>>,
    _turn: Option<OwnedMutexGuard<()>>,
}

impl Writing {
    /// Whether a commit was done is unknown when the connection breaks in it: such an error is never tried again.
    pub(crate) async fn commit(self) -> Result<(), DbErr> {
        self.transaction.0.commit().await.map_err(retry::after_commit)?;
        if let Some(events) = &self.events {
            events.added.notify_one();
        }
        Ok(())
    }

    pub(crate) async fn rollback(self) -> Result<(), DbErr> {
        self.transaction.0.rollback().await
    }
}

impl Database {
    /// Opens (or creates) the file. The schema is made by [`crate::migrate`].
    pub async fn open(path: &Path) -> Result<Self, DatabaseError> {
        Self::connect(&Address::file(path), &PoolSettings::default()).await
    }

    /// Connects to a database. The schema is made by [`crate::migrate`].
    pub async fn connect(address: &Address, pool: &PoolSettings) -> Result<Self, DatabaseError> {
        let connection = match &address.target {
            Target::Sqlite(path) => file(path).await?,
            Target::Postgres(options) => server::postgres(address, options, pool).await?,
            Target::MySql(options) => server::mysql(address, options, pool).await?,
        };
        let is_file = connection.get_database_backend() == DbBackend::Sqlite;
        let readers = is_file
            .then(|| Arc::new(Readers::new(connection.get_sqlite_connection_pool().connect_options())));
        Ok(Self {
            connection: Adapted(connection),
            writer: is_file.then(Arc::default),
            readers,
            hints: Arc::default(),
            events: None,
            clock: Arc::default(),
        })
    }

    /// Begins a transaction that may write; on SQLite it holds the write lock from its first statement on. On servers
    /// each of its statements sees what was committed before it.
    pub(crate) async fn write(&self) -> Result<Writing, DbErr> {
        let turn = match &self.writer {
            Some(writer) => Some(Arc::clone(writer).lock_owned().await),
            None => None,
        };
        let options = TransactionOptions {
            isolation_level: None,
            access_mode: None,
            sqlite_transaction_mode: turn.is_some().then_some(SqliteTransactionMode::Immediate),
        };
        let transaction = self.connection.0.begin_with_options(options).await?;
        Ok(Writing { transaction: Adapted(transaction), events: self.events.clone(), _turn: turn })
    }

    /// Begins a transaction that reads everything as it is at its beginning.
    pub(crate) async fn snapshot(&self) -> Result<Adapted<DatabaseTransaction>, DbErr> {
        let connection = &self.connection.0;
        let begun = if self.writer.is_some() {
            connection.begin().await
        } else {
            let (level, mode) = (IsolationLevel::RepeatableRead, AccessMode::ReadOnly);
            connection.begin_with_config(Some(level), Some(mode)).await
        };
        begun.map(Adapted)
    }

    /// Closes the pool; SQLite's write-ahead log is folded into the file.
    pub async fn close(self) -> Result<(), DatabaseError> {
        if let Some(readers) = &self.readers {
            readers.close().await;
        }
        self.connection.0.close().await.map_err(|source| DatabaseError::Schema { action: "close", source })
    }
}

async fn file(path: &Path) -> Result<DatabaseConnection, DatabaseError> {
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
    sea_orm::Database::connect(options).await.map_err(|source| DatabaseError::Open { path: shown, source })
}
