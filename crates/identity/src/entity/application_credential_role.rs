// SPDX-License-Identifier: Apache-2.0
//! The roles an application credential hands on.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "application_credential_role")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub application_credential_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub role_id: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
