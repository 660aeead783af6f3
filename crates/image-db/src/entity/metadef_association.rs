// SPDX-License-Identifier: Apache-2.0
//! Rows of resource types' associations with namespaces.

use sea_orm::entity::prelude::*;

use crate::stamp::Stamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "metadef_namespace_resource_types")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub resource_type_id: i32,
    #[sea_orm(primary_key, auto_increment = false)]
    pub namespace_id: i32,
    pub properties_target: Option<String>,
    pub prefix: Option<String>,
    pub created_at: Stamp,
    pub updated_at: Option<Stamp>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
