// SPDX-License-Identifier: Apache-2.0
//! Snapshots: look-up, and changes of state by compare-and-set.

use sea_orm::sea_query::{Expr, SimpleExpr};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder};

use super::entity::snapshot;
use super::{now, properties};

pub(crate) use super::entity::snapshot::{Column, Model as Snapshot};

/// A snapshot by id, whoever owns it.
pub(crate) async fn find(db: &impl ConnectionTrait, id: &str) -> Result<Option<Snapshot>, DbErr> {
    snapshot::Entity::find_by_id(id.to_owned()).one(db).await
}

/// Snapshots of a volume, oldest first.
pub(crate) async fn of_volume(db: &impl ConnectionTrait, volume: &str) -> Result<Vec<Snapshot>, DbErr> {
    snapshot::Entity::find().filter(Column::VolumeId.eq(volume)).order_by_asc(Column::CreatedAt).all(db).await
}

/// A project's snapshots, or everyone's.
pub(crate) async fn list(db: &impl ConnectionTrait, project: Option<&str>) -> Result<Vec<Snapshot>, DbErr> {
    let mut query = snapshot::Entity::find();
    if let Some(project) = project {
        query = query.filter(Column::ProjectId.eq(project));
    }
    query.order_by_desc(Column::CreatedAt).order_by_desc(Column::Id).all(db).await
}

/// Inserts a row.
pub(crate) async fn insert(db: &impl ConnectionTrait, row: snapshot::ActiveModel) -> Result<Snapshot, DbErr> {
    row.insert(db).await
}

/// Sets columns of a snapshot that is in one of the states `from` (empty: any).
pub(crate) async fn change(
    db: &impl ConnectionTrait,
    id: &str,
    from: &[&str],
    set: impl IntoIterator<Item = (Column, SimpleExpr)>,
) -> Result<bool, DbErr> {
    let mut update = snapshot::Entity::update_many().filter(Column::Id.eq(id));
    if !from.is_empty() {
        update = update.filter(Column::Status.is_in(from.iter().copied()));
    }
    for (column, value) in set {
        update = update.col_expr(column, value);
    }
    let done = update.col_expr(Column::UpdatedAt, Expr::value(now())).exec(db).await?;
    Ok(done.rows_affected > 0)
}

/// Shorthand of [`change`] for the status alone.
pub(crate) async fn go(db: &impl ConnectionTrait, id: &str, from: &[&str], to: &str) -> Result<bool, DbErr> {
    change(db, id, from, [(Column::Status, Expr::value(to))]).await
}

/// Removes the row with its metadata. Call it inside a transaction.
pub(crate) async fn remove(db: &impl ConnectionTrait, id: &str) -> Result<(), DbErr> {
    properties::forget(db, id).await?;
    snapshot::Entity::delete_by_id(id.to_owned()).exec(db).await.map(|_| ())
}
