// SPDX-License-Identifier: Apache-2.0
//! `scurry_outbox`: notifications on their way.

use sea_orm::entity::prelude::*;

use crate::stamp::Stamp;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "scurry_outbox")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub message_id: String,
    pub event_type: String,
    pub priority: String,
    pub payload: String,
    pub created_at: Stamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
