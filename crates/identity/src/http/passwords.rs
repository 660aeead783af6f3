// SPDX-License-Identifier: Apache-2.0
//! `POST /v3/users/{user_id}/password`: users change their own password; the old one stands for a token.

use axum::extract::State;
use axum::http::StatusCode;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::api_error::ApiError;
use super::body::Body;
use super::path::Path;
use crate::entity::user::{Column, Entity};
use crate::service::Identity;
use crate::token::verify_password;

/// Sets the new password only while the old one is still the one that was proven, and ends the user's tokens.
pub(super) async fn change(
    State(service): State<Identity>,
    Path(id): Path<String>,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let mut fields = body.fields("user")?;
    let password = fields.secret("password")?;
    let password = fields.require("password", password)?;
    let original = fields.secret("original_password")?;
    let original = fields.require("original_password", original)?;
    let found = Entity::find_by_id(&id).one(service.database()).await?;
    let user = verify_password(&service, found, original).await?;
    if !user.enabled {
        return Err(ApiError::Unauthorized);
    }
    let hash = service.hashing().hash(password).await?;
    let changed = Entity::update_many()
        .col_expr(Column::PasswordHash, Expr::value(hash))
        .col_expr(Column::TokenEpoch, Expr::col(Column::TokenEpoch).add(1))
        .filter(Column::Id.eq(&id))
        .filter(Column::TokenEpoch.eq(user.token_epoch))
        .exec(service.database())
        .await?;
    if changed.rows_affected == 0 { Err(ApiError::Unauthorized) } else { Ok(StatusCode::NO_CONTENT) }
}
