// SPDX-License-Identifier: Apache-2.0
//! Locations that name no store, and the stores they were found in.

use async_trait::async_trait;
use scurry_image::ports::{Placed, PlacingRecords, RepositoryError, Unplaced};
use scurry_types::StoreId;
use sea_orm::sea_query::{Expr, ExprTrait, LikeExpr};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::read::{as_location, content, live};
use super::{RowError, failed};
use crate::connection::Database;
use crate::entity::location;
use crate::retry::again;

/// Locations read and written at a time.
const PAGE: u64 = 500;

#[async_trait]
impl PlacingRecords for Database {
    async fn unplaced_locations(
        &self,
        stores: &[StoreId],
        after: i32,
    ) -> Result<Vec<Unplaced>, RepositoryError> {
        again!(unplaced(&self.connection, stores, after)).map_err(failed("list locations without a store"))
    }

    async fn place_locations(&self, placed: &[Placed]) -> Result<(), RepositoryError> {
        again!(place(self, placed)).map_err(failed("write the stores of locations"))
    }
}

async fn unplaced<C: ConnectionTrait>(
    db: &C,
    stores: &[StoreId],
    after: i32,
) -> Result<Vec<Unplaced>, RowError> {
    // Glance writes a blank behind the colon, we do not.
    let mut names_none = Condition::all();
    for store in stores {
        for blank in ["", " "] {
            let literal = store.as_str().replace('!', "!!").replace('%', "!%").replace('_', "!_");
            let text = LikeExpr::new(format!("%\"store\":{blank}\"{literal}\"%")).escape('!');
            names_none = names_none.add(Expr::col(location::Column::MetaData).not_like(text));
        }
    }
    let rows = location::Entity::find()
        .filter(location::Column::Id.gt(after))
        .filter(live(location::Column::Deleted).or(location::Column::Status.eq("pending_delete")))
        .filter(Condition::any().add(location::Column::MetaData.is_null()).add(names_none))
        .order_by_asc(location::Column::Id)
        .limit(PAGE)
        .all(db)
        .await?;
    let found = |row: location::Model| {
        let image =
            row.image_id.parse().map_err(|_| content("image_locations", "image_id", &row.image_id))?;
        Ok(Unplaced { row: row.id, image, location: as_location(row) })
    };
    rows.into_iter().map(found).collect()
}

async fn place(db: &Database, placed: &[Placed]) -> Result<(), RowError> {
    let writing = db.write().await?;
    for one in placed {
        let metadata = serde_json::Value::Object(one.location.metadata.clone()).to_string();
        location::Entity::update_many()
            .col_expr(location::Column::Value, Expr::value(one.location.url.as_str()))
            .col_expr(location::Column::MetaData, Expr::value(metadata))
            .filter(location::Column::Id.eq(one.was.row))
            .filter(location::Column::Value.eq(one.was.location.url.as_str()))
            .exec(&writing.transaction)
            .await?;
    }
    Ok(writing.commit().await?)
}
