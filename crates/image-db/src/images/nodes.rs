// SPDX-License-Identifier: Apache-2.0
//! What several nodes on one database must know of each other: who is alive, who holds staged bytes, and who works
//! under a name just now.

use scurry_image::ports::{NodeSeen, Outcome};
use scurry_types::ImageId;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::{RowError, pending};
use crate::connection::Database;
use crate::entity::{lock, node, staged, write};
use crate::stamp::Stamp;

pub(super) async fn heartbeat(db: &Database, name: &str) -> Result<(), RowError> {
    db.clock.look(&db.connection).await?;
    let writing = db.write().await?;
    let row = node::ActiveModel { id: Set(name.to_owned()), heartbeat_at: Set(db.clock.now().into()) };
    let again = OnConflict::column(node::Column::Id).update_column(node::Column::HeartbeatAt).to_owned();
    node::Entity::insert(row).on_conflict(again).exec_without_returning(&writing.transaction).await?;
    Ok(writing.commit().await?)
}

pub(super) async fn all(db: &Database) -> Result<Vec<NodeSeen>, RowError> {
    let now = db.clock.now();
    let rows = node::Entity::find().all(&db.connection).await?;
    let seen = |row: node::Model| NodeSeen {
        silent_for: (now - row.heartbeat_at.0).to_std().unwrap_or_default(),
        name: row.id,
    };
    Ok(rows.into_iter().map(seen).collect())
}

/// Forgets a node that was not heard of since; `false` when it was.
pub(super) async fn forget(db: &Database, name: &str, silent_since: Stamp) -> Result<bool, RowError> {
    let writing = db.write().await?;
    let gone = node::Entity::delete_many()
        .filter(node::Column::Id.eq(name))
        .filter(node::Column::HeartbeatAt.lte(silent_since))
        .exec(&writing.transaction)
        .await?;
    writing.commit().await?;
    Ok(gone.rows_affected > 0)
}

/// Notes whose staging directory holds an image's bytes.
pub(super) async fn stage<C: ConnectionTrait>(db: &C, id: &ImageId, node: &str) -> Result<(), RowError> {
    let row = staged::ActiveModel { image_id: Set(id.as_str().to_owned()), node: Set(node.to_owned()) };
    let again = OnConflict::column(staged::Column::ImageId).update_column(staged::Column::Node).to_owned();
    staged::Entity::insert(row).on_conflict(again).exec_without_returning(db).await?;
    Ok(())
}

pub(super) async fn unstage<C: ConnectionTrait>(db: &C, id: &ImageId) -> Result<(), RowError> {
    staged::Entity::delete_by_id(id.as_str()).exec(db).await?;
    Ok(())
}

pub(super) async fn staged_on<C: ConnectionTrait>(db: &C, id: &ImageId) -> Result<Option<String>, RowError> {
    Ok(staged::Entity::find_by_id(id.as_str()).one(db).await?.map(|row| row.node))
}

/// Waits until nobody else works under the name, and keeps others from it to the end of the transaction. SQLite has one
/// writer. The row does not outlive the transaction: the database itself makes the second one wait.
async fn hold<C: ConnectionTrait>(db: &C, name: &str) -> Result<(), RowError> {
    if db.get_database_backend() == DbBackend::Sqlite {
        return Ok(());
    }
    let row = lock::ActiveModel { name: Set(name.to_owned()) };
    // An update where it is there: the statement waits for whoever made the row, and takes it.
    let again =
        OnConflict::column(lock::Column::Name).value(lock::Column::Name, Expr::value(name)).to_owned();
    lock::Entity::insert(row).on_conflict(again).exec_without_returning(db).await?;
    lock::Entity::delete_by_id(name).exec(db).await?;
    Ok(())
}

/// [`Outcome::Taken`] when an object is another image's data, or is being written for one. Until the transaction ends
/// nobody else can register it.
pub(super) async fn claim_object<C: ConnectionTrait>(
    db: &C,
    id: &ImageId,
    url: &str,
) -> Result<Outcome, RowError> {
    hold(db, &format!("object {}", Uuid::new_v5(&Uuid::NAMESPACE_URL, url.as_bytes()))).await?;
    if pending::is_anothers(db, url, id).await? {
        return Ok(Outcome::Taken);
    }
    let written = write::Entity::find()
        .filter(write::Column::Url.eq(url))
        .filter(write::Column::ImageId.ne(id.as_str()))
        .one(db)
        .await?;
    Ok(if written.is_some() { Outcome::Taken } else { Outcome::Done })
}
