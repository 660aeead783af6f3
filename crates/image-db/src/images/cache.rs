// SPDX-License-Identifier: Apache-2.0
//! The image cache's books, in the tables Glance's `centralized_db` driver keeps them in.

use async_trait::async_trait;
use scurry_image::ports::{CacheRecords, CachedImage, Hits, RepositoryError};
use scurry_types::ImageId;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder};

use super::read::content;
use super::{RowError, failed};
use crate::connection::Database;
use crate::entity::{cached_image, node_reference};
use crate::retry::again;
use crate::stamp::Stamp;

#[async_trait]
impl CacheRecords for Database {
    async fn cached_images(&self, node: &str) -> Result<Vec<CachedImage>, RepositoryError> {
        again!(all(&self.connection, node)).map_err(failed("list cached images"))
    }

    async fn cached_image(
        &self,
        node: &str,
        image: &ImageId,
    ) -> Result<Option<CachedImage>, RepositoryError> {
        again!(one(&self.connection, node, image)).map_err(failed("read a cached image"))
    }

    async fn add_cached(&self, node: &str, image: &ImageId, size: u64) -> Result<(), RepositoryError> {
        again!(add(self, node, image, size)).map_err(failed("note a cached image"))
    }

    async fn count_hits(&self, node: &str, hits: &[Hits]) -> Result<(), RepositoryError> {
        again!(count(self, node, hits)).map_err(failed("count hits of the cache"))
    }

    async fn remove_cached(&self, node: &str, image: &ImageId) -> Result<(), RepositoryError> {
        again!(remove(self, Some(node), Some(image))).map_err(failed("forget a cached image"))
    }

    async fn remove_cached_everywhere(&self, image: &ImageId) -> Result<(), RepositoryError> {
        again!(remove(self, None, Some(image))).map_err(failed("forget a cached image"))
    }

    async fn clear_cached(&self, node: &str) -> Result<(), RepositoryError> {
        again!(remove(self, Some(node), None)).map_err(failed("forget all cached images"))
    }

    async fn nodes_with(&self, image: &ImageId) -> Result<Vec<String>, RepositoryError> {
        again!(nodes(&self.connection, image)).map_err(failed("list nodes that cached an image"))
    }
}

/// The number behind a node's address.
async fn reference<C: ConnectionTrait>(db: &C, node: &str) -> Result<Option<i64>, RowError> {
    let row = node_reference::Entity::find()
        .filter(node_reference::Column::NodeReferenceUrl.eq(node))
        .one(db)
        .await?;
    Ok(row.map(|row| row.node_reference_id))
}

fn as_cached(row: cached_image::Model) -> Result<CachedImage, RowError> {
    let number = |column, value: i64| {
        u64::try_from(value).map_err(|_| content("cached_images", column, &value.to_string()))
    };
    Ok(CachedImage {
        id: row.id,
        size: number("size", row.size)?,
        hits: number("hits", row.hits.into())?,
        image: row.image_id.parse().map_err(|_| content("cached_images", "image_id", &row.image_id))?,
        last_accessed: row.last_accessed.0,
        last_modified: row.last_modified.0,
        checksum: row.checksum,
    })
}

async fn all<C: ConnectionTrait>(db: &C, node: &str) -> Result<Vec<CachedImage>, RowError> {
    let Some(node) = reference(db, node).await? else { return Ok(Vec::new()) };
    let rows = cached_image::Entity::find()
        .filter(cached_image::Column::NodeReferenceId.eq(node))
        .order_by_asc(cached_image::Column::Id)
        .all(db)
        .await?;
    rows.into_iter().map(as_cached).collect()
}

async fn one<C: ConnectionTrait>(
    db: &C,
    node: &str,
    image: &ImageId,
) -> Result<Option<CachedImage>, RowError> {
    let Some(node) = reference(db, node).await? else { return Ok(None) };
    let row = cached_image::Entity::find()
        .filter(cached_image::Column::NodeReferenceId.eq(node))
        .filter(cached_image::Column::ImageId.eq(image.as_str()))
        .one(db)
        .await?;
    row.map(as_cached).transpose()
}

