// SPDX-License-Identifier: Apache-2.0
//! `/v3/domains`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Set};
use serde_json::{Value, json};

use super::api_error::ApiError;
use super::body::{Body, check_mutable};
use super::caller::{Caller, allow};
use super::path::Path;
use super::query::Query;
use super::view::with_extra;
use crate::entity::domain::{ActiveModel, Column, Entity, Model};
use crate::random;
use crate::service::Identity;

pub(super) const LONGEST_NAME: usize = 64;

/// A domain as the API shows it.
pub(super) fn view(service: &Identity, row: Model) -> Value {
    let own = json!({
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "enabled": row.enabled,
        "tags": row.tags,
        "options": row.options,
        "links": {"self": service.url(&format!("/domains/{}", row.id))},
    });
    with_extra(row.extra, own)
}

/// The domain, or 404.
pub(super) async fn find(database: &impl ConnectionTrait, id: &str) -> Result<Model, ApiError> {
    Entity::find_by_id(id).one(database).await?.ok_or_else(|| ApiError::missing("domain", id))
}

fn taken(name: &str) -> String {
    format!("it is not permitted to have two projects acting as domains with the same name: {name}")
}

pub(super) async fn create(
    State(service): State<Identity>,
    caller: Caller,
    body: Body,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    caller.require_admin("identity:create_domain")?;
    let mut fields = body.fields("domain")?;
    let name = fields.name("name", LONGEST_NAME)?;
    let name = fields.require("name", name)?;
    let row = ActiveModel {
        id: Set(random::id()),
        name: Set(name.clone()),
        description: Set(fields.text("description")?.flatten().unwrap_or_default()),
        enabled: Set(fields.flag("enabled")?.unwrap_or(true)),
        tags: Set(json!(fields.tags()?.unwrap_or_default())),
        options: Set(fields.options()?.unwrap_or_else(|| json!({}))),
        extra: Set(fields.extra()),
    };
    let row = row
        .insert(service.database())
        .await
        .map_err(|error| ApiError::on_store(error, "project", || taken(&name)))?;
    Ok((StatusCode::CREATED, Json(json!({"domain": view(&service, row)}))))
}

pub(super) async fn list(
    State(service): State<Identity>,
    caller: Caller,
    query: Query,
) -> Result<Json<Value>, ApiError> {
    caller.require_reader("identity:list_domains")?;
    let mut condition = query.equal(&[("name", Column::Name)]);
    if let Some(enabled) = query.bool("enabled") {
        condition = condition.add(Column::Enabled.eq(enabled));
    }
    let rows = Entity::find().filter(condition).order_by_asc(Column::Name).all(service.database()).await?;
    Ok(query.list("domains", rows.into_iter().map(|row| view(&service, row)).collect()))
}

pub(super) async fn show(
    State(service): State<Identity>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let own = caller.0.user_domain.id == id || caller.home_domain_id() == id;
    allow(own || caller.may_read_all(), "identity:get_domain")?;
    Ok(Json(json!({"domain": view(&service, find(service.database(), &id).await?)})))
}

pub(super) async fn update(
    State(service): State<Identity>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    caller.require_admin("identity:update_domain")?;
    let mut fields = body.fields("domain")?;
    let transaction = service.begin().await?;
    let row = find(&transaction, &id).await?;
    let options = fields.options()?;
    if options.is_none() {
        check_mutable("domain", &id, "update", &row.options)?;
    }
    let name = fields.name("name", LONGEST_NAME)?.unwrap_or_else(|| row.name.clone());
    let change = ActiveModel {
        id: Set(row.id),
        name: Set(name.clone()),
        description: Set(fields.text("description")?.map_or(row.description, Option::unwrap_or_default)),
        enabled: Set(fields.flag("enabled")?.unwrap_or(row.enabled)),
        tags: Set(fields.tags()?.map_or(row.tags, |tags| json!(tags))),
        options: Set(options.unwrap_or(row.options)),
        extra: Set(fields.merge_extra(row.extra)),
    };
    let row = change
        .update(&transaction)
        .await
        .map_err(|error| ApiError::on_store(error, "project", || taken(&name)))?;
    transaction.commit().await?;
    Ok(Json(json!({"domain": view(&service, row)})))
}

/// Deletes the domain with all its users and projects.
pub(super) async fn delete(
    State(service): State<Identity>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    caller.require_admin("identity:delete_domain")?;
    let transaction = service.begin().await?;
    let row = find(&transaction, &id).await?;
    check_mutable("domain", &id, "delete", &row.options)?;
    if row.enabled {
        return Err(ApiError::Forbidden(
            "Cannot delete a domain that is enabled, please disable it first.".into(),
        ));
    }
    Entity::delete_by_id(id).exec(&transaction).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
