// SPDX-License-Identifier: Apache-2.0
//! Tokens: how a user proves who they are, what they get for it, and what it is still worth later.

mod authenticate;
mod document;
mod issue;
mod scope;
#[cfg(test)]
mod tests;
mod validate;

use sea_orm::{ColumnTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter};

pub(crate) use authenticate::verify_password;
pub(crate) use document::document;
pub(crate) use issue::issue;
pub(crate) use scope::Scope;
pub(crate) use validate::{Access, validate};

use crate::clock;
use crate::entity::token;

/// How long after its end a token can still be validated with `allow_expired`: two days, as Keystone's
/// `allow_expired_window`.
pub(crate) const EXPIRED_WINDOW_MICROS: i64 = 48 * 60 * 60 * 1_000_000;

/// Removes the tokens nobody can use any more; tells how many.
pub(crate) async fn purge(database: &DatabaseConnection) -> Result<u64, DbErr> {
    let dead = token::Column::ExpiresAt.lt(clock::now() - EXPIRED_WINDOW_MICROS);
    Ok(token::Entity::delete_many().filter(dead).exec(database).await?.rows_affected)
}

/// Ends one token; others of the same user live on.
pub(crate) async fn revoke(database: &DatabaseConnection, digest: &str) -> Result<(), DbErr> {
    token::Entity::delete_by_id(digest).exec(database).await.map(drop)
}
