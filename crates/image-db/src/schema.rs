// SPDX-License-Identifier: Apache-2.0
//! Making the schema, and saying which one a file has.

mod own;
mod revision;

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

use crate::connection::{Database, DatabaseError};
use crate::dialect::by_hand;
use crate::stamp::Stamp;

pub use revision::Revision;
use revision::{ADDED, EARLIER, EXPANDED, NEWEST};

/// Version of our own tables.
const OWN_VERSION: i64 = 1;

/// What schema a database has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// No tables yet.
    Empty,
    /// Glance's tables at that revision, without ours.
    Glance {
        /// Alembic revisions.
        revision: String,
    },
    /// Everything is there.
    Current {
        /// Alembic revisions of Glance's tables.
        revision: String,
        /// Version of our own tables.
        version: i64,
    },
}

/// What is still to be done for the newest schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pending {
    /// Nothing.
    Nothing,
    /// Tables are missing: [`expand`].
    Expand,
    /// Only the last note is missing: [`contract`].
    Contract,
}

/// Adds what is missing of our own tables, and all tables to an empty database. Glance's stay as they are.
pub async fn migrate(db: &Database) -> Result<(), DatabaseError> {
    to(db, None).await
}

/// Brings Glance's tables up to date as well, as `glance-manage db sync` does.
pub async fn sync(db: &Database) -> Result<(), DatabaseError> {
    to(db, Some(Revision::Newest)).await
}

/// Adds what is missing, and lets services of the version before run on: `glance-manage db expand`.
pub async fn expand(db: &Database) -> Result<(), DatabaseError> {
    to(db, Some(Revision::Expanded)).await
}

/// Ends what [`expand`] began: `glance-manage db contract`.
pub async fn contract(db: &Database) -> Result<(), DatabaseError> {
    if let (Some(Revision::Earlier), found) = revision_of(db).await? {
        return Err(DatabaseError::NotExpanded { found: found.join(", ") });
    }
    sync(db).await
}

/// Adds our own tables to a Glance's.
pub async fn adopt(db: &Database) -> Result<(), DatabaseError> {
    match revision_of(db).await? {
        (None, _) => Err(DatabaseError::NoTables),
        (Some(_), _) => migrate(db).await,
    }
}

/// What is still to be done.
pub async fn pending(db: &Database) -> Result<Pending, DatabaseError> {
    let own = matches!(status(db).await?, Status::Current { version, .. } if version >= OWN_VERSION);
    Ok(match revision_of(db).await?.0 {
        Some(Revision::Newest) if own => Pending::Nothing,
        Some(Revision::Expanded) if own => Pending::Contract,
        _ => Pending::Expand,
    })
}

/// Alembic's heads, as `glance-manage db version` prints them.
pub async fn heads(db: &Database) -> Result<Vec<String>, DatabaseError> {
    let read = async {
        let connection = &db.connection;
        let there = names(connection).await?;
        read_heads(connection, &there).await
    };
    read.await.map_err(|source| DatabaseError::Schema { action: "read", source })
}

/// Where Glance's tables stand, if there are any.
pub async fn revision(db: &Database) -> Result<Option<Revision>, DatabaseError> {
    Ok(revision_of(db).await?.0)
}

/// Where Glance's tables stand, and the heads that say it.
async fn revision_of(db: &Database) -> Result<(Option<Revision>, Vec<String>), DatabaseError> {
    if status(db).await? == Status::Empty {
        return Ok((None, Vec::new()));
    }
    let heads = heads(db).await?;
    if heads.is_empty() && db.connection.get_database_backend() == DbBackend::MySql {
        // Each table is committed alone: somebody is making them, or was interrupted.
        return Ok((None, heads));
    }
    Ok((Some(Revision::of(&heads)?), heads))
}

async fn to(db: &Database, target: Option<Revision>) -> Result<(), DatabaseError> {
    let found = revision_of(db).await?.0;
    if let Status::Current { version, .. } = status(db).await?
        && version > OWN_VERSION
    {
        return Err(DatabaseError::TooNew { found: version.to_string(), known: OWN_VERSION.to_string() });
    }
    let steps = Steps {
        all: found.is_none(),
        expand: found == Some(Revision::Earlier) && target.is_some(),
        contract: found.is_some_and(|found| found != Revision::Newest) && target == Some(Revision::Newest),
    };
    make(db, steps).await.map_err(|source| DatabaseError::Schema { action: "migrate", source })
}

/// What is done to Glance's tables.
#[derive(Debug, Clone, Copy)]
struct Steps {
    /// Make them all.
    all: bool,
    /// Make those of 2024.1.
    expand: bool,
    /// Note the newest revision.
    contract: bool,
}

async fn make(db: &Database, steps: Steps) -> Result<(), DbErr> {
    let writing = db.write().await?;
    let transaction = &writing.transaction;
    // MySQL commits with each table it makes: its lock is the connection's, and let go of in any case.
    lock(transaction).await?;
    let made = make_all(transaction, steps).await;
    let unlocked = unlock(transaction).await;
    made.and(unlocked)?;
    writing.commit().await
}

