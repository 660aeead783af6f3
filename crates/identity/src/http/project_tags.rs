// SPDX-License-Identifier: Apache-2.0
//! `/v3/projects/{project_id}/tags`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sea_orm::{ActiveModelTrait, ConnectionTrait, Set};
use serde_json::{Value, json};

use super::api_error::ApiError;
use super::body::{Body, check_tag, parse_tags};
use super::caller::{Caller, allow};
use super::path::Path;
use super::projects::find;
use super::query::Query;
use crate::entity::project::{ActiveModel, Model};
use crate::service::Identity;

fn tags_of(row: &Model) -> Vec<String> {
    serde_json::from_value(row.tags.clone()).unwrap_or_default()
}

async fn store(database: &impl ConnectionTrait, id: String, tags: &[String]) -> Result<(), ApiError> {
    if tags.len() > 80 {
        return Err(ApiError::invalid("tags", "a project has at most 80 tags"));
    }
    let change = ActiveModel { id: Set(id), tags: Set(json!(tags)), ..Default::default() };
    change.update(database).await?;
    Ok(())
}

fn shown(query: &Query, tags: &[String]) -> Json<Value> {
    Json(json!({"tags": tags, "links": {"self": query.url()}}))
}

fn may_read(caller: &Caller, id: &str, action: &str) -> Result<(), ApiError> {
    allow(caller.may_read_all() || caller.0.project_id() == Some(id), action)
}

pub(super) async fn list(
    State(service): State<Identity>,
    caller: Caller,
    Path(id): Path<String>,
    query: Query,
) -> Result<Json<Value>, ApiError> {
    may_read(&caller, &id, "identity:list_project_tags")?;
    Ok(shown(&query, &tags_of(&find(service.database(), &id).await?)))
}

pub(super) async fn replace(
    State(service): State<Identity>,
    caller: Caller,
    Path(id): Path<String>,
    query: Query,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    caller.require_admin("identity:update_project_tags")?;
    let tags = parse_tags(body.value("tags")?)?;
    let transaction = service.begin().await?;
    let row = find(&transaction, &id).await?;
    store(&transaction, row.id, &tags).await?;
    transaction.commit().await?;
    Ok(shown(&query, &tags))
}

pub(super) async fn delete_all(
    State(service): State<Identity>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    caller.require_admin("identity:delete_project_tags")?;
    let transaction = service.begin().await?;
    let row = find(&transaction, &id).await?;
    store(&transaction, row.id, &[]).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn show(
    State(service): State<Identity>,
    caller: Caller,
    Path((id, tag)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    may_read(&caller, &id, "identity:get_project_tag")?;
    if tags_of(&find(service.database(), &id).await?).contains(&tag) {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(ApiError::missing("project tag", &tag))
}

pub(super) async fn add(
    State(service): State<Identity>,
    caller: Caller,
    Path((id, tag)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    caller.require_admin("identity:create_project_tag")?;
    check_tag(&tag)?;
    let transaction = service.begin().await?;
    let row = find(&transaction, &id).await?;
    let mut tags = tags_of(&row);
    if !tags.contains(&tag) {
        tags.push(tag);
    }
    store(&transaction, row.id, &tags).await?;
    transaction.commit().await?;
    Ok(StatusCode::CREATED)
}

pub(super) async fn delete(
    State(service): State<Identity>,
    caller: Caller,
    Path((id, tag)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    caller.require_admin("identity:delete_project_tag")?;
    let transaction = service.begin().await?;
    let row = find(&transaction, &id).await?;
    let mut tags = tags_of(&row);
    let before = tags.len();
    tags.retain(|own| *own != tag);
    if tags.len() == before {
        return Err(ApiError::missing("project tag", &tag));
    }
    store(&transaction, row.id, &tags).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
