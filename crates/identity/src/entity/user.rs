// SPDX-License-Identifier: Apache-2.0
//! Users and what of their passwords is kept.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "user")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub domain_id: String,
    pub name: String,
    pub enabled: bool,
    /// PHC string of argon2id; without one nobody can log in with a password.
    pub password_hash: Option<String>,
    /// Grows with each change that must end the user's tokens.
    pub token_epoch: i64,
    pub default_project_id: Option<String>,
    pub options: Json,
    pub extra: Json,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
