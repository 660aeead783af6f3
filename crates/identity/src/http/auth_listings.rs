// SPDX-License-Identifier: Apache-2.0
//! `/v3/auth/{catalog,projects,domains,system}`: what the caller's user can get a token for, and the catalog.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};

use super::api_error::ApiError;
use super::caller::Caller;
use super::query::Query;
use super::{domains, projects};
use crate::catalog::{Substitutions, catalog};
use crate::entity::{assignment, domain, project};
use crate::grant::Target;
use crate::service::Identity;

pub(super) async fn show_catalog(
    State(service): State<Identity>,
    caller: Caller,
    query: Query,
) -> Result<Json<Value>, ApiError> {
    if caller.0.scope.is_none() {
        return Err(ApiError::Unauthorized);
    }
    let with = Substitutions { user_id: caller.user_id(), project_id: caller.0.project_id() };
    let catalog = catalog(service.database(), &with).await?;
    Ok(Json(json!({"catalog": catalog, "links": {"self": query.url()}})))
}

pub(super) async fn list_projects(
    State(service): State<Identity>,
    caller: Caller,
    query: Query,
) -> Result<Json<Value>, ApiError> {
    let projects = enabled_projects_of(&service, caller.user_id()).await?;
    Ok(query.list("projects", projects.into_iter().map(|row| projects::view(&service, row)).collect()))
}

pub(super) async fn list_domains(
    State(service): State<Identity>,
    caller: Caller,
    query: Query,
) -> Result<Json<Value>, ApiError> {
    let ids: BTreeSet<String> =
        targets(&service, caller.user_id()).await?.iter().filter_map(Target::domain_id).collect();
    let rows = domain::Entity::find()
        .filter(domain::Column::Id.is_in(ids))
        .filter(domain::Column::Enabled.eq(true))
        .order_by_asc(domain::Column::Name)
        .all(service.database())
        .await?;
    Ok(query.list("domains", rows.into_iter().map(|row| domains::view(&service, row)).collect()))
}

pub(super) async fn list_system(
    State(service): State<Identity>,
    caller: Caller,
    query: Query,
) -> Result<Json<Value>, ApiError> {
    let on_system = targets(&service, caller.user_id()).await?.contains(&Target::System);
    let system = if on_system { vec![json!({"all": true})] } else { Vec::new() };
    Ok(Json(json!({"system": system, "links": {"self": query.url()}})))
}

async fn targets(service: &Identity, user_id: &str) -> Result<Vec<Target>, ApiError> {
    let rows = assignment::Entity::find()
        .filter(assignment::Column::UserId.eq(user_id))
        .all(service.database())
        .await?;
    Ok(rows.iter().map(Target::of).collect())
}

/// The enabled projects the user has a role on.
pub(super) async fn enabled_projects_of(
    service: &Identity,
    user_id: &str,
) -> Result<Vec<project::Model>, ApiError> {
    let ids: BTreeSet<String> =
        targets(service, user_id).await?.iter().filter_map(Target::project_id).collect();
    Ok(project::Entity::find()
        .filter(project::Column::Id.is_in(ids))
        .filter(project::Column::Enabled.eq(true))
        .order_by_asc(project::Column::Name)
        .all(service.database())
        .await?)
}
