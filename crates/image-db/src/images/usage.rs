// SPDX-License-Identifier: Apache-2.0
//! What a project holds, summed up by the database.

use scurry_image::ports::Counted;
use scurry_types::{ImageId, ProjectId};
use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};

use super::RowError;
use crate::dialect::by_hand;

// A plus keeps the planner from reading whole tables by `deleted`, which nearly all rows share.
const STORED_BYTES: &str = "SELECT CAST(COALESCE(SUM(COALESCE(i.size, 0)), 0) AS INTEGER) AS total
    FROM images i JOIN image_locations l ON l.image_id = i.id
    WHERE i.owner = ? AND +i.deleted = FALSE AND i.status NOT IN ('killed', 'deleted', 'pending_delete')
      AND +l.deleted = FALSE AND l.status NOT IN ('deleted', 'pending_delete')";

const STAGED_BYTES: &str =
    "SELECT CAST(COALESCE(SUM(COALESCE(i.size, 0)), 0) AS INTEGER) AS total FROM images i
    WHERE i.owner = ? AND +i.deleted = FALSE AND (i.status IN ('uploading', 'importing') OR EXISTS (
        SELECT 1 FROM image_properties p WHERE p.image_id = i.id AND p.deleted = FALSE
          AND p.name = 'os_glance_importing_to_stores' AND p.value <> ''))";

const IMAGES: &str = "SELECT COUNT(*) AS total FROM images i
    WHERE i.owner = ? AND +i.deleted = FALSE AND i.status NOT IN ('killed', 'deleted', 'pending_delete')";

const UPLOADING: &str = "SELECT COUNT(*) AS total FROM images i
    WHERE i.owner = ? AND +i.deleted = FALSE AND (i.status IN ('saving', 'uploading', 'importing') OR EXISTS (
        SELECT 1 FROM image_properties p WHERE p.image_id = i.id AND p.deleted = FALSE
          AND p.name = 'os_glance_importing_to_stores' AND p.value <> ''))";

/// All of them, for the tests of their plans.
#[cfg(test)]
pub(super) const ALL: [&str; 4] = [STORED_BYTES, STAGED_BYTES, IMAGES, UPLOADING];

pub(super) async fn of<C: ConnectionTrait>(
    db: &C,
    project: &ProjectId,
    what: Counted,
) -> Result<u64, RowError> {
    let sql = match what {
        Counted::StoredBytes => STORED_BYTES,
        Counted::StagedBytes => STAGED_BYTES,
        Counted::Images => IMAGES,
        Counted::Uploading => UPLOADING,
    };
    total(db, sql, [project.as_str().into()]).await
}

/// Bytes of all copies of a project's images but one.
pub(super) async fn stored_beside<C: ConnectionTrait>(
    db: &C,
    project: &ProjectId,
    image: &ImageId,
) -> Result<u64, RowError> {
    let sql = format!("{STORED_BYTES} AND i.id <> ?");
    total(db, &sql, [project.as_str().into(), image.as_str().into()]).await
}

async fn total<C: ConnectionTrait>(
    db: &C,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<u64, RowError> {
    let row = db.query_one_raw(statement(db.get_database_backend(), sql, values)).await?;
    let total: i64 = row.map(|row| row.try_get("", "total")).transpose()?.unwrap_or(0);
    Ok(u64::try_from(total).unwrap_or(0))
}

/// A sum as this database takes it.
pub(super) fn statement(backend: DbBackend, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    // Sums are of another type than what is summed up.
    let integer = match backend {
        DbBackend::MySql => "AS SIGNED",
        DbBackend::Postgres => "AS BIGINT",
        _ => "AS INTEGER",
    };
    let mut sql = by_hand(backend, sql).replace("AS INTEGER", integer);
    if backend == DbBackend::MySql {
        // To MariaDB a unary plus is nothing.
        sql = sql.replace(" +", " 0 + ");
    }
    Statement::from_sql_and_values(backend, sql, values)
}
