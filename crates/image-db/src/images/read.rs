// SPDX-License-Identifier: Apache-2.0
//! Rows made into images; children of a whole page are read with one query a table.

use std::collections::HashMap;

use scurry_image::{Image, ImageLocation};
use scurry_types::{BlockHashes, ImageId, ImageStatus};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::RowError;
use crate::entity::{block_hash, image, location, property, tag};

pub(super) fn content(table: &'static str, column: &'static str, value: &str) -> RowError {
    RowError::Content { table, column, value: value.to_owned() }
}

pub(super) async fn image<C: ConnectionTrait>(db: &C, id: &ImageId) -> Result<Option<Image>, RowError> {
    let row = image::Entity::find_by_id(id.as_str()).filter(image::Column::Deleted.eq(false)).one(db).await?;
    Ok(match row {
        Some(row) => with_children(db, vec![row]).await?.pop(),
        None => None,
    })
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
        .filter(image::Column::Deleted.eq(false))
        .filter(image::Column::Status.is_in(states.iter().map(|status| status.as_str())))
        .order_by_asc(image::Column::CreatedAt)
        .into_tuple()
        .all(db)
        .await?;
    ids.into_iter().map(|id| id.parse().map_err(|_| content("images", "id", &id))).collect()
}

pub(super) async fn block_hashes<C: ConnectionTrait>(
    db: &C,
    id: &ImageId,
) -> Result<Option<BlockHashes>, RowError> {
    let row = block_hash::Entity::find_by_id(id.as_str()).one(db).await?;
    Ok(row.and_then(|row| BlockHashes::from_bytes(u64::try_from(row.image_len).ok()?, &row.hashes)))
}

pub(super) fn as_location(row: location::Model) -> ImageLocation {
    // Glance writes a JSON object; anything else tells nothing.
    let metadata = row.meta_data.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    ImageLocation { url: row.value, metadata, status: row.status }
}

/// The images of these rows, in their order.
pub(super) async fn with_children<C: ConnectionTrait>(
    db: &C,
    rows: Vec<image::Model>,
) -> Result<Vec<Image>, RowError> {
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let properties = property::Entity::find()
        .filter(property::Column::Deleted.eq(false))
        .filter(property::Column::ImageId.is_in(ids.iter().copied()))
        .all(db)
        .await?;
    let tags = tag::Entity::find()
        .filter(tag::Column::Deleted.eq(false))
        .filter(tag::Column::ImageId.is_in(ids.iter().copied()))
        .all(db)
        .await?;
    let locations = location::Entity::find()
        .filter(location::Column::Deleted.eq(false))
        .filter(location::Column::ImageId.is_in(ids.iter().copied()))
        .order_by_asc(location::Column::Id)
        .all(db)
        .await?;
    let mut images = rows.into_iter().map(bare).collect::<Result<Vec<_>, _>>()?;
    let index: HashMap<String, usize> =
        images.iter().enumerate().map(|(at, image)| (image.id.as_str().to_owned(), at)).collect();
    let place = |id: &str| index.get(id).copied();
    for row in properties {
        if let Some(image) = place(&row.image_id).and_then(|at| images.get_mut(at)) {
            image.properties.insert(row.name, row.value.unwrap_or_default());
        }
    }
    for row in tags {
        if let Some(image) = place(&row.image_id).and_then(|at| images.get_mut(at)) {
            image.tags.insert(row.value);
        }
    }
    for row in locations {
        if let Some(image) = place(&row.image_id).and_then(|at| images.get_mut(at)) {
            image.locations.push(as_location(row));
        }
    }
    Ok(images)
}

fn bare(row: image::Model) -> Result<Image, RowError> {
    Ok(Image {
        id: row.id.parse().map_err(|_| content("images", "id", &row.id))?,
        status: row.status.parse().map_err(|_| content("images", "status", &row.status))?,
        visibility: row.visibility.parse().map_err(|_| content("images", "visibility", &row.visibility))?,
        name: row.name,
        protected: row.protected,
        os_hidden: row.os_hidden,
        owner: row.owner.map(Into::into),
        container_format: row.container_format,
        disk_format: row.disk_format,
        min_disk: row.min_disk,
        min_ram: row.min_ram,
        size: row.size.and_then(|size| u64::try_from(size).ok()),
        virtual_size: row.virtual_size.and_then(|size| u64::try_from(size).ok()),
        checksum: row.checksum,
        os_hash_algo: row.os_hash_algo,
        os_hash_value: row.os_hash_value,
        created_at: row.created_at.0,
        updated_at: row.updated_at.unwrap_or(row.created_at).0,
        properties: Default::default(),
        tags: Default::default(),
        locations: Vec::new(),
    })
}