/// Of two processes that start at once, one makes the schema; the other finds it. SQLite has one writer.
async fn lock<C: ConnectionTrait>(db: &C) -> Result<(), DbErr> {
    match db.get_database_backend() {
        DbBackend::Postgres => {
            db.execute_unprepared("SELECT pg_advisory_xact_lock(7163774921)").await?;
        }
        DbBackend::MySql => {
            let sql = "SELECT GET_LOCK(CONCAT('scurry ', DATABASE()), 120) AS locked";
            let row = db.query_one_raw(Statement::from_string(DbBackend::MySql, sql)).await?;
            let locked: Option<i64> = row.map(|row| row.try_get("", "locked")).transpose()?.flatten();
            if locked != Some(1) {
                return Err(DbErr::Custom(
                    "another process has been changing the schema for two minutes".into(),
                ));
            }
        }
        _ => {}
    }
    Ok(())
}

async fn unlock<C: ConnectionTrait>(db: &C) -> Result<(), DbErr> {
    if db.get_database_backend() == DbBackend::MySql {
        db.execute_unprepared("DO RELEASE_LOCK(CONCAT('scurry ', DATABASE()))").await?;
    }
    Ok(())
}

async fn make_all<C: ConnectionTrait>(transaction: &C, steps: Steps) -> Result<(), DbErr> {
    let backend = transaction.get_database_backend();
    let there = names(transaction).await?;
    for (name, sql) in own::named_statements(own::glance(backend)) {
        if !there.contains(&name) && (steps.all || steps.expand && ADDED.contains(&name.as_str())) {
            transaction.execute_unprepared(&sql).await?;
        }
    }
    // Another process may have been here first: what it noted is not noted again.
    let heads = read_heads(transaction, &names(transaction).await?).await?;
    if steps.all && heads.is_empty() || steps.contract && !heads.iter().any(|head| head == NEWEST) {
        transaction.execute_unprepared("DELETE FROM alembic_version").await?;
        note(transaction, NEWEST).await?;
    } else if steps.expand && heads == [EARLIER] {
        note(transaction, EXPANDED).await?;
    }
    for (_, sql) in own::own(backend).into_iter().filter(|(name, _)| !there.contains(name)) {
        transaction.execute_unprepared(&sql).await?;
    }
    let sql = format!("SELECT version FROM scurry_schema WHERE version = {OWN_VERSION}");
    if transaction.query_one_raw(Statement::from_string(backend, sql)).await?.is_none() {
        let sql = by_hand(backend, "INSERT INTO scurry_schema (version, applied_at) VALUES (?, ?)");
        let values = [OWN_VERSION.into(), Stamp::now().into()];
        transaction.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
    }
    Ok(())
}

async fn note<C: ConnectionTrait>(db: &C, head: &str) -> Result<(), DbErr> {
    let backend = db.get_database_backend();
    let sql = by_hand(backend, "INSERT INTO alembic_version (version_num) VALUES (?)");
    db.execute_raw(Statement::from_sql_and_values(backend, sql, [head.into()])).await?;
    Ok(())
}

async fn read_heads<C: ConnectionTrait>(db: &C, there: &HashSet<String>) -> Result<Vec<String>, DbErr> {
    if !there.contains("alembic_version") {
        return Ok(Vec::new());
    }
    let sql = "SELECT version_num FROM alembic_version ORDER BY version_num";
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    rows.iter().map(|row| row.try_get("", "version_num")).collect()
}

/// Names of all tables, indexes and types there are.
async fn names<C: ConnectionTrait>(db: &C) -> Result<HashSet<String>, DbErr> {
    let backend = db.get_database_backend();
    let sql = match backend {
        DbBackend::Postgres => {
            "SELECT CAST(tablename AS text) AS name FROM pg_tables WHERE schemaname = current_schema()
             UNION SELECT CAST(indexname AS text) FROM pg_indexes WHERE schemaname = current_schema()
             UNION SELECT CAST(typname AS text) FROM pg_type WHERE typtype = 'e'
               AND typnamespace = CAST(current_schema() AS regnamespace)"
        }
        DbBackend::MySql => {
            "SELECT CONVERT(table_name USING utf8mb4) AS name FROM information_schema.tables
               WHERE table_schema = DATABASE()
             UNION SELECT CONVERT(index_name USING utf8mb4) FROM information_schema.statistics
               WHERE table_schema = DATABASE()
             UNION SELECT CONVERT(CONCAT(table_name, '.', column_name) USING utf8mb4)
               FROM information_schema.columns
               WHERE table_schema = DATABASE() AND column_name LIKE 'scurry%'"
        }
        _ => "SELECT name FROM sqlite_master",
    };
    let rows = db.query_all_raw(Statement::from_string(backend, sql)).await?;
    rows.iter().map(|row| row.try_get("", "name")).collect()
}

/// Says which schema a database has.
pub async fn status(db: &Database) -> Result<Status, DatabaseError> {
    read_status(db).await.map_err(|source| DatabaseError::Schema { action: "read", source })
}

async fn read_status(db: &Database) -> Result<Status, DbErr> {
    let connection = &db.connection;
    let there = names(connection).await?;
    // Before alembic there was another book of versions.
    if !there.contains("alembic_version") && !there.contains("migrate_version") {
        return Ok(Status::Empty);
    }
    let heads = read_heads(connection, &there).await?;
    let revision = if heads.is_empty() { "none".to_owned() } else { heads.join(", ") };
    if !there.contains("scurry_schema") {
        return Ok(Status::Glance { revision });
    }
    let backend = connection.get_database_backend();
    let sql = "SELECT max(version) AS version FROM scurry_schema";
    let row = connection.query_one_raw(Statement::from_string(backend, sql)).await?;
    let version = row.map(|row| row.try_get::<Option<i64>>("", "version")).transpose()?.flatten();
    Ok(Status::Current { revision, version: version.unwrap_or(0) })
}
