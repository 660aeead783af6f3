// SPDX-License-Identifier: Apache-2.0
//! Volumes: look-up, and changes of state by compare-and-set.

use sea_orm::sea_query::{Expr, SimpleExpr};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, QueryFilter, QueryOrder,
    Statement,
};

use super::entity::volume;
use super::{now, properties};

pub(crate) use super::entity::volume::{Column, Model as Volume};

/// A volume by id, whoever owns it.
pub(crate) async fn find(db: &impl ConnectionTrait, id: &str) -> Result<Option<Volume>, DbErr> {
    volume::Entity::find_by_id(id.to_owned()).one(db).await
}

/// Inserts a row.
pub(crate) async fn insert(db: &impl ConnectionTrait, row: volume::ActiveModel) -> Result<Volume, DbErr> {
    row.insert(db).await
}

/// Sets columns of a volume that is in one of the states `from`; false when it was not, and nothing changed.
/// An empty `from` accepts any state.
pub(crate) async fn change(
    db: &impl ConnectionTrait,
    id: &str,
    from: &[&str],
    set: impl IntoIterator<Item = (Column, SimpleExpr)>,
) -> Result<bool, DbErr> {
    let mut update = volume::Entity::update_many().filter(Column::Id.eq(id));
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

/// Returns a volume in one of the states `from` to the state it had before.
pub(crate) async fn go_back(db: &impl ConnectionTrait, id: &str, from: &str) -> Result<bool, DbErr> {
    let previous = Expr::cust("COALESCE(previous_status, 'available')");
    change(
        db,
        id,
        &[from],
        [
            (Column::Status, previous),
            (Column::PreviousStatus, Expr::value(None::<String>)),
            (Column::TargetSize, Expr::value(None::<i64>)),
        ],
    )
    .await
}

/// `available` or `deleting`→gone: removes the row with all that hangs on it. Call it inside a transaction.
pub(crate) async fn remove(db: &impl ConnectionTrait, id: &str) -> Result<(), DbErr> {
    properties::forget(db, id).await?;
    volume::Entity::delete_by_id(id.to_owned()).exec(db).await.map(|_| ())
}

/// Volumes in any of the states, oldest first.
pub(crate) async fn in_states(db: &impl ConnectionTrait, states: &[&str]) -> Result<Vec<Volume>, DbErr> {
    volume::Entity::find()
        .filter(Column::Status.is_in(states.iter().copied()))
        .order_by_asc(Column::CreatedAt)
        .all(db)
        .await
}

/// Every volume.
pub(crate) async fn all(db: &impl ConnectionTrait) -> Result<Vec<Volume>, DbErr> {
    volume::Entity::find().all(db).await
}

/// Volumes by id; ids that name none are left out.
pub(crate) async fn by_ids(db: &impl ConnectionTrait, ids: &[String]) -> Result<Vec<Volume>, DbErr> {
    volume::Entity::find()
        .filter(Column::Id.is_in(ids.iter().cloned()))
        .order_by_desc(Column::CreatedAt)
        .all(db)
        .await
}

/// Volumes and their provisioned GiB on one host (`host@backend#pool`), second copies included.
pub(crate) async fn provisioned(db: &impl ConnectionTrait, host: &str) -> Result<(i64, i64), DbErr> {
    let sql = "SELECT COUNT(*) AS n, COALESCE(SUM(MAX(size, COALESCE(target_size, size))), 0) AS g \
               FROM volumes WHERE host = ?1 OR replica_host = ?1";
    let row = db.query_one_raw(Statement::from_sql_and_values(DbBackend::Sqlite, sql, [host.into()])).await?;
    match row {
        Some(row) => Ok((row.try_get("", "n")?, row.try_get("", "g")?)),
        None => Ok((0, 0)),
    }
}
