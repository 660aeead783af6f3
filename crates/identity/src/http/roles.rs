// SPDX-License-Identifier: Apache-2.0
//! `/v3/roles`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Set};
use serde_json::{Value, json};

use super::api_error::ApiError;
use super::body::{Body, check_mutable};
use super::caller::Caller;
use super::path::Path;
use super::query::Query;
use super::view::with_extra;
use crate::entity::role::{ActiveModel, Column, Entity, Model};
use crate::random;
use crate::service::Identity;

const LONGEST_NAME: usize = 255;

/// A role as the API shows it.
pub(super) fn view(service: &Identity, row: Model) -> Value {
    let own = json!({
        "id": row.id,
        "name": row.name,
        "domain_id": null,
        "description": row.description,
        "options": row.options,
        "links": {"self": service.url(&format!("/roles/{}", row.id))},
    });
    with_extra(row.extra, own)
}

/// The role, or 404.
pub(super) async fn find(database: &impl ConnectionTrait, id: &str) -> Result<Model, ApiError> {
    Entity::find_by_id(id).one(database).await?.ok_or_else(|| ApiError::missing("role", id))
}

fn taken(name: &str) -> String {
    format!("Duplicate entry found with name {name}")
}

pub(super) async fn create(
    State(service): State<Identity>,
    caller: Caller,
    body: Body,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    caller.require_admin("identity:create_role")?;
    let mut fields = body.fields("role")?;
    let name = fields.name("name", LONGEST_NAME)?;
    let name = fields.require("name", name)?;
    if fields.text("domain_id")?.flatten().is_some() {
        return Err(ApiError::BadRequest(
            "roles of one domain are not supported; leave domain_id out".into(),
        ));
    }
    let row = ActiveModel {
        id: Set(random::id()),
        name: Set(name.clone()),
        description: Set(fields.text("description")?.flatten()),
        options: Set(fields.options()?.unwrap_or_else(|| json!({}))),
        extra: Set(fields.extra()),
    };
    let row = row
        .insert(service.database())
        .await
        .map_err(|error| ApiError::on_store(error, "role", || taken(&name)))?;
    Ok((StatusCode::CREATED, Json(json!({"role": view(&service, row)}))))
}

pub(super) async fn list(
    State(service): State<Identity>,
    caller: Caller,
    query: Query,
) -> Result<Json<Value>, ApiError> {
    caller.require_reader("identity:list_roles")?;
    if query.get("domain_id").is_some() {
        return Ok(query.list("roles", Vec::new()));
    }
    let condition = query.equal(&[("name", Column::Name)]);
    let rows = Entity::find().filter(condition).order_by_asc(Column::Name).all(service.database()).await?;
    Ok(query.list("roles", rows.into_iter().map(|row| view(&service, row)).collect()))
}

pub(super) async fn show(
    State(service): State<Identity>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    caller.require_reader("identity:get_role")?;
    Ok(Json(json!({"role": view(&service, find(service.database(), &id).await?)})))
}

pub(super) async fn update(
    State(service): State<Identity>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    caller.require_admin("identity:update_role")?;
    let mut fields = body.fields("role")?;
    let transaction = service.begin().await?;
    let row = find(&transaction, &id).await?;
    let options = fields.options()?;
    if options.is_none() {
        check_mutable("role", &id, "update", &row.options)?;
    }
    fields.text("domain_id")?;
    let name = fields.name("name", LONGEST_NAME)?.unwrap_or_else(|| row.name.clone());
    let change = ActiveModel {
        id: Set(row.id),
        name: Set(name.clone()),
        description: Set(fields.text("description")?.unwrap_or(row.description)),
        options: Set(options.unwrap_or(row.options)),
        extra: Set(fields.merge_extra(row.extra)),
    };
    let row = change
        .update(&transaction)
        .await
        .map_err(|error| ApiError::on_store(error, "role", || taken(&name)))?;
    transaction.commit().await?;
    Ok(Json(json!({"role": view(&service, row)})))
}

/// Deletes the role and takes it from everybody who has it.
pub(super) async fn delete(
    State(service): State<Identity>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    caller.require_admin("identity:delete_role")?;
    let transaction = service.begin().await?;
    let row = find(&transaction, &id).await?;
    check_mutable("role", &id, "delete", &row.options)?;
    Entity::delete_by_id(id).exec(&transaction).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
