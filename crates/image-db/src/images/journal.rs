// SPDX-License-Identifier: Apache-2.0
//! Rows of the journal of writes.

use scurry_image::ports::{Purpose, WriteRow};
use scurry_types::ImageId;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use super::RowError;
use super::read::content;
use crate::connection::Database;
use crate::entity::write;
use crate::stamp::Stamp;

pub(super) async fn add<C: ConnectionTrait>(db: &C, row: &WriteRow) -> Result<(), RowError> {
    let row = write::ActiveModel {
        id: Set(row.id.clone()),
        image_id: Set(row.image.as_str().to_owned()),
        store_id: Set(row.store.as_ref().map(|store| store.as_str().to_owned())),
        url: Set(row.url.clone()),
        node: Set(row.node.clone()),
        purpose: Set(row.purpose.as_str().to_owned()),
        created_at: Set(Stamp::now()),
    };
    write::Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

/// `false` when it was forgotten before: another node cleared up after the writer.
pub(super) async fn clear<C: ConnectionTrait>(db: &C, id: &str) -> Result<bool, RowError> {
    Ok(write::Entity::delete_by_id(id).exec(db).await?.rows_affected > 0)
}

pub(super) async fn add_alone(db: &Database, row: &WriteRow) -> Result<(), RowError> {
    let writing = db.write().await?;
    add(&writing.transaction, row).await?;
    Ok(writing.commit().await?)
}

pub(super) async fn clear_alone(db: &Database, id: &str) -> Result<(), RowError> {
    let writing = db.write().await?;
    clear(&writing.transaction, id).await?;
    Ok(writing.commit().await?)
}

pub(super) async fn set_url(db: &Database, id: &str, url: &str) -> Result<bool, RowError> {
    let writing = db.write().await?;
    let set = write::Entity::update_many()
        .col_expr(write::Column::Url, Expr::value(url))
        .filter(write::Column::Id.eq(id))
        .exec(&writing.transaction)
        .await?;
    writing.commit().await?;
    Ok(set.rows_affected > 0)
}

pub(super) async fn rows<C: ConnectionTrait>(
    db: &C,
    image: Option<&ImageId>,
    node: Option<&str>,
) -> Result<Vec<WriteRow>, RowError> {
    let mut find = write::Entity::find().order_by_asc(write::Column::CreatedAt);
    if let Some(image) = image {
        find = find.filter(write::Column::ImageId.eq(image.as_str()));
    }
    if let Some(node) = node {
        find = find.filter(write::Column::Node.eq(node));
    }
    find.all(db).await?.into_iter().map(as_row).collect()
}

fn as_row(row: write::Model) -> Result<WriteRow, RowError> {
    Ok(WriteRow {
        image: row.image_id.parse().map_err(|_| content("scurry_writes", "image_id", &row.image_id))?,
        purpose: Purpose::from_word(&row.purpose)
            .ok_or_else(|| content("scurry_writes", "purpose", &row.purpose))?,
        id: row.id,
        store: row.store_id.map(Into::into),
        url: row.url,
        node: row.node,
    })
}
