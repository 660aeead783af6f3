// SPDX-License-Identifier: Apache-2.0
//! `/v3/services`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Set};
use serde_json::{Value, json};

use super::api_error::ApiError;
use super::body::Body;
use super::caller::Caller;
use super::path::Path;
use super::query::Query;
use super::view::with_extra;
use crate::entity::service::{ActiveModel, Column, Entity, Model};
use crate::random;
use crate::service::Identity;

const LONGEST_NAME: usize = 255;

fn view(service: &Identity, row: Model) -> Value {
    let own = json!({
        "id": row.id,
        "type": row.service_type,
        "name": row.name.unwrap_or_default(),
        "enabled": row.enabled,
        "links": {"self": service.url(&format!("/services/{}", row.id))},
    });
    let extra = match row.description {
        Some(description) => with_extra(row.extra, json!({ "description": description })),
        None => row.extra,
    };
    with_extra(extra, own)
}

/// The service, or 404.
async fn find(database: &impl ConnectionTrait, id: &str) -> Result<Model, ApiError> {
    Entity::find_by_id(id).one(database).await?.ok_or_else(|| ApiError::missing("service", id))
}

pub(super) async fn create(
    State(service): State<Identity>,
    caller: Caller,
    body: Body,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    caller.require_admin("identity:create_service")?;
    let mut fields = body.fields("service")?;
    let service_type = fields.name("type", LONGEST_NAME)?;
    let service_type = fields.require("type", service_type)?;
    let row = ActiveModel {
        id: Set(random::id()),
        service_type: Set(service_type),
        name: Set(fields.text("name")?.flatten()),
        description: Set(fields.text("description")?.flatten()),
        enabled: Set(fields.flag("enabled")?.unwrap_or(true)),
        extra: Set(fields.extra()),
    };
    let row = row.insert(service.database()).await?;
    Ok((StatusCode::CREATED, Json(json!({"service": view(&service, row)}))))
}

pub(super) async fn list(
    State(service): State<Identity>,
    caller: Caller,
    query: Query,
) -> Result<Json<Value>, ApiError> {
    caller.require_reader("identity:list_services")?;
    let condition = query.equal(&[("type", Column::ServiceType), ("name", Column::Name)]);
    let rows = Entity::find()
        .filter(condition)
        .order_by_asc(Column::ServiceType)
        .order_by_asc(Column::Id)
        .all(service.database())
        .await?;
    Ok(query.list("services", rows.into_iter().map(|row| view(&service, row)).collect()))
}

pub(super) async fn show(
    State(service): State<Identity>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    caller.require_reader("identity:get_service")?;
    Ok(Json(json!({"service": view(&service, find(service.database(), &id).await?)})))
}

pub(super) async fn update(
    State(service): State<Identity>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    caller.require_admin("identity:update_service")?;
    let mut fields = body.fields("service")?;
    let transaction = service.begin().await?;
    let row = find(&transaction, &id).await?;
    let change = ActiveModel {
        id: Set(row.id),
        service_type: Set(fields.name("type", LONGEST_NAME)?.unwrap_or(row.service_type)),
        name: Set(fields.text("name")?.unwrap_or(row.name)),
        description: Set(fields.text("description")?.unwrap_or(row.description)),
        enabled: Set(fields.flag("enabled")?.unwrap_or(row.enabled)),
        extra: Set(fields.merge_extra(row.extra)),
    };
    let row = change.update(&transaction).await?;
    transaction.commit().await?;
    Ok(Json(json!({"service": view(&service, row)})))
}

/// Deletes the service with its endpoints and limits.
pub(super) async fn delete(
    State(service): State<Identity>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    caller.require_admin("identity:delete_service")?;
    if Entity::delete_by_id(&id).exec(service.database()).await?.rows_affected == 0 {
        return Err(ApiError::missing("service", &id));
    }
    Ok(StatusCode::NO_CONTENT)
}
