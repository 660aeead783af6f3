// SPDX-License-Identifier: Apache-2.0
//! Rows of members.

use sea_orm::entity::prelude::*;

use crate::stamp::Stamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "image_members")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub image_id: String,
    pub member: String,
    pub can_share: bool,
    pub status: String,
    pub created_at: Stamp,
    pub updated_at: Option<Stamp>,
    pub deleted_at: Option<Stamp>,
    pub deleted: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
