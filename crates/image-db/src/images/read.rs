// SPDX-License-Identifier: Apache-2.0
//! Images, and what is known of them, one by one.

use scurry_image::{Image, ImageLocation};
use scurry_types::{BlockHashes, ImageId, ImageStatus};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

use super::RowError;
use super::list::checked;
use super::whole::{self, Found};
use crate::connection::Database;
use crate::entity::{block_hash, image, location, property};

/// The property by which a task holds an image; Glance's own lock.
pub(super) const HOLD: &str = "os_glance_import_task";

/// That a row is not deleted. Nearly every row is the same there: without statistics SQLite takes the index on
/// `deleted` for the best one, and reads the whole table.
pub(super) fn live<C: ColumnTrait>(deleted: C) -> Expr {
    checked(deleted).eq(false)
}

pub(super) fn content(table: &'static str, column: &'static str, value: &str) -> RowError {
    RowError::Content { table, column, value: value.to_owned() }
}

pub(super) async fn image(db: &Database, id: &ImageId) -> Result<Option<Image>, RowError> {
    let row = image::Entity::find_by_id(id.as_str()).filter(live(image::Column::Deleted));
    let ids = row.select_only().column(image::Column::Id).into_query();
    Ok(whole::read_alone(db, &Found { ids, order: Vec::new() }).await?.pop())
}

/// The same inside a transaction.
pub(crate) async fn image_within<C: ConnectionTrait>(
    db: &C,
    id: &ImageId,
) -> Result<Option<Image>, RowError> {
    let row = image::Entity::find_by_id(id.as_str()).filter(live(image::Column::Deleted));
    let ids = row.select_only().column(image::Column::Id).into_query();
    Ok(whole::read(db, &Found { ids, order: Vec::new() }).await?.pop())
}

pub(super) async fn status<C: ConnectionTrait>(
    db: &C,
    id: &ImageId,
) -> Result<Option<ImageStatus>, RowError> {
    let row = image::Entity::find_by_id(id.as_str()).one(db).await?;
    row.map(|row| row.status.parse().map_err(|_| content("images", "status", &row.status))).transpose()
}

pub(super) async fn ids_in<C: ConnectionTrait>(
    db: &C,
    states: &[ImageStatus],
) -> Result<Vec<ImageId>, RowError> {
    let ids: Vec<String> = image::Entity::find()
        .select_only()
        .column(image::Column::Id)
        .filter(live(image::Column::Deleted))
        .filter(image::Column::Status.is_in(states.iter().map(|status| status.as_str())))
        .order_by_asc(image::Column::CreatedAt)
        .into_tuple()
        .all(db)
        .await?;
    ids.into_iter().map(|id| id.parse().map_err(|_| content("images", "id", &id))).collect()
}

pub(super) async fn ids_held<C: ConnectionTrait>(db: &C) -> Result<Vec<ImageId>, RowError> {
    let ids: Vec<String> = property::Entity::find()
        .select_only()
        .column(property::Column::ImageId)
        .filter(property::Column::Name.eq(HOLD))
        .filter(live(property::Column::Deleted))
        .into_tuple()
        .all(db)
        .await?;
    ids.into_iter().map(|id| id.parse().map_err(|_| content("image_properties", "image_id", &id))).collect()
}

pub(super) async fn block_hashes<C: ConnectionTrait>(
    db: &C,
    id: &ImageId,
) -> Result<Option<BlockHashes>, RowError> {
    let row = block_hash::Entity::find_by_id(id.as_str()).one(db).await?;
    Ok(row.and_then(|row| BlockHashes::from_bytes(u64::try_from(row.image_len).ok()?, &row.hashes)))
}

pub(super) fn as_location(row: location::Model) -> ImageLocation {
    whole::location(row.value, row.meta_data.as_deref(), row.status)
}
