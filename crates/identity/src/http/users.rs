// SPDX-License-Identifier: Apache-2.0
//! `/v3/users`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Set};
use serde_json::{Value, json};

use super::api_error::ApiError;
use super::body::Body;
use super::caller::Caller;
use super::path::Path;
use super::query::Query;
use super::view::with_extra;
use crate::entity::domain;
use crate::entity::user::{ActiveModel, Column, Entity, Model};
use crate::random;
use crate::service::Identity;

const LONGEST_NAME: usize = 255;

fn view(service: &Identity, row: Model) -> Value {
    let mut own = json!({
        "id": row.id,
        "name": row.name,
        "domain_id": row.domain_id,
        "enabled": row.enabled,
        "password_expires_at": null,
        "options": row.options,
        "links": {"self": service.url(&format!("/users/{}", row.id))},
    });
    if let (Some(project), Value::Object(own)) = (row.default_project_id, &mut own) {
        own.insert("default_project_id".into(), json!(project));
    }
    with_extra(row.extra, own)
}

/// The user, or 404.
pub(super) async fn find(database: &impl ConnectionTrait, id: &str) -> Result<Model, ApiError> {
    Entity::find_by_id(id).one(database).await?.ok_or_else(|| ApiError::missing("user", id))
}

fn taken(name: &str, domain_id: &str) -> String {
    format!("Duplicate entry found with name {name} at domain ID {domain_id}")
}

pub(super) async fn create(
    State(service): State<Identity>,
    caller: Caller,
    body: Body,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    caller.require_admin("identity:create_user")?;
    let mut fields = body.fields("user")?;
    let name = fields.name("name", LONGEST_NAME)?;
    let name = fields.require("name", name)?;
    let domain_id = match fields.text("domain_id")?.flatten() {
        Some(id) => id,
        None => caller.home_domain_id().to_owned(),
    };
    if domain::Entity::find_by_id(&domain_id).one(service.database()).await?.is_none() {
        return Err(ApiError::missing("domain", &domain_id));
    }
    let password_hash = match fields.secret("password")? {
        Some(password) => Some(service.hashing().hash(password).await?),
        None => None,
    };
    let row = ActiveModel {
        id: Set(random::id()),
        domain_id: Set(domain_id.clone()),
        name: Set(name.clone()),
        enabled: Set(fields.flag("enabled")?.unwrap_or(true)),
        password_hash: Set(password_hash),
        token_epoch: Set(0),
        default_project_id: Set(fields.text("default_project_id")?.flatten()),
        options: Set(fields.options()?.unwrap_or_else(|| json!({}))),
        extra: Set(fields.extra()),
    };
    let row = row
        .insert(service.database())
        .await
        .map_err(|error| ApiError::on_store(error, "user", || taken(&name, &domain_id)))?;
    Ok((StatusCode::CREATED, Json(json!({"user": view(&service, row)}))))
}

pub(super) async fn list(
    State(service): State<Identity>,
    caller: Caller,
    query: Query,
) -> Result<Json<Value>, ApiError> {
    caller.require_reader("identity:list_users")?;
    let mut condition = query.equal(&[("name", Column::Name), ("domain_id", Column::DomainId)]);
    if let Some(enabled) = query.bool("enabled") {
        condition = condition.add(Column::Enabled.eq(enabled));
    }
    let rows = Entity::find().filter(condition).order_by_asc(Column::Name).all(service.database()).await?;
    Ok(query.list("users", rows.into_iter().map(|row| view(&service, row)).collect()))
}

pub(super) async fn show(
    State(service): State<Identity>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    caller.require_self_or_reader(&id, "identity:get_user")?;
    Ok(Json(json!({"user": view(&service, find(service.database(), &id).await?)})))
}

/// A new password and a disabled account end all the user's tokens.
pub(super) async fn update(
    State(service): State<Identity>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    caller.require_admin("identity:update_user")?;
    let mut fields = body.fields("user")?;
    find(service.database(), &id).await?;
    let password_hash = match fields.secret("password")? {
        Some(password) => Some(service.hashing().hash(password).await?),
        None => None,
    };
    let transaction = service.begin().await?;
    let row = find(&transaction, &id).await?;
    if fields.text("domain_id")?.is_some_and(|given| given.as_ref() != Some(&row.domain_id)) {
        return Err(ApiError::Forbidden("domain_id of a user cannot be changed".into()));
    }
    let name = fields.name("name", LONGEST_NAME)?.unwrap_or_else(|| row.name.clone());
    let enabled = fields.flag("enabled")?.unwrap_or(row.enabled);
    let ends_tokens = password_hash.is_some() || (row.enabled && !enabled);
    let domain_id = row.domain_id.clone();
    let change = ActiveModel {
        id: Set(row.id),
        domain_id: Set(row.domain_id),
        name: Set(name.clone()),
        enabled: Set(enabled),
        password_hash: Set(password_hash.or(row.password_hash)),
        token_epoch: Set(row.token_epoch.wrapping_add(i64::from(ends_tokens))),
        default_project_id: Set(fields.text("default_project_id")?.unwrap_or(row.default_project_id)),
        options: Set(fields.options()?.unwrap_or(row.options)),
        extra: Set(fields.merge_extra(row.extra)),
    };
    let row = change
        .update(&transaction)
        .await
        .map_err(|error| ApiError::on_store(error, "user", || taken(&name, &domain_id)))?;
    transaction.commit().await?;
    Ok(Json(json!({"user": view(&service, row)})))
}

/// Deletes the user with their assignments, application credentials and tokens.
pub(super) async fn delete(
    State(service): State<Identity>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    caller.require_admin("identity:delete_user")?;
    if Entity::delete_by_id(&id).exec(service.database()).await?.rows_affected == 0 {
        return Err(ApiError::missing("user", &id));
    }
    Ok(StatusCode::NO_CONTENT)
}
