// SPDX-License-Identifier: Apache-2.0
//! Roles of users on a project, on a domain, and on the system: `…/users/{user_id}/roles/{role_id}`.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set};
use serde::Deserialize;
use serde_json::Value;

use super::api_error::ApiError;
use super::caller::Caller;
use super::path::Path;
use super::query::Query;
use super::{domains, projects, roles, users};
use crate::entity::{assignment, role};
use crate::grant::Target;
use crate::service::Identity;

/// The ids a grant's path may have.
#[derive(Debug, Deserialize)]
struct Ids {
    project_id: Option<String>,
    domain_id: Option<String>,
    user_id: Option<String>,
    group_id: Option<String>,
    role_id: Option<String>,
}

/// What a grant's path names.
#[derive(Debug)]
pub(super) struct Grant {
    target: Target,
    user_id: String,
    role_id: String,
}

impl FromRequestParts<Identity> for Grant {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, service: &Identity) -> Result<Self, ApiError> {
        let Path(ids) = Path::<Ids>::from_request_parts(parts, service).await?;
        if let Some(group) = ids.group_id {
            return Err(ApiError::missing("group", &group));
        }
        let target = match (ids.project_id, ids.domain_id) {
            (Some(project), _) => Target::Project(project),
            (None, Some(domain)) => Target::Domain(domain),
            (None, None) => Target::System,
        };
        Ok(Self {
            target,
            user_id: ids.user_id.unwrap_or_default(),
            role_id: ids.role_id.unwrap_or_default(),
        })
    }
}

impl Grant {
    /// 404 for a user, a project or a domain that is not there.
    async fn check_ends(&self, service: &Identity) -> Result<(), ApiError> {
        let database = service.database();
        users::find(database, &self.user_id).await?;
        match &self.target {
            Target::Project(id) => projects::find(database, id).await.map(drop),
            Target::Domain(id) => domains::find(database, id).await.map(drop),
            Target::System => Ok(()),
        }
    }

    fn not_granted(&self) -> ApiError {
        let target = match &self.target {
            Target::Project(id) | Target::Domain(id) => id,
            Target::System => "system",
        };
        ApiError::NotFound(format!(
            "Could not find role assignment with role: {}, user or group: {}, project, domain, or system: {target}.",
            self.role_id, self.user_id
        ))
    }
}

pub(super) async fn list(
    State(service): State<Identity>,
    caller: Caller,
    grant: Grant,
    query: Query,
) -> Result<Json<Value>, ApiError> {
    caller.require_reader("identity:list_grants")?;
    grant.check_ends(&service).await?;
    let rows = assignment::Entity::find()
        .filter(assignment::Column::UserId.eq(&grant.user_id))
        .filter(grant.target.condition())
        .all(service.database())
        .await?;
    let granted =
        crate::grant::roles(service.database(), rows.into_iter().map(|row| row.role_id).collect()).await?;
    Ok(query.list("roles", granted.into_iter().map(|row: role::Model| roles::view(&service, row)).collect()))
}

pub(super) async fn create(
    State(service): State<Identity>,
    caller: Caller,
    grant: Grant,
) -> Result<StatusCode, ApiError> {
    caller.require_admin("identity:create_grant")?;
    grant.check_ends(&service).await?;
    roles::find(service.database(), &grant.role_id).await?;
    let row = assignment::ActiveModel {
        user_id: Set(grant.user_id),
        role_id: Set(grant.role_id),
        project_id: Set(grant.target.project_id()),
        domain_id: Set(grant.target.domain_id()),
        ..Default::default()
    };
    // Granting a role twice is granting it once.
    assignment::Entity::insert(row)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(service.database())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// 204 for a role the user has been granted; roles it implies do not count.
pub(super) async fn check(
    State(service): State<Identity>,
    caller: Caller,
    grant: Grant,
) -> Result<StatusCode, ApiError> {
    caller.require_reader("identity:check_grant")?;
    let found = assignment::Entity::find()
        .filter(assignment::Column::UserId.eq(&grant.user_id))
        .filter(assignment::Column::RoleId.eq(&grant.role_id))
        .filter(grant.target.condition())
        .one(service.database())
        .await?;
    found.map(|_| StatusCode::NO_CONTENT).ok_or_else(|| grant.not_granted())
}

pub(super) async fn delete(
    State(service): State<Identity>,
    caller: Caller,
    grant: Grant,
) -> Result<StatusCode, ApiError> {
    caller.require_admin("identity:revoke_grant")?;
    let deleted = assignment::Entity::delete_many()
        .filter(assignment::Column::UserId.eq(&grant.user_id))
        .filter(assignment::Column::RoleId.eq(&grant.role_id))
        .filter(grant.target.condition())
        .exec(service.database())
        .await?;
    if deleted.rows_affected == 0 { Err(grant.not_granted()) } else { Ok(StatusCode::NO_CONTENT) }
}
