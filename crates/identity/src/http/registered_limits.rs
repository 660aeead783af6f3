// SPDX-License-Identifier: Apache-2.0
//! `/v3/registered_limits`: the limits projects have unless something else is said of them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, Set,
};
use serde_json::{Value, json};

use super::api_error::ApiError;
use super::body::{Body, Fields};
use super::caller::Caller;
use super::path::Path;
use super::query::Query;
use crate::entity::registered_limit::{ActiveModel, Column, Entity, Model};
use crate::entity::{project_limit, region, service};
use crate::random;
use crate::service::Identity;

const LONGEST_RESOURCE_NAME: usize = 255;

fn view(service: &Identity, row: Model) -> Value {
    json!({
        "id": row.id,
        "service_id": row.service_id,
        "region_id": row.region_id,
        "resource_name": row.resource_name,
        "default_limit": row.default_limit,
        "description": row.description,
        "links": {"self": service.url(&format!("/registered_limits/{}", row.id))},
    })
}

/// The registered limit, or 404.
async fn find(database: &impl ConnectionTrait, id: &str) -> Result<Model, ApiError> {
    let found = Entity::find_by_id(id).one(database).await?;
    found.ok_or_else(|| ApiError::NotFound(format!("Could not find registered limit for {id}.")))
}

/// 400 for a service or a region that is not there.
pub(super) async fn check_ends(
    database: &impl ConnectionTrait,
    service_id: Option<&str>,
    region_id: Option<&str>,
) -> Result<(), ApiError> {
    if let Some(id) = service_id
        && service::Entity::find_by_id(id).one(database).await?.is_none()
    {
        return Err(ApiError::expecting("service_id of an existing service", "limit"));
    }
    if let Some(id) = region_id
        && region::Entity::find_by_id(id).one(database).await?.is_none()
    {
        return Err(ApiError::expecting("region_id of an existing region", "limit"));
    }
    Ok(())
}

async fn insert(database: &impl ConnectionTrait, mut fields: Fields) -> Result<Model, ApiError> {
    let service_id = fields.name("service_id", 255)?;
    let service_id = fields.require("service_id", service_id)?;
    let region_id = fields.text("region_id")?.flatten();
    let resource_name = fields.name("resource_name", LONGEST_RESOURCE_NAME)?;
    let default_limit = fields.limit("default_limit")?;
    check_ends(database, Some(&service_id), region_id.as_deref()).await?;
    let row = ActiveModel {
        id: Set(random::id()),
        service_id: Set(service_id),
        region_id: Set(region_id),
        resource_name: Set(fields.require("resource_name", resource_name)?),
        default_limit: Set(fields.require("default_limit", default_limit)?),
        description: Set(fields.text("description")?.flatten()),
    };
    row.insert(database).await.map_err(on_store)
}

fn on_store(error: sea_orm::DbErr) -> ApiError {
    ApiError::on_store(error, "registered_limit", || "Duplicate entry".into())
}

/// Registers all the limits given or none.
pub(super) async fn create(
    State(service): State<Identity>,
    caller: Caller,
    body: Body,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    caller.require_admin("identity:create_registered_limits")?;
    let transaction = service.begin().await?;
    let mut created = Vec::new();
    for fields in body.list("registered_limits")? {
        created.push(view(&service, insert(&transaction, fields).await?));
    }
    transaction.commit().await?;
    Ok((StatusCode::CREATED, Json(json!({ "registered_limits": created }))))
}

pub(super) async fn list(
    State(service): State<Identity>,
    _caller: Caller,
    query: Query,
) -> Result<Json<Value>, ApiError> {
    let condition = query.equal(&[
        ("service_id", Column::ServiceId),
        ("region_id", Column::RegionId),
        ("resource_name", Column::ResourceName),
    ]);
    let rows =
        Entity::find().filter(condition).order_by_asc(Column::ResourceName).all(service.database()).await?;
    Ok(query.list("registered_limits", rows.into_iter().map(|row| view(&service, row)).collect()))
}

pub(super) async fn show(
    State(service): State<Identity>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    Ok(Json(json!({"registered_limit": view(&service, find(service.database(), &id).await?)})))
}

/// 403 while limits of projects stand on this one.
async fn check_unused(database: &impl ConnectionTrait, id: &str) -> Result<(), ApiError> {
    let used = project_limit::Entity::find()
        .filter(project_limit::Column::RegisteredLimitId.eq(id))
        .count(database)
        .await?;
    if used == 0 {
        return Ok(());
    }
    Err(ApiError::Forbidden(format!(
        "Unable to update or delete registered limit {id} because there are project limits associated with it."
    )))
}

pub(super) async fn update(
    State(service): State<Identity>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    caller.require_admin("identity:update_registered_limit")?;
    let mut fields = body.fields("registered_limit")?;
    let transaction = service.begin().await?;
    let row = find(&transaction, &id).await?;
    let service_id = fields.name("service_id", 255)?.unwrap_or_else(|| row.service_id.clone());
    let region_id = fields.text("region_id")?.unwrap_or_else(|| row.region_id.clone());
    let resource_name =
        fields.name("resource_name", LONGEST_RESOURCE_NAME)?.unwrap_or_else(|| row.resource_name.clone());
    if (&service_id, &region_id, &resource_name) != (&row.service_id, &row.region_id, &row.resource_name) {
        check_unused(&transaction, &id).await?;
        check_ends(&transaction, Some(&service_id), region_id.as_deref()).await?;
    }
    let change = ActiveModel {
        id: Set(row.id),
        service_id: Set(service_id),
        region_id: Set(region_id),
        resource_name: Set(resource_name),
        default_limit: Set(fields.limit("default_limit")?.unwrap_or(row.default_limit)),
        description: Set(fields.text("description")?.unwrap_or(row.description)),
    };
    let row = change.update(&transaction).await.map_err(on_store)?;
    transaction.commit().await?;
    Ok(Json(json!({"registered_limit": view(&service, row)})))
}

pub(super) async fn delete(
    State(service): State<Identity>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    caller.require_admin("identity:delete_registered_limit")?;
    let transaction = service.begin().await?;
    find(&transaction, &id).await?;
    check_unused(&transaction, &id).await?;
    Entity::delete_by_id(id).exec(&transaction).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
