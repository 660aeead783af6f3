// SPDX-License-Identifier: Apache-2.0
//! `/v3/endpoints`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Set};
use serde_json::{Value, json};

use super::api_error::ApiError;
use super::body::{Body, Fields};
use super::caller::Caller;
use super::path::Path;
use super::query::Query;
use super::view::with_extra;
use crate::catalog::{Substitutions, fill};
use crate::entity::endpoint::{ActiveModel, Column, Entity, Model};
use crate::entity::{region, service};
use crate::random;
use crate::service::Identity;

const INTERFACES: [&str; 3] = ["admin", "internal", "public"];

fn view(service: &Identity, row: Model) -> Value {
    let own = json!({
        "id": row.id,
        "service_id": row.service_id,
        "interface": row.interface,
        "region": row.region_id,
        "region_id": row.region_id,
        "url": row.url,
        "enabled": row.enabled,
        "links": {"self": service.url(&format!("/endpoints/{}", row.id))},
    });
    with_extra(row.extra, own)
}

/// The endpoint, or 404.
async fn find(database: &impl ConnectionTrait, id: &str) -> Result<Model, ApiError> {
    Entity::find_by_id(id).one(database).await?.ok_or_else(|| ApiError::missing("endpoint", id))
}

fn interface(fields: &mut Fields) -> Result<Option<String>, ApiError> {
    let given = fields.name("interface", 8)?;
    match &given {
        Some(interface) if !INTERFACES.contains(&interface.as_str()) => Err(ApiError::invalid(
            "interface",
            format_args!("Value: {interface}. '{interface}' is not one of ['admin', 'internal', 'public']"),
        )),
        _ => Ok(given),
    }
}

fn endpoint_url(fields: &mut Fields) -> Result<Option<String>, ApiError> {
    let given = fields.name("url", 4096)?;
    if let Some(url) = &given {
        let example = Substitutions { user_id: "u", project_id: Some("p") };
        let usable = fill(url, &example).ok().flatten().is_some_and(|url| url::Url::parse(&url).is_ok());
        if !usable {
            return Err(ApiError::BadRequest(format!(
                "Cannot create an endpoint with an invalid URL: {url}."
            )));
        }
    }
    Ok(given)
}

/// The region given as `region_id`, which must exist, or as `region`, which is made when it does not.
async fn region_id(
    database: &impl ConnectionTrait,
    fields: &mut Fields,
) -> Result<Option<Option<String>>, ApiError> {
    let (by_id, by_name) = (fields.text("region_id")?, fields.text("region")?);
    if let Some(Some(id)) = &by_id {
        if region::Entity::find_by_id(id).one(database).await?.is_none() {
            return Err(ApiError::expecting("endpoint region_id", "region table"));
        }
        return Ok(by_id);
    }
    if let Some(Some(name)) = &by_name {
        let row = region::ActiveModel {
            id: Set(name.clone()),
            description: Set(String::new()),
            parent_region_id: Set(None),
            extra: Set(json!({})),
        };
        region::Entity::insert(row)
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .exec_without_returning(database)
            .await?;
    }
    Ok(by_name.or(by_id))
}

async fn service_id(
    database: &impl ConnectionTrait,
    fields: &mut Fields,
) -> Result<Option<String>, ApiError> {
    let Some(id) = fields.name("service_id", 255)? else { return Ok(None) };
    if service::Entity::find_by_id(&id).one(database).await?.is_none() {
        return Err(ApiError::expecting("endpoint service_id", "service table"));
    }
    Ok(Some(id))
}

pub(super) async fn create(
    State(service): State<Identity>,
    caller: Caller,
    body: Body,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    caller.require_admin("identity:create_endpoint")?;
    let mut fields = body.fields("endpoint")?;
    let transaction = service.begin().await?;
    let service_id = service_id(&transaction, &mut fields).await?;
    let interface = interface(&mut fields)?;
    let url = endpoint_url(&mut fields)?;
    let row = ActiveModel {
        id: Set(random::id()),
        service_id: Set(fields.require("service_id", service_id)?),
        region_id: Set(region_id(&transaction, &mut fields).await?.flatten()),
        interface: Set(fields.require("interface", interface)?),
        url: Set(fields.require("url", url)?),
        enabled: Set(fields.flag("enabled")?.unwrap_or(true)),
        extra: Set(fields.extra()),
    };
    let row = row.insert(&transaction).await?;
    transaction.commit().await?;
    Ok((StatusCode::CREATED, Json(json!({"endpoint": view(&service, row)}))))
}

pub(super) async fn list(
    State(service): State<Identity>,
    caller: Caller,
    query: Query,
) -> Result<Json<Value>, ApiError> {
    caller.require_reader("identity:list_endpoints")?;
    let condition = query.equal(&[
        ("service_id", Column::ServiceId),
        ("interface", Column::Interface),
        ("region_id", Column::RegionId),
    ]);
    let rows = Entity::find()
        .filter(condition)
        .order_by_asc(Column::ServiceId)
        .order_by_asc(Column::Id)
        .all(service.database())
        .await?;
    Ok(query.list("endpoints", rows.into_iter().map(|row| view(&service, row)).collect()))
}

pub(super) async fn show(
    State(service): State<Identity>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    caller.require_reader("identity:get_endpoint")?;
    Ok(Json(json!({"endpoint": view(&service, find(service.database(), &id).await?)})))
}

pub(super) async fn update(
    State(service): State<Identity>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    caller.require_admin("identity:update_endpoint")?;
    let mut fields = body.fields("endpoint")?;
    let transaction = service.begin().await?;
    let row = find(&transaction, &id).await?;
    let change = ActiveModel {
        id: Set(row.id),
        service_id: Set(service_id(&transaction, &mut fields).await?.unwrap_or(row.service_id)),
        region_id: Set(region_id(&transaction, &mut fields).await?.unwrap_or(row.region_id)),
        interface: Set(interface(&mut fields)?.unwrap_or(row.interface)),
        url: Set(endpoint_url(&mut fields)?.unwrap_or(row.url)),
        enabled: Set(fields.flag("enabled")?.unwrap_or(row.enabled)),
        extra: Set(fields.merge_extra(row.extra)),
    };
    let row = change.update(&transaction).await?;
    transaction.commit().await?;
    Ok(Json(json!({"endpoint": view(&service, row)})))
}

pub(super) async fn delete(
    State(service): State<Identity>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    caller.require_admin("identity:delete_endpoint")?;
    if Entity::delete_by_id(&id).exec(service.database()).await?.rows_affected == 0 {
        return Err(ApiError::missing("endpoint", &id));
    }
    Ok(StatusCode::NO_CONTENT)
}
