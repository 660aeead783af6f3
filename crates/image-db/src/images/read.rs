// SPDX-License-Identifier: Apache-2.0
//! Rows made into images; children of a whole page are read with one query a table.

use std::collections::HashMap;

use scurry_image::{Image, ImageLocation};
use scurry_types::{BlockHashes, ImageId, ImageStatus};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use super::RowError;
use super::list::checked;
use crate::entity::{block_hash, image, location, property, tag};

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

pub(super) async fn image<C: ConnectionTrait>(db: &C, id: &ImageId) -> Result<Option<Image>, RowError> {
    let row = image::Entity::find_by_id(id.as_str()).filter(live(image::Column::Deleted)).one(db).await?;
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
    // Glance writes a JSON object; anything else tells nothing.
    let metadata = row.meta_data.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    ImageLocation { url: row.value, metadata, status: row.status }
}

fn properties_of(ids: &[&str]) -> Select<property::Entity> {
    let of_these = property::Column::ImageId.is_in(ids.iter().copied());
    property::Entity::find().filter(live(property::Column::Deleted)).filter(of_these)
}

fn tags_of(ids: &[&str]) -> Select<tag::Entity> {
    let of_these = tag::Column::ImageId.is_in(ids.iter().copied());
    tag::Entity::find().filter(live(tag::Column::Deleted)).filter(of_these)
}

fn locations_of(ids: &[&str]) -> Select<location::Entity> {
    let of_these = location::Column::ImageId.is_in(ids.iter().copied());
    let live = location::Entity::find().filter(live(location::Column::Deleted)).filter(of_these);
    live.order_by_asc(location::Column::Id)
}

/// The images of these rows, in their order.
pub(super) async fn with_children<C: ConnectionTrait>(
    db: &C,
    rows: Vec<image::Model>,
) -> Result<Vec<Image>, RowError> {
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let properties = properties_of(&ids).all(db).await?;
    let tags = tags_of(&ids).all(db).await?;
    let locations = locations_of(&ids).all(db).await?;
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

#[cfg(test)]
mod tests {
    use sea_orm::{QueryTrait, Statement};

    use super::*;
    use crate::{Database, migrate};

    #[tokio::test]
    async fn children_are_found_by_their_image() {
        let dir = tempfile::tempdir().unwrap();
        let db = Database::open(&dir.path().join("glance.sqlite")).await.unwrap();
        migrate(&db).await.unwrap();
        let backend = db.connection.get_database_backend();
        for ids in [&["a"][..], &["a"; 25], &["a"; 1000]] {
            let queries: [Statement; 3] = [
                properties_of(ids).build(backend),
                tags_of(ids).build(backend),
                locations_of(ids).build(backend),
            ];
            for query in queries {
                let explain = Statement { sql: format!("EXPLAIN QUERY PLAN {}", query.sql), ..query };
                let rows = db.connection.query_all_raw(explain).await.unwrap();
                let plan: Vec<String> = rows.iter().map(|row| row.try_get("", "detail").unwrap()).collect();
                assert!(plan[0].starts_with("SEARCH") && plan[0].contains("image_id=?"), "{plan:?}");
            }
        }
    }
}
