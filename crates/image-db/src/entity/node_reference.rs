// SPDX-License-Identifier: Apache-2.0
//! Nodes that have a cache, by the address others reach them at.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "node_reference")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub node_reference_id: i64,
    pub node_reference_url: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
