// SPDX-License-Identifier: Apache-2.0
//! Pools of connections to database servers.

use std::time::Duration;

use sea_orm::{DatabaseConnection, SqlxMySqlConnector, SqlxPostgresConnector};
use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
use sqlx::pool::PoolOptions;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Executor};

use super::DatabaseError;
use crate::address::Address;

/// How long one attempt to reach a server may take.
const CONNECT: Duration = Duration::from_secs(10);
/// A connection that was idle for less is taken as it is; a break shows with the first statement, which is repeated.
const TRUSTED: Duration = Duration::from_millis(500);

/// oslo.db's options of the pool. SQLite's is fixed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolSettings {
    /// `max_pool_size` and `max_overflow` together: connections at most.
    pub connections: u32,
    /// `pool_timeout`: how long to wait for a connection.
    pub timeout: Duration,
    /// `connection_recycle_time`: the age at which a connection is replaced.
    pub recycle: Option<Duration>,
    /// `max_retries`: attempts after the first to reach the server at the start; none: without end.
    pub retries: Option<u32>,
    /// `retry_interval`: time between them.
    pub retry_interval: Duration,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            connections: 55,
            timeout: Duration::from_secs(30),
            recycle: Some(Duration::from_secs(3600)),
            retries: Some(10),
            retry_interval: Duration::from_secs(10),
        }
    }
}

impl PoolSettings {
    fn options<D: sqlx::Database>(&self) -> PoolOptions<D> {
        PoolOptions::new()
            .max_connections(self.connections.max(1))
            .acquire_timeout(self.timeout)
            .max_lifetime(self.recycle)
            .test_before_acquire(false)
            .before_acquire(|connection: &mut D::Connection, idle| {
                Box::pin(async move { Ok(idle.idle_for < TRUSTED || connection.ping().await.is_ok()) })
            })
    }
}

/// Waits until the server can be reached, as long as the settings say. What it refuses is an error at once.
async fn reached<O: ConnectOptions>(
    address: &Address,
    options: &O,
    pool: &PoolSettings,
) -> Result<(), DatabaseError>
where
    O::Connection: Sized,
{
    let mut attempt = 0_u32;
    loop {
        let error = match tokio::time::timeout(CONNECT, options.connect()).await {
            Ok(Ok(connection)) => {
                let _ = connection.close().await;
                return Ok(());
            }
            Ok(Err(error)) => error,
            Err(_) => sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()),
        };
        let check = advice(&error);
        let passing = matches!(&error, sqlx::Error::Io(_));
        if !passing || pool.retries.is_some_and(|most| attempt >= most) {
            let source = Box::new(error);
            return Err(DatabaseError::Connect { address: address.to_string(), check, source });
        }
        attempt += 1;
        tracing::warn!(database = %address, %error, attempt, "cannot reach the database; trying again: {check}");
        tokio::time::sleep(pool.retry_interval).await;
    }
}

fn advice(error: &sqlx::Error) -> &'static str {
    match error {
        sqlx::Error::Io(_) => {
            "check that the server runs, that host and port in [database] connection are right, and that no firewall is between"
        }
        sqlx::Error::Tls(_) => "check the certificates that [database] connection names",
        sqlx::Error::Database(_) => {
            "check user, password and name of the database in [database] connection, and that the database was created"
        }
        _ => "check [database] connection",
    }
}

fn cannot(address: &Address) -> impl FnOnce(sqlx::Error) -> DatabaseError {
    let address = address.to_string();
    move |error| DatabaseError::Connect { address, check: advice(&error), source: Box::new(error) }
}

pub(super) async fn postgres(
    address: &Address,
    options: &PgConnectOptions,
    pool: &PoolSettings,
) -> Result<DatabaseConnection, DatabaseError> {
    reached(address, options, pool).await?;
    let settings: PgPoolOptions = pool.options();
    let settings = settings.after_connect(|connection, _| {
        Box::pin(async move {
            let level = "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED";
            connection.execute(level).await.map(drop)
        })
    });
    let pool = settings.connect_with(options.clone()).await.map_err(cannot(address))?;
    Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
}

pub(super) async fn mysql(
    address: &Address,
    options: &MySqlConnectOptions,
    pool: &PoolSettings,
) -> Result<DatabaseConnection, DatabaseError> {
    reached(address, options, pool).await?;
    let settings: MySqlPoolOptions = pool.options();
    let settings = settings.after_connect(|connection, _| {
        Box::pin(async move {
            // oslo.db's mode; no text is cut silently, and a fraction of a second is dropped as MariaDB does it.
            let mode = "SET SESSION sql_mode = IF(VERSION() LIKE '%MariaDB%', 'TRADITIONAL', \
                        'TRADITIONAL,TIME_TRUNCATE_FRACTIONAL'), group_concat_max_len = 1073741824";
            connection.execute(mode).await?;
            connection.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED").await.map(drop)
        })
    });
    let pool = settings.connect_with(options.clone()).await.map_err(cannot(address))?;
    Ok(SqlxMySqlConnector::from_sqlx_mysql_pool(pool))
}
