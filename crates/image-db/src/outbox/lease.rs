// SPDX-License-Identifier: Apache-2.0
//! Who publishes: the row of `scurry_publisher`.

use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};

use crate::connection::Database;
use crate::entity::publisher;
use crate::images::RowError;
use crate::stamp::Stamp;

const BUS: &str = "bus";

/// Takes or renews the right to publish; `false` while another has it.
pub(super) async fn take(db: &Database, owner: &str, until: DateTime<Utc>) -> Result<bool, RowError> {
    let now = Stamp::now();
    let writing = db.write().await?;
    if publisher::Entity::find_by_id(BUS).one(&writing.transaction).await?.is_none() {
        let row = publisher::ActiveModel {
            name: Set(BUS.to_owned()),
            owner: Set(owner.to_owned()),
            lease_expires_at: Set(now),
        };
        let keep =
            OnConflict::column(publisher::Column::Name).update_column(publisher::Column::Name).to_owned();
        publisher::Entity::insert(row).on_conflict(keep).exec_without_returning(&writing.transaction).await?;
    }
    let free = Condition::any()
        .add(publisher::Column::Owner.eq(owner))
        .add(publisher::Column::LeaseExpiresAt.lte(now));
    let taken = publisher::Entity::update_many()
        .col_expr(publisher::Column::Owner, Expr::value(owner))
        .col_expr(publisher::Column::LeaseExpiresAt, Expr::value(Stamp::from(until)))
        .filter(publisher::Column::Name.eq(BUS))
        .filter(free)
        .exec(&writing.transaction)
        .await?;
    writing.commit().await?;
    Ok(taken.rows_affected == 1)
}

/// Lets another publish at once.
pub(super) async fn give_back(db: &Database, owner: &str) -> Result<(), RowError> {
    let writing = db.write().await?;
    publisher::Entity::update_many()
        .col_expr(publisher::Column::LeaseExpiresAt, Expr::value(Stamp::now()))
        .filter(publisher::Column::Name.eq(BUS))
        .filter(publisher::Column::Owner.eq(owner))
        .exec(&writing.transaction)
        .await?;
    Ok(writing.commit().await?)
}
