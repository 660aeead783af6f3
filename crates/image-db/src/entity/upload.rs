// SPDX-License-Identifier: Apache-2.0
//! Uploads that can be gone on with.

use sea_orm::entity::prelude::*;

use crate::stamp::Stamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "scurry_uploads")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub image_id: String,
    pub id: String,
    pub write_id: String,
    pub store_id: String,
    pub declared_len: Option<i64>,
    pub durable: i64,
    pub checkpoint: Option<Vec<u8>>,
    pub complete: bool,
    pub holder: Option<String>,
    pub node: Option<String>,
    pub lease_expires_at: Option<Stamp>,
    pub wanted: bool,
    pub touched_at: Stamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
