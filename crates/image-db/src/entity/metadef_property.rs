// SPDX-License-Identifier: Apache-2.0
//! Rows of properties in namespaces.

use sea_orm::entity::prelude::*;

use crate::stamp::Stamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "metadef_properties")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub namespace_id: i32,
    pub name: String,
    pub json_schema: String,
    pub created_at: Stamp,
    pub updated_at: Option<Stamp>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
