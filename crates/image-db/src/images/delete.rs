// SPDX-License-Identifier: Apache-2.0
//! Deleting an image and taking that back, by the stamp all its rows carry.

use scurry_image::ImageLocation;
use scurry_types::{ImageId, ImageStatus};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::change::set;
use super::read::live;
use super::{RowError, children};
use crate::entity::{image, location, member, property, tag};
use crate::stamp::Stamp;

macro_rules! mark {
    ($db:expr, $id:expr, $stamp:expr, $($table:ident),+) => {$(
        $table::Entity::update_many()
            .col_expr($table::Column::DeletedAt, Expr::value($stamp))
            .col_expr($table::Column::Deleted, Expr::value(true))
            .filter($table::Column::ImageId.eq($id))
            .filter(live($table::Column::Deleted))
            .exec($db)
            .await?;
    )+};
}

macro_rules! unmark {
    ($db:expr, $id:expr, $stamp:expr, $($table:ident),+) => {$(
        $table::Entity::update_many()
            .col_expr($table::Column::DeletedAt, Expr::value(None::<Stamp>))
            .col_expr($table::Column::Deleted, Expr::value(false))
            .filter($table::Column::ImageId.eq($id))
            .filter($table::Column::DeletedAt.eq($stamp))
            .exec($db)
            .await?;
    )+};
}

pub(super) async fn delete<C: ConnectionTrait>(db: &C, id: &ImageId) -> Result<(), RowError> {
    location::Entity::update_many()
        .col_expr(location::Column::Status, Expr::value("deleted"))
        .filter(location::Column::ImageId.eq(id.as_str()))
        .filter(live(location::Column::Deleted))
        .exec(db)
        .await?;
    mark(db, id, ImageStatus::Deleted).await
}

/// Marks all rows of an image as deleted.
pub(super) async fn mark<C: ConnectionTrait>(
    db: &C,
    id: &ImageId,
    status: ImageStatus,
) -> Result<(), RowError> {
    let now = Stamp::now();
    mark!(db, id.as_str(), now, property, tag, member, location);
    let columns = [
        (image::Column::Status, Expr::value(status.as_str())),
        (image::Column::Deleted, Expr::value(true)),
        (image::Column::DeletedAt, Expr::value(now)),
    ];
    set(db, id, columns).await
}

pub(super) async fn undelete<C: ConnectionTrait>(
    db: &C,
    id: &ImageId,
    status: ImageStatus,
    locations: &[ImageLocation],
) -> Result<(), RowError> {
    let row = image::Entity::find_by_id(id.as_str()).one(db).await?;
    if let Some(stamp) = row.and_then(|row| row.deleted_at) {
        unmark!(db, id.as_str(), stamp, property, tag, member);
    }
    for one in locations {
        children::add_location(db, id, one).await?;
    }
    let columns = [
        (image::Column::Status, Expr::value(status.as_str())),
        (image::Column::Deleted, Expr::value(false)),
        (image::Column::DeletedAt, Expr::value(None::<Stamp>)),
    ];
    set(db, id, columns).await
}
