// SPDX-License-Identifier: Apache-2.0
//! `/v3/regions`

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
use super::view::with_extra;
use crate::entity::region::{ActiveModel, Column, Entity, Model};
use crate::entity::{endpoint, registered_limit};
use crate::random;
use crate::service::Identity;

const LONGEST_ID: usize = 255;

fn view(service: &Identity, row: Model) -> Value {
    let own = json!({
        "id": row.id,
        "description": row.description,
        "parent_region_id": row.parent_region_id,
        "links": {"self": service.url(&format!("/regions/{}", row.id))},
    });
    with_extra(row.extra, own)
}

/// The region, or 404.
pub(super) async fn find(database: &impl ConnectionTrait, id: &str) -> Result<Model, ApiError> {
    Entity::find_by_id(id).one(database).await?.ok_or_else(|| ApiError::missing("region", id))
}

pub(super) async fn create(
    State(service): State<Identity>,
    caller: Caller,
    body: Body,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    caller.require_admin("identity:create_region")?;
    let mut fields = body.fields("region")?;
    let id = fields.name("id", LONGEST_ID)?.unwrap_or_else(random::id);
    insert(&service, id, fields).await
}

/// `PUT /v3/regions/{region_id}`
pub(super) async fn create_named(
    State(service): State<Identity>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    caller.require_admin("identity:create_region")?;
    let mut fields = body.fields("region")?;
    if fields.name("id", LONGEST_ID)?.is_some_and(|given| given != id) {
        return Err(ApiError::BadRequest("the id of the region is not the one of the URL".into()));
    }
    insert(&service, id, fields).await
}

async fn insert(
    service: &Identity,
    id: String,
    mut fields: Fields,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let transaction = service.begin().await?;
    let parent = fields.text("parent_region_id")?.flatten();
    if let Some(parent) = &parent {
        find(&transaction, parent).await?;
    }
    let row = ActiveModel {
        id: Set(id.clone()),
        description: Set(fields.text("description")?.flatten().unwrap_or_default()),
        parent_region_id: Set(parent),
        extra: Set(fields.extra()),
    };
    let row = row
        .insert(&transaction)
        .await
        .map_err(|error| ApiError::on_store(error, "region", || format!("Duplicate ID, {id}.")))?;
    transaction.commit().await?;
    Ok((StatusCode::CREATED, Json(json!({"region": view(service, row)}))))
}

pub(super) async fn list(
    State(service): State<Identity>,
    _caller: Caller,
    query: Query,
) -> Result<Json<Value>, ApiError> {
    let condition = query.equal(&[("parent_region_id", Column::ParentRegionId)]);
    let rows = Entity::find().filter(condition).order_by_asc(Column::Id).all(service.database()).await?;
    Ok(query.list("regions", rows.into_iter().map(|row| view(&service, row)).collect()))
}

pub(super) async fn show(
    State(service): State<Identity>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    Ok(Json(json!({"region": view(&service, find(service.database(), &id).await?)})))
}

pub(super) async fn update(
    State(service): State<Identity>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    caller.require_admin("identity:update_region")?;
    let mut fields = body.fields("region")?;
    let transaction = service.begin().await?;
    let row = find(&transaction, &id).await?;
    let parent = fields.text("parent_region_id")?.unwrap_or(row.parent_region_id);
    check_parent(&transaction, &id, parent.as_deref()).await?;
    let change = ActiveModel {
        id: Set(row.id),
        description: Set(fields.text("description")?.map_or(row.description, Option::unwrap_or_default)),
        parent_region_id: Set(parent),
        extra: Set(fields.merge_extra(row.extra)),
    };
    let row = change.update(&transaction).await?;
    transaction.commit().await?;
    Ok(Json(json!({"region": view(&service, row)})))
}

/// A region cannot be below itself.
async fn check_parent(
    database: &impl ConnectionTrait,
    id: &str,
    parent: Option<&str>,
) -> Result<(), ApiError> {
    let mut above = parent.map(str::to_owned);
    while let Some(region) = above {
        if region == id {
            return Err(ApiError::BadRequest("a region cannot be its own parent".into()));
        }
        above = find(database, &region).await?.parent_region_id;
    }
    Ok(())
}

pub(super) async fn delete(
    State(service): State<Identity>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    caller.require_admin("identity:delete_region")?;
    let transaction = service.begin().await?;
    find(&transaction, &id).await?;
    let endpoints = endpoint::Entity::find().filter(endpoint::Column::RegionId.eq(&id));
    let limits = registered_limit::Entity::find().filter(registered_limit::Column::RegionId.eq(&id));
    let children = Entity::find().filter(Column::ParentRegionId.eq(&id));
    let refused = |what| Err(ApiError::Forbidden(format!("Unable to delete region {id} because {what}.")));
    if endpoints.count(&transaction).await? > 0 {
        return refused("it or its child regions have associated endpoints");
    }
    if limits.count(&transaction).await? > 0 {
        return refused("it has associated registered limits");
    }
    if children.count(&transaction).await? > 0 {
        return refused("it has child regions");
    }
    Entity::delete_by_id(id).exec(&transaction).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
