// SPDX-License-Identifier: Apache-2.0
//! `/v3/groups`: there are none, which clients that look for them are told properly.

use axum::Json;
use axum::extract::State;
use serde_json::Value;

use super::api_error::ApiError;
use super::caller::Caller;
use super::path::Path;
use super::query::Query;
use crate::service::Identity;

pub(super) async fn list(caller: Caller, query: Query) -> Result<Json<Value>, ApiError> {
    caller.require_reader("identity:list_groups")?;
    Ok(query.list("groups", Vec::new()))
}

pub(super) async fn show(caller: Caller, Path(id): Path<String>) -> Result<Json<Value>, ApiError> {
    caller.require_reader("identity:get_group")?;
    Err(ApiError::missing("group", &id))
}

/// `GET /v3/users/{user_id}/groups`
pub(super) async fn list_of_user(
    State(service): State<Identity>,
    caller: Caller,
    Path(user_id): Path<String>,
    query: Query,
) -> Result<Json<Value>, ApiError> {
    caller.require_self_or_reader(&user_id, "identity:list_groups_for_user")?;
    super::users::find(service.database(), &user_id).await?;
    Ok(query.list("groups", Vec::new()))
}