async fn add(db: &Database, node: &str, image: &ImageId, size: u64) -> Result<(), RowError> {
    let writing = db.write().await?;
    let transaction = &writing.transaction;
    let node = match reference(transaction, node).await? {
        Some(known) => known,
        None => {
            let row = node_reference::ActiveModel {
                node_reference_id: NotSet,
                node_reference_url: Set(node.to_owned()),
            };
            node_reference::Entity::insert(row)
                .on_conflict_do_nothing()
                .exec_without_returning(transaction)
                .await?;
            let made = reference(transaction, node).await?;
            made.ok_or_else(|| DbErr::RecordNotFound("a node".to_owned()))?
        }
    };
    let now = Stamp::now();
    let row = cached_image::ActiveModel {
        id: NotSet,
        image_id: Set(image.as_str().to_owned()),
        last_accessed: Set(now),
        last_modified: Set(now),
        size: Set(i64::try_from(size).unwrap_or(i64::MAX)),
        hits: Set(0),
        checksum: Set(None),
        node_reference_id: Set(node),
    };
    let again = OnConflict::columns([cached_image::Column::ImageId, cached_image::Column::NodeReferenceId])
        .update_columns([
            cached_image::Column::LastAccessed,
            cached_image::Column::LastModified,
            cached_image::Column::Size,
            cached_image::Column::Hits,
            cached_image::Column::Checksum,
        ])
        .to_owned();
    cached_image::Entity::insert(row).on_conflict(again).exec_without_returning(transaction).await?;
    Ok(writing.commit().await?)
}

async fn count(db: &Database, node: &str, hits: &[Hits]) -> Result<(), RowError> {
    let writing = db.write().await?;
    let transaction = &writing.transaction;
    if let Some(node) = reference(transaction, node).await? {
        for hit in hits {
            let more = i64::try_from(hit.count).unwrap_or(i64::MAX);
            cached_image::Entity::update_many()
                .col_expr(cached_image::Column::Hits, Expr::col(cached_image::Column::Hits).add(more))
                .col_expr(cached_image::Column::LastAccessed, Expr::value(Stamp::from(hit.last)))
                .filter(cached_image::Column::NodeReferenceId.eq(node))
                .filter(cached_image::Column::ImageId.eq(hit.image.as_str()))
                .exec(transaction)
                .await?;
        }
    }
    Ok(writing.commit().await?)
}

async fn remove(db: &Database, node: Option<&str>, image: Option<&ImageId>) -> Result<(), RowError> {
    let writing = db.write().await?;
    let transaction = &writing.transaction;
    let mut gone = cached_image::Entity::delete_many();
    if let Some(node) = node {
        // An unknown node keeps nothing.
        let node = reference(transaction, node).await?.unwrap_or(-1);
        gone = gone.filter(cached_image::Column::NodeReferenceId.eq(node));
    }
    if let Some(image) = image {
        gone = gone.filter(cached_image::Column::ImageId.eq(image.as_str()));
    }
    gone.exec(transaction).await?;
    Ok(writing.commit().await?)
}

async fn nodes<C: ConnectionTrait>(db: &C, image: &ImageId) -> Result<Vec<String>, RowError> {
    let rows = cached_image::Entity::find()
        .filter(cached_image::Column::ImageId.eq(image.as_str()))
        .order_by_asc(cached_image::Column::Id)
        .all(db)
        .await?;
    let ids = rows.into_iter().map(|row| row.node_reference_id);
    let nodes = node_reference::Entity::find()
        .filter(node_reference::Column::NodeReferenceId.is_in(ids))
        .order_by_asc(node_reference::Column::NodeReferenceId)
        .all(db)
        .await?;
    Ok(nodes.into_iter().map(|node| node.node_reference_url).collect())
}
