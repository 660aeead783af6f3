// SPDX-License-Identifier: Apache-2.0
//! Images in the caches of nodes.

use sea_orm::entity::prelude::*;

use crate::stamp::Stamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "cached_images")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub image_id: String,
    pub last_accessed: Stamp,
    pub last_modified: Stamp,
    pub size: i64,
    pub hits: i32,
    pub checksum: Option<String>,
    pub node_reference_id: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
