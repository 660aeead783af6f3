// SPDX-License-Identifier: Apache-2.0
//! Connections for what is read most: a statement is one way to the database's thread and back.
//!
//! sqlx's pool goes there a second time, with a ping, whenever it takes a connection back.

use std::sync::{Arc, Mutex, PoisonError};

use sea_orm::sea_query::SelectStatement;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sea_orm::sqlx::{self, AssertSqlSafe, Connection as _};
use sea_orm::{DbErr, RuntimeErr};
use sea_query_sqlx::SqlxValues;
use tokio::sync::Semaphore;

use crate::dialect::adapted;

/// Connections that only read, opened when first needed.
#[derive(Debug)]
pub(crate) struct Readers {
    options: Arc<SqliteConnectOptions>,
    turns: Semaphore,
    /// The last one back goes first: its pages are in the processor's cache.
    idle: Mutex<Vec<SqliteConnection>>,
}

impl Readers {
    /// Two a processor, four at least: a slow list must not keep the short ones waiting.
    pub(crate) fn new(options: Arc<SqliteConnectOptions>) -> Self {
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        Self { options, turns: Semaphore::new((2 * processors).max(4)), idle: Mutex::default() }
    }

    /// The text in the only column of the first row.
    pub(crate) async fn text(&self, select: &SelectStatement) -> Result<Option<String>, DbErr> {
        let statement = adapted(sea_orm::DatabaseBackend::Sqlite.build(select));
        let values = SqlxValues(statement.values.unwrap_or_else(|| sea_orm::sea_query::Values(Vec::new())));
        let _turn = self.turns.acquire().await.map_err(|_closed| closed())?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => SqliteConnection::connect_with(&self.options).await.map_err(query_error)?,
        };
        let query = sqlx::query_scalar_with(AssertSqlSafe(statement.sql), values);
        // Whoever is dropped here, or fails, drops the connection too: only one that is at rest goes back.
        let found: Option<Option<String>> =
            query.fetch_optional(&mut connection).await.map_err(query_error)?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        Ok(found.flatten())
    }

    /// Closes them; nothing can be read any more.
    pub(crate) async fn close(&self) {
        self.turns.close();
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for connection in idle {
            if let Err(error) = connection.close().await {
                tracing::warn!(%error, "a connection to the database did not close well");
            }
        }
    }
}

fn query_error(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}

fn closed() -> DbErr {
    query_error(sqlx::Error::PoolClosed)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use sea_orm::sea_query::{Expr, Query};

    use super::*;

    fn select(expression: &'static str) -> SelectStatement {
        let mut select = Query::select();
        select.expr(Expr::cust(expression));
        select
    }

    fn readers(dir: &tempfile::TempDir) -> Readers {
        let options = SqliteConnectOptions::new().filename(dir.path().join("db")).create_if_missing(true);
        Readers::new(Arc::new(options))
    }

    #[tokio::test]
    async fn sqlite_is_built_to_plan_once_and_to_share_no_lock() {
        let dir = tempfile::tempdir().unwrap();
        let built = select("(SELECT group_concat(compile_options) FROM pragma_compile_options)");
        let built = readers(&dir).text(&built).await.unwrap().unwrap();
        assert!(built.contains("ENABLE_QPSG"), "{built}");
        assert!(!built.contains("ENABLE_STAT4") && !built.contains("ENABLE_MEMORY_MANAGEMENT"), "{built}");
    }

    #[tokio::test]
    async fn whoever_is_dropped_blocks_nobody_and_closed_is_closed() {
        let dir = tempfile::tempdir().unwrap();
        let readers = readers(&dir);
        let one = select("'one'");
        for _ in 0..3 * readers.turns.available_permits() {
            let _dropped = readers.text(&one).now_or_never();
        }
        assert_eq!(readers.text(&one).await.unwrap().as_deref(), Some("one"));
        assert_eq!(readers.text(&select("NULL")).await.unwrap(), None);
        readers.text(&select("nonsense(")).await.unwrap_err();
        assert_eq!(readers.text(&one).await.unwrap().as_deref(), Some("one"));
        readers.close().await;
        readers.text(&one).await.unwrap_err();
    }
}
