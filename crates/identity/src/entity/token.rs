// SPDX-License-Identifier: Apache-2.0
//! Tokens, each kept as the digest of its text only.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "token")]
pub struct Model {
    /// SHA-256 of the token's text, hexadecimal.
    #[sea_orm(primary_key, auto_increment = false)]
    pub digest: String,
    pub user_id: String,
    /// The user's `token_epoch` when the user proved who they are.
    pub user_epoch: i64,
    pub audit_id: String,
    /// Audit id of the token this one was made from.
    pub parent_audit_id: Option<String>,
    pub methods: Json,
    /// True for a token of the whole system; else the ids below say the scope.
    pub is_system: bool,
    pub project_id: Option<String>,
    pub domain_id: Option<String>,
    pub application_credential_id: Option<String>,
    /// Microseconds since 1970.
    pub issued_at: i64,
    /// Microseconds since 1970.
    pub expires_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
