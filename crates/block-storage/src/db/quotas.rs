// SPDX-License-Identifier: Apache-2.0
//! Limits and usage of projects. Usage is counted from the rows themselves, so it cannot drift.

use std::collections::BTreeMap;

use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, QueryFilter, Set, Statement};

use super::entity::quota::{ActiveModel, Column, Entity};

/// What a project uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Volumes.
    pub(crate) volumes: i64,
    /// GiB of volumes and snapshots; a volume being resized counts with the larger size.
    pub(crate) gigabytes: i64,
    /// Snapshots.
    pub(crate) snapshots: i64,
}

/// A project's usage, of one volume type when given.
pub(crate) async fn usage(
    db: &impl ConnectionTrait,
    project: &str,
    volume_type: Option<&str>,
) -> Result<Usage, DbErr> {
    let volumes = counted(
        db,
        "SELECT COUNT(*) AS n, COALESCE(SUM(MAX(size, COALESCE(target_size, size))), 0) AS g FROM volumes \
         WHERE consumes_quota AND project_id = ?1 AND (?2 IS NULL OR volume_type_id = ?2)",
        project,
        volume_type,
    )
    .await?;
    let snapshots = counted(
        db,
        "SELECT COUNT(*) AS n, COALESCE(SUM(size), 0) AS g FROM snapshots \
         WHERE consumes_quota AND project_id = ?1 AND (?2 IS NULL OR volume_type_id = ?2)",
        project,
        volume_type,
    )
    .await?;
    Ok(Usage { volumes: volumes.0, gigabytes: volumes.1 + snapshots.1, snapshots: snapshots.0 })
}

async fn counted(
    db: &impl ConnectionTrait,
    sql: &str,
    project: &str,
    volume_type: Option<&str>,
) -> Result<(i64, i64), DbErr> {
    let values = [project.into(), volume_type.map(str::to_owned).into()];
    let row = db.query_one_raw(Statement::from_sql_and_values(DbBackend::Sqlite, sql, values)).await?;
    match row {
        Some(row) => Ok((row.try_get("", "n")?, row.try_get("", "g")?)),
        None => Ok((0, 0)),
    }
}

/// The limits an administrator set for a project.
pub(crate) async fn limits(db: &impl ConnectionTrait, project: &str) -> Result<BTreeMap<String, i64>, DbErr> {
    let rows = Entity::find().filter(Column::ProjectId.eq(project)).all(db).await?;
    Ok(rows.into_iter().map(|row| (row.resource, row.hard_limit)).collect())
}

/// Sets a limit of a project; -1 is unlimited.
pub(crate) async fn set_limit(
    db: &impl ConnectionTrait,
    project: &str,
    resource: &str,
    limit: i64,
) -> Result<(), DbErr> {
    let row = ActiveModel {
        project_id: Set(project.to_owned()),
        resource: Set(resource.to_owned()),
        hard_limit: Set(limit),
    };
    Entity::insert(row)
        .on_conflict(
            OnConflict::columns([Column::ProjectId, Column::Resource])
                .update_column(Column::HardLimit)
                .to_owned(),
        )
        .exec_without_returning(db)
        .await
        .map(|_| ())
}

/// Returns a project to the default limits.
pub(crate) async fn clear(db: &impl ConnectionTrait, project: &str) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::ProjectId.eq(project)).exec(db).await.map(|_| ())
}
