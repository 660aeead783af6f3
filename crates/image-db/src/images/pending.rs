// SPDX-License-Identifier: Apache-2.0
//! Images whose deletion waits for the scrubber, in the rows Glance's own scrubber looks for.

use chrono::{DateTime, Utc};
use scurry_image::ImageLocation;
use scurry_image::ports::Outcome;
use scurry_types::{ImageId, ImageStatus};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::read::live;
use super::read::{as_location, content};
use super::{RowError, delete};
use crate::entity::{image, location};
use crate::stamp::Stamp;

/// The state of an image, and of its locations, that the scrubber is to take.
const PENDING: &str = ImageStatus::PendingDelete.as_str();

/// Marks an image and all that belongs to it as deleted; its objects stay known.
pub(super) async fn delete<C: ConnectionTrait>(db: &C, id: &ImageId) -> Result<(), RowError> {
    location::Entity::update_many()
        .col_expr(location::Column::Status, Expr::value(PENDING))
        .filter(location::Column::ImageId.eq(id.as_str()))
        .filter(live(location::Column::Deleted))
        .exec(db)
        .await?;
    delete::mark(db, id, ImageStatus::PendingDelete).await
}

/// Takes that back, with the objects that are still known.
pub(super) async fn restore<C: ConnectionTrait>(
    db: &C,
    id: &ImageId,
    status: ImageStatus,
) -> Result<(), RowError> {
    location::Entity::update_many()
        .col_expr(location::Column::Status, Expr::value("active"))
        .col_expr(location::Column::DeletedAt, Expr::value(None::<Stamp>))
        .col_expr(location::Column::Deleted, Expr::value(false))
        .filter(location::Column::ImageId.eq(id.as_str()))
        .filter(location::Column::Status.eq(PENDING))
        .exec(db)
        .await?;
    delete::undelete(db, id, status, &[]).await
}

/// Sets the state of an object of such an image: handed over to be removed, or waiting again.
pub(super) async fn move_location<C: ConnectionTrait>(
    db: &C,
    id: &ImageId,
    url: &str,
    waits: bool,
) -> Result<Outcome, RowError> {
    let (from, to) = if waits { ("deleted", PENDING) } else { (PENDING, "deleted") };
    let moved = location::Entity::update_many()
        .col_expr(location::Column::Status, Expr::value(to))
        .filter(location::Column::ImageId.eq(id.as_str()))
        .filter(location::Column::Value.eq(url))
        .filter(location::Column::Status.eq(from))
        .exec(db)
        .await?;
    Ok(if moved.rows_affected > 0 { Outcome::Done } else { Outcome::Refused })
}

/// Images deleted up to a point in time that wait for the scrubber, the oldest first.
pub(super) async fn ids<C: ConnectionTrait>(db: &C, until: DateTime<Utc>) -> Result<Vec<ImageId>, RowError> {
    let ids: Vec<String> = image::Entity::find()
        .select_only()
        .column(image::Column::Id)
        .filter(image::Column::Deleted.eq(true))
        .filter(image::Column::Status.eq(PENDING))
        .filter(image::Column::DeletedAt.lte(Stamp::from(until)))
        .order_by_asc(image::Column::DeletedAt)
        .into_tuple()
        .all(db)
        .await?;
    ids.into_iter().map(|id| id.parse().map_err(|_| content("images", "id", &id))).collect()
}

/// Objects of such an image that are still there.
pub(super) async fn locations<C: ConnectionTrait>(
    db: &C,
    id: &ImageId,
) -> Result<Vec<ImageLocation>, RowError> {
    let rows = location::Entity::find()
        .filter(location::Column::ImageId.eq(id.as_str()))
        .filter(location::Column::Status.eq(PENDING))
        .order_by_asc(location::Column::Id)
        .all(db)
        .await?;
    Ok(rows.into_iter().map(as_location).collect())
}

/// Whether an object belongs to another image, one that waits for the scrubber included.
pub(super) async fn is_anothers<C: ConnectionTrait>(
    db: &C,
    url: &str,
    own: &ImageId,
) -> Result<bool, RowError> {
    let live = live(location::Column::Deleted).or(location::Column::Status.eq(PENDING));
    let row = location::Entity::find()
        .filter(location::Column::Value.eq(url))
        .filter(location::Column::ImageId.ne(own.as_str()))
        .filter(live)
        .one(db)
        .await?;
    Ok(row.is_some())
}
