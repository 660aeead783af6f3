// SPDX-License-Identifier: Apache-2.0
//! Making the schema, and saying which one a file has.

use sea_orm::{ConnectionTrait, DbErr, Statement};

use crate::connection::{Database, DatabaseError};
use crate::stamp::Stamp;

/// Glance's newest schema revision.
const GLANCE_REVISION: &str = "2024_1_contract01";
/// Version of our own tables.
const OWN_VERSION: i64 = 1;

/// What schema a database has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// No tables yet.
    Empty,
    /// Glance's tables at that revision, without ours.
    Glance {
        /// Alembic revision.
        revision: String,
    },
    /// Everything is there.
    Current {
        /// Alembic revision of Glance's tables.
        revision: String,
        /// Version of our own tables.
        version: i64,
    },
}

/// Brings the schema up to date; does nothing when it is.
pub async fn migrate(db: &Database) -> Result<(), DatabaseError> {
    let before = status(db).await?;
    match &before {
        Status::Empty => {}
        Status::Glance { revision } | Status::Current { revision, .. } if revision != GLANCE_REVISION => {
            return Err(DatabaseError::TooNew { found: revision.clone(), known: GLANCE_REVISION.to_owned() });
        }
        Status::Current { version, .. } if *version > OWN_VERSION => {
            return Err(DatabaseError::TooNew { found: version.to_string(), known: OWN_VERSION.to_string() });
        }
        Status::Glance { .. } | Status::Current { .. } => {}
    }
    make(db, before == Status::Empty)
        .await
        .map_err(|source| DatabaseError::Schema { action: "migrate", source })
}

async fn make(db: &Database, fresh: bool) -> Result<(), DbErr> {
    let writing = db.write().await?;
    let transaction = &writing.transaction;
    if fresh {
        transaction.execute_unprepared(include_str!("schema/glance.sql")).await?;
        let sql = "INSERT OR IGNORE INTO alembic_version (version_num) VALUES (?)";
        let row =
            Statement::from_sql_and_values(transaction.get_database_backend(), sql, [GLANCE_REVISION.into()]);
        transaction.execute_raw(row).await?;
    }
    transaction.execute_unprepared(include_str!("schema/scurry.sql")).await?;
    transaction.execute_unprepared(include_str!("schema/indexes.sql")).await?;
    let sql = "INSERT OR IGNORE INTO scurry_schema (version, applied_at) VALUES (?, ?)";
    let values = [OWN_VERSION.into(), Stamp::now().into()];
    let row = Statement::from_sql_and_values(transaction.get_database_backend(), sql, values);
    transaction.execute_raw(row).await?;
    writing.commit().await
}

/// Says which schema a database has.
pub async fn status(db: &Database) -> Result<Status, DatabaseError> {
    read_status(db).await.map_err(|source| DatabaseError::Schema { action: "read", source })
}

async fn read_status(db: &Database) -> Result<Status, DbErr> {
    let connection = &db.connection;
    let query = |sql: &'static str| Statement::from_string(connection.get_database_backend(), sql);
    let has = async |table: &str| -> Result<bool, DbErr> {
        let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name = ?";
        let row = Statement::from_sql_and_values(connection.get_database_backend(), sql, [table.into()]);
        Ok(connection.query_one_raw(row).await?.is_some())
    };
    if !has("alembic_version").await? {
        return Ok(Status::Empty);
    }
    let rows = connection.query_all_raw(query("SELECT version_num FROM alembic_version")).await?;
    let revisions =
        rows.iter().map(|row| row.try_get::<String>("", "version_num")).collect::<Result<Vec<_>, _>>()?;
    // Alembic keeps a row for each branch; the contract branch is the one that counts.
    let revision = revisions
        .iter()
        .find(|revision| *revision == GLANCE_REVISION)
        .or_else(|| revisions.first())
        .cloned()
        .unwrap_or_else(|| "none".to_owned());
    if !has("scurry_schema").await? {
        return Ok(Status::Glance { revision });
    }
    let row = connection.query_one_raw(query("SELECT max(version) AS version FROM scurry_schema")).await?;
    let version = row.map(|row| row.try_get::<Option<i64>>("", "version")).transpose()?.flatten();
    Ok(Status::Current { revision, version: version.unwrap_or(0) })
}
