// SPDX-License-Identifier: Apache-2.0
//! Deleting an image and taking that back, by the stamp all its rows carry.

use chrono::{SubsecRound, TimeDelta, Utc};
use scurry_image::ImageLocation;
use scurry_types::{ImageId, ImageStatus};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder};

use super::change::set;
use super::read::live;
use super::{RowError, children, nodes};
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

macro_rules! latest {
    ($db:expr, $id:expr, $($table:ident),+) => {{
        let mut latest: Option<Stamp> = None;
        $(
            let gone = $table::Entity::find()
                .filter($table::Column::ImageId.eq($id))
                .filter($table::Column::Deleted.eq(true))
                .order_by_desc($table::Column::DeletedAt)
                .one($db)
                .await?;
            latest = latest.max(gone.and_then(|row| row.deleted_at));
        )+
        latest
    }};
}

/// The stamp of a deletion, which no row of the image that was deleted before has: taking the deletion back goes by it.
/// Where columns hold whole seconds it may have to be a later one.
async fn stamp<C: ConnectionTrait>(db: &C, id: &ImageId) -> Result<Stamp, RowError> {
    if db.get_database_backend() != DbBackend::MySql {
        return Ok(Stamp::now());
    }
    let now = Stamp(Utc::now().trunc_subsecs(0));
    let latest = latest!(db, id.as_str(), property, tag, member, location);
    Ok(latest.map_or(now, |latest| now.max(Stamp(latest.0 + TimeDelta::seconds(1)))))
}

/// Marks all rows of an image as deleted.
pub(super) async fn mark<C: ConnectionTrait>(
    db: &C,
    id: &ImageId,
    status: ImageStatus,
) -> Result<(), RowError> {
    let now = stamp(db, id).await?;
    mark!(db, id.as_str(), now, property, tag, member, location);
    let columns = [
        (image::Column::Status, Expr::value(status.as_str())),
        (image::Column::Deleted, Expr::value(true)),
        (image::Column::DeletedAt, Expr::value(now)),
    ];
    nodes::unstage(db, id).await?;
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
