// SPDX-License-Identifier: Apache-2.0
//! Rows of jobs.

use sea_orm::entity::prelude::*;

use crate::stamp::Stamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "scurry_jobs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub kind: String,
    pub image_id: Option<String>,
    pub state: String,
    pub payload: String,
    pub checkpoint: String,
    pub lease_owner: Option<String>,
    pub lease_expires_at: Option<Stamp>,
    pub attempts: i64,
    pub last_error: Option<String>,
    pub created_at: Stamp,
    pub updated_at: Stamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
