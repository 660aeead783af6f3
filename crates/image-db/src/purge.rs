// SPDX-License-Identifier: Apache-2.0
//! Removing for good what was deleted long ago, as `glance-manage db purge` and `purge_images_table` do.
//!
//! Rows that are still needed to remove data stay, however old: those of images that wait for the scrubber.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement, Value};

use crate::connection::{Database, DatabaseError};
use crate::dialect::by_hand;
use crate::images::RowError;
use crate::retry::again;
use crate::stamp::Stamp;

/// Rows deleted in one transaction: nobody waits long for it.
const BATCH: u64 = 1000;

/// How much is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purge {
    /// What was deleted before this.
    pub before: DateTime<Utc>,
    /// Rows of each table at most.
    pub most: Option<u64>,
}

/// Rows removed of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purged {
    /// The table.
    pub table: &'static str,
    /// How many.
    pub rows: u64,
}

/// A table, its key, and what must hold of a row for it to go; `deleted_at` is checked besides.
type Rule = (&'static str, &'static str, &'static str);

/// Children first. What an unfinished scrubbing needs stays: the locations tell where the data is, the properties
/// what the image was.
const DEPENDENTS: [Rule; 5] = [
    ("image_locations", "id", "t.status <> 'pending_delete'"),
    (
        "image_properties",
        "id",
        "NOT EXISTS (SELECT 1 FROM images i WHERE i.id = t.image_id AND i.status = 'pending_delete')",
    ),
    (
        "image_tags",
        "id",
        "NOT EXISTS (SELECT 1 FROM images i WHERE i.id = t.image_id AND i.status = 'pending_delete')",
    ),
    (
        "image_members",
        "id",
        "NOT EXISTS (SELECT 1 FROM images i WHERE i.id = t.image_id AND i.status = 'pending_delete')",
    ),
    ("tasks", "id", "NOT EXISTS (SELECT 1 FROM task_info x WHERE x.task_id = t.id)"),
];

/// An id that is purged can be chosen anew by whoever knows it (OSSN-0075): images have a command of their own.
const IMAGES: Rule = (
    "images",
    "id",
    "t.status <> 'pending_delete' \
     AND NOT EXISTS (SELECT 1 FROM image_properties c WHERE c.image_id = t.id) \
     AND NOT EXISTS (SELECT 1 FROM image_tags c WHERE c.image_id = t.id) \
     AND NOT EXISTS (SELECT 1 FROM image_members c WHERE c.image_id = t.id) \
     AND NOT EXISTS (SELECT 1 FROM image_locations c WHERE c.image_id = t.id)",
);

/// Rows of everything but images.
pub async fn purge(db: &Database, what: Purge) -> Result<Vec<Purged>, DatabaseError> {
    let texts = "SELECT x.task_id AS id FROM task_info x JOIN tasks t ON t.id = x.task_id \
                 WHERE t.deleted_at < ? ORDER BY t.deleted_at";
    let mut purged = vec![remove(db, "task_info", "task_id", texts, what).await?];
    for rule in DEPENDENTS {
        purged.push(apply(db, rule, what).await?);
    }
    Ok(purged)
}

/// Rows of images that nothing refers to any more; the second number tells how many of that age had to stay.
pub async fn purge_images(db: &Database, what: Purge) -> Result<(Vec<Purged>, u64), DatabaseError> {
    let images = apply(db, IMAGES, what).await?;
    // Whoever chooses the id anew brings other bytes.
    let hashes = "DELETE FROM scurry_block_hashes WHERE NOT EXISTS \
                  (SELECT 1 FROM images i WHERE i.id = scurry_block_hashes.image_id)";
    db.connection.execute_unprepared(hashes).await.map_err(failed)?;
    let left = left(db, what).await.map_err(failed)?;
    Ok((vec![images], left))
}

fn failed(error: impl Into<RowError>) -> DatabaseError {
    let source = match error.into() {
        RowError::Database(source) => source,
        other => DbErr::Custom(other.to_string()),
    };
    DatabaseError::Schema { action: "purge the tables of", source }
}

async fn apply(db: &Database, (table, key, rule): Rule, what: Purge) -> Result<Purged, DatabaseError> {
    let sql =
        format!("SELECT t.{key} FROM {table} t WHERE t.deleted_at < ? AND {rule} ORDER BY t.deleted_at");
    remove(db, table, key, &sql, what).await
}

async fn remove(
    db: &Database,
    table: &'static str,
    key: &'static str,
    chosen: &str,
    what: Purge,
) -> Result<Purged, DatabaseError> {
    let mut rows = 0;
    loop {
        let batch = what.most.map_or(BATCH, |most| BATCH.min(most - rows));
        if batch == 0 {
            break;
        }
        // MySQL wants a table between a deletion and a choice among the same rows.
        let sql =
            format!("DELETE FROM {table} WHERE {key} IN (SELECT * FROM ({chosen} LIMIT {batch}) AS chosen)");
        let gone = again!(run(db, &sql, what.before)).map_err(failed)?;
        rows += gone;
        if gone < batch {
            break;
        }
    }
    Ok(Purged { table, rows })
}

async fn run(db: &Database, sql: &str, before: DateTime<Utc>) -> Result<u64, DbErr> {
    let writing = db.write().await?;
    let done = writing.transaction.execute_raw(aged(db, sql, before)).await?;
    writing.commit().await?;
    Ok(done.rows_affected())
}

fn aged(db: &Database, sql: &str, before: DateTime<Utc>) -> Statement {
    let backend: DbBackend = db.connection.get_database_backend();
    Statement::from_sql_and_values(backend, by_hand(backend, sql), [Value::from(Stamp::from(before))])
}

async fn left(db: &Database, what: Purge) -> Result<u64, DbErr> {
    let sql = "SELECT COUNT(*) AS number FROM images WHERE deleted_at < ?";
    let row = db.connection.query_one_raw(aged(db, sql, what.before)).await?;
    let number: Option<i64> = row.map(|row| row.try_get("", "number")).transpose()?;
    Ok(number.and_then(|number| u64::try_from(number).ok()).unwrap_or(0))
}
