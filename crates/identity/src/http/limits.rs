// SPDX-License-Identifier: Apache-2.0
//! `/v3/limits`: what one project or one domain may have, in place of the registered default.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Set};
use serde_json::{Value, json};

use super::api_error::ApiError;
use super::body::{Body, Fields};
use super::caller::{Caller, allow};
use super::path::Path;
use super::query::Query;
use crate::entity::project_limit::{ActiveModel, Column, Entity, Model};
use crate::entity::{domain, project, registered_limit};
use crate::random;
use crate::service::Identity;
use crate::token::Scope;

fn view(service: &Identity, row: &Model, of: &registered_limit::Model) -> Value {
    json!({
        "id": row.id,
        "service_id": of.service_id,
        "region_id": of.region_id,
        "resource_name": of.resource_name,
        "project_id": row.project_id,
        "domain_id": row.domain_id,
        "resource_limit": row.resource_limit,
        "description": row.description,
        "links": {"self": service.url(&format!("/limits/{}", row.id))},
    })
}

/// The limit with what it stands on, or 404.
async fn find(
    database: &impl ConnectionTrait,
    id: &str,
) -> Result<(Model, registered_limit::Model), ApiError> {
    if let Some(row) = Entity::find_by_id(id).one(database).await?
        && let Some(of) = registered_limit::Entity::find_by_id(&row.registered_limit_id).one(database).await?
    {
        return Ok((row, of));
    }
    Err(ApiError::NotFound(format!("Could not find limit for {id}.")))
}

/// `GET /v3/limits/model`
pub(super) async fn model(_caller: Caller) -> Json<Value> {
    let description = "Limit enforcement and validation does not take project hierarchy into consideration.";
    Json(json!({"model": {"name": "flat", "description": description}}))
}

/// The registered limit a new limit stands on.
async fn registered(
    database: &impl ConnectionTrait,
    fields: &mut Fields,
) -> Result<registered_limit::Model, ApiError> {
    use registered_limit::Column as Of;
    let service_id = fields.name("service_id", 255)?;
    let service_id = fields.require("service_id", service_id)?;
    let resource_name = fields.name("resource_name", 255)?;
    let resource_name = fields.require("resource_name", resource_name)?;
    let region = match fields.text("region_id")?.flatten() {
        Some(id) => Of::RegionId.eq(id),
        None => Of::RegionId.is_null(),
    };
    let found = registered_limit::Entity::find()
        .filter(Of::ServiceId.eq(service_id))
        .filter(Of::ResourceName.eq(resource_name))
        .filter(region)
        .one(database)
        .await?;
    found.ok_or_else(|| {
        ApiError::Forbidden("Unable to create a limit that has no corresponding registered limit.".into())
    })
}

async fn insert(
    database: &impl ConnectionTrait,
    mut fields: Fields,
) -> Result<(Model, registered_limit::Model), ApiError> {
    let project_id = fields.text("project_id")?.flatten();
    let domain_id = fields.text("domain_id")?.flatten();
    let known = match (&project_id, &domain_id) {
        (Some(id), None) => project::Entity::find_by_id(id).one(database).await?.is_some(),
        (None, Some(id)) => domain::Entity::find_by_id(id).one(database).await?.is_some(),
        _ => {
            return Err(ApiError::invalid("limits", "a limit is for either a project_id or a domain_id"));
        }
    };
    if !known {
        let field = if project_id.is_some() { "project_id" } else { "domain_id" };
        return Err(ApiError::expecting(field, "limit"));
    }
    let of = registered(database, &mut fields).await?;
    let resource_limit = fields.limit("resource_limit")?;
    let row = ActiveModel {
        id: Set(random::id()),
        registered_limit_id: Set(of.id.clone()),
        project_id: Set(project_id),
        domain_id: Set(domain_id),
        resource_limit: Set(fields.require("resource_limit", resource_limit)?),
        description: Set(fields.text("description")?.flatten()),
    };
    let row = row
        .insert(database)
        .await
        .map_err(|error| ApiError::on_store(error, "limit", || "Duplicate entry".into()))?;
    Ok((row, of))
}

/// Creates all the limits given or none.
pub(super) async fn create(
    State(service): State<Identity>,
    caller: Caller,
    body: Body,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    caller.require_admin("identity:create_limits")?;
    let transaction = service.begin().await?;
    let mut created = Vec::new();
    for fields in body.list("limits")? {
        let (row, of) = insert(&transaction, fields).await?;
        created.push(view(&service, &row, &of));
    }
    transaction.commit().await?;
    Ok((StatusCode::CREATED, Json(json!({ "limits": created }))))
}

/// Whether the limit is the caller's own: of their project or domain.
fn is_own(caller: &Caller, row: &Model) -> bool {
    match &caller.0.scope {
        Some(Scope::Project { project, .. }) => row.project_id.as_ref() == Some(&project.id),
        Some(Scope::Domain(domain)) => row.domain_id.as_ref() == Some(&domain.id),
        Some(Scope::System) | None => false,
    }
}

pub(super) async fn list(
    State(service): State<Identity>,
    caller: Caller,
    query: Query,
) -> Result<Json<Value>, ApiError> {
    use registered_limit::Column as Of;
    let registered = registered_limit::Entity::find()
        .filter(query.equal(&[
            ("service_id", Of::ServiceId),
            ("region_id", Of::RegionId),
            ("resource_name", Of::ResourceName),
        ]))
        .order_by_asc(Of::ResourceName)
        .all(service.database())
        .await?;
    let rows = Entity::find()
        .filter(query.equal(&[("project_id", Column::ProjectId), ("domain_id", Column::DomainId)]))
        .all(service.database())
        .await?;
    let sees_all = caller.may_read_all();
    let mut shown = Vec::new();
    for of in &registered {
        let standing = rows.iter().filter(|row| row.registered_limit_id == of.id);
        let visible = standing.filter(|row| sees_all || is_own(&caller, row));
        shown.extend(visible.map(|row| view(&service, row, of)));
    }
    Ok(query.list("limits", shown))
}

pub(super) async fn show(
    State(service): State<Identity>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let found = find(service.database(), &id).await;
    // Others learn neither a limit nor whether there is one.
    let own = found.as_ref().is_ok_and(|(row, _)| is_own(&caller, row));
    allow(own || caller.may_read_all(), "identity:get_limit")?;
    let (row, of) = found?;
    Ok(Json(json!({"limit": view(&service, &row, &of)})))
}

pub(super) async fn update(
    State(service): State<Identity>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    caller.require_admin("identity:update_limit")?;
    let mut fields = body.fields("limit")?;
    let transaction = service.begin().await?;
    let (row, of) = find(&transaction, &id).await?;
    let change = ActiveModel {
        id: Set(row.id),
        resource_limit: Set(fields.limit("resource_limit")?.unwrap_or(row.resource_limit)),
        description: Set(fields.text("description")?.unwrap_or(row.description)),
        ..Default::default()
    };
    let row = change.update(&transaction).await?;
    transaction.commit().await?;
    Ok(Json(json!({"limit": view(&service, &row, &of)})))
}

pub(super) async fn delete(
    State(service): State<Identity>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    caller.require_admin("identity:delete_limit")?;
    if Entity::delete_by_id(&id).exec(service.database()).await?.rows_affected == 0 {
        return Err(ApiError::NotFound(format!("Could not find limit for {id}.")));
    }
    Ok(StatusCode::NO_CONTENT)
}
