// SPDX-License-Identifier: Apache-2.0
//! `/v3/role_inferences` and `/v3/roles/{role_id}/implies`: which roles come with which.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Set};
use serde_json::{Value, json};

use super::api_error::ApiError;
use super::caller::Caller;
use super::path::Path;
use super::query::Query;
use super::roles::find;
use crate::entity::implied_role::{ActiveModel, Column, Entity, Model};
use crate::entity::role;
use crate::service::Identity;

fn brief(service: &Identity, row: &role::Model) -> Value {
    json!({
        "id": row.id,
        "name": row.name,
        "links": {"self": service.url(&format!("/roles/{}", row.id))},
    })
}

pub(super) async fn list_all(
    State(service): State<Identity>,
    caller: Caller,
) -> Result<Json<Value>, ApiError> {
    caller.require_reader("identity:list_role_inference_rules")?;
    let roles = role::Entity::find().all(service.database()).await?;
    let roles: BTreeMap<&str, &role::Model> = roles.iter().map(|role| (role.id.as_str(), role)).collect();
    let mut rules: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for rule in Entity::find().all(service.database()).await? {
        if let Some(implied) = roles.get(rule.implied_role_id.as_str()) {
            rules.entry(rule.prior_role_id).or_default().push(brief(&service, implied));
        }
    }
    let shown: Vec<Value> = rules
        .into_iter()
        .filter_map(|(prior, implies)| {
            let prior = roles.get(prior.as_str())?;
            Some(json!({"prior_role": brief(&service, prior), "implies": implies}))
        })
        .collect();
    Ok(Json(json!({ "role_inferences": shown })))
}

pub(super) async fn list(
    State(service): State<Identity>,
    caller: Caller,
    Path(id): Path<String>,
    query: Query,
) -> Result<Json<Value>, ApiError> {
    caller.require_reader("identity:list_implied_roles")?;
    let prior = find(service.database(), &id).await?;
    let rules = Entity::find().filter(Column::PriorRoleId.eq(&id)).all(service.database()).await?;
    let mut implies = Vec::with_capacity(rules.len());
    for rule in rules {
        implies.push(brief(&service, &find(service.database(), &rule.implied_role_id).await?));
    }
    Ok(Json(json!({
        "role_inference": {"prior_role": brief(&service, &prior), "implies": implies},
        "links": {"self": query.url()},
    })))
}

async fn pair(
    database: &impl ConnectionTrait,
    prior: &str,
    implied: &str,
) -> Result<(role::Model, role::Model), ApiError> {
    Ok((find(database, prior).await?, find(database, implied).await?))
}

async fn rule(database: &impl ConnectionTrait, prior: &str, implied: &str) -> Result<Model, ApiError> {
    let key = (prior.to_owned(), implied.to_owned());
    let found = Entity::find_by_id(key).one(database).await?;
    found
        .ok_or_else(|| ApiError::NotFound(format!("Could not find implied role: {prior} implies {implied}.")))
}

fn shown(service: &Identity, query: &Query, prior: &role::Model, implied: &role::Model) -> Json<Value> {
    Json(json!({
        "role_inference": {"prior_role": brief(service, prior), "implies": brief(service, implied)},
        "links": {"self": query.url()},
    }))
}

pub(super) async fn show(
    State(service): State<Identity>,
    caller: Caller,
    Path((prior, implied)): Path<(String, String)>,
    query: Query,
) -> Result<Json<Value>, ApiError> {
    caller.require_reader("identity:get_implied_role")?;
    let (prior, implied) = pair(service.database(), &prior, &implied).await?;
    rule(service.database(), &prior.id, &implied.id).await?;
    Ok(shown(&service, &query, &prior, &implied))
}

/// Nothing may imply admin: who may make other roles admin's equal is not for a rule to say.
pub(super) async fn create(
    State(service): State<Identity>,
    caller: Caller,
    Path((prior, implied)): Path<(String, String)>,
    query: Query,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    caller.require_admin("identity:create_implied_role")?;
    let (prior, implied) = pair(service.database(), &prior, &implied).await?;
    if implied.name == "admin" || implied.id == prior.id {
        return Err(ApiError::Forbidden(format!("{} cannot be an implied role here.", implied.name)));
    }
    let row = ActiveModel { prior_role_id: Set(prior.id.clone()), implied_role_id: Set(implied.id.clone()) };
    Entity::insert(row)
        .exec_without_returning(service.database())
        .await
        .map_err(|error| ApiError::on_store(error, "implied_role", || "Duplicate entry".into()))?;
    Ok((StatusCode::CREATED, shown(&service, &query, &prior, &implied)))
}

pub(super) async fn delete(
    State(service): State<Identity>,
    caller: Caller,
    Path((prior, implied)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    caller.require_admin("identity:delete_implied_role")?;
    let found = rule(service.database(), &prior, &implied).await?;
    Entity::delete_by_id((found.prior_role_id, found.implied_role_id)).exec(service.database()).await?;
    Ok(StatusCode::NO_CONTENT)
}
