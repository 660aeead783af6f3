// SPDX-License-Identifier: Apache-2.0
//! What a token is for: a project, a domain, or the system.

use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter};
use serde_json::Value;

use crate::entity::{domain, project};
use crate::grant::Target;
use crate::http::ApiError;

/// The scope of a token, with what it names.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one a request, and never a collection of them")]
pub(crate) enum Scope {
    Project { project: project::Model, domain: domain::Model },
    Domain(domain::Model),
    System,
}

impl Scope {
    pub(crate) fn target(&self) -> Target {
        match self {
            Self::Project { project, .. } => Target::Project(project.id.clone()),
            Self::Domain(domain) => Target::Domain(domain.id.clone()),
            Self::System => Target::System,
        }
    }

    pub(crate) fn project_id(&self) -> Option<&str> {
        if let Self::Project { project, .. } = self { Some(&project.id) } else { None }
    }

    /// Loads what `target` names; `None` when it is gone or disabled.
    pub(crate) async fn load(
        database: &impl ConnectionTrait,
        target: &Target,
    ) -> Result<Option<Self>, DbErr> {
        Ok(match target {
            Target::Project(id) => match project::Entity::find_by_id(id).one(database).await? {
                Some(project) if project.enabled => {
                    let domain = enabled_domain(database, &project.domain_id).await?;
                    domain.map(|domain| Self::Project { project, domain })
                }
                _ => None,
            },
            Target::Domain(id) => enabled_domain(database, id).await?.map(Self::Domain),
            Target::System => Some(Self::System),
        })
    }
}

async fn enabled_domain(database: &impl ConnectionTrait, id: &str) -> Result<Option<domain::Model>, DbErr> {
    Ok(domain::Entity::find_by_id(id).one(database).await?.filter(|domain| domain.enabled))
}

/// What the request for a token says of its scope.
#[derive(Clone, Debug)]
pub(crate) enum Requested {
    /// Nothing: the user's default project, where there is one.
    Default,
    /// `"scope": "unscoped"`.
    Unscoped,
    Target(Target),
    /// A project or domain that does not exist.
    Unknown,
}

/// Reads `auth.scope`, turning names into ids.
pub(crate) async fn requested(
    database: &impl ConnectionTrait,
    scope: Option<&Value>,
) -> Result<Requested, ApiError> {
    let scope = match scope {
        None | Some(Value::Null) => return Ok(Requested::Default),
        Some(Value::String(word)) if word == "unscoped" => return Ok(Requested::Unscoped),
        Some(Value::Object(scope)) => scope,
        Some(_) => return Err(ApiError::expecting("project, domain or system", "scope")),
    };
    if scope.len() > 1 {
        return Err(ApiError::BadRequest(
            "scope must be one of project, domain and system, not several".into(),
        ));
    }
    if let Some(project) = scope.get("project") {
        return Ok(found(find_project(database, project).await?.map(|row| Target::Project(row.id))));
    }
    if let Some(domain) = scope.get("domain") {
        return Ok(found(find_domain(database, domain).await?.map(|row| Target::Domain(row.id))));
    }
    if let Some(system) = scope.get("system") {
        return match system.get("all") {
            Some(Value::Bool(true)) => Ok(Requested::Target(Target::System)),
            _ => Err(ApiError::expecting("all", "system")),
        };
    }
    Err(ApiError::expecting("project, domain or system", "scope"))
}

fn found(target: Option<Target>) -> Requested {
    target.map_or(Requested::Unknown, Requested::Target)
}

async fn find_project(
    database: &impl ConnectionTrait,
    wanted: &Value,
) -> Result<Option<project::Model>, ApiError> {
    if let Some(id) = wanted.get("id").and_then(Value::as_str) {
        return Ok(project::Entity::find_by_id(id).one(database).await?);
    }
    let name = wanted
        .get("name")
        .and_then(Value::as_str)
        .ok_or_else(|| ApiError::expecting("id or name", "project"))?;
    let domain = wanted.get("domain").ok_or_else(|| ApiError::expecting("domain", "project"))?;
    let Some(domain) = find_domain(database, domain).await? else { return Ok(None) };
    Ok(project::Entity::find()
        .filter(project::Column::DomainId.eq(domain.id))
        .filter(project::Column::Name.eq(name))
        .one(database)
        .await?)
}

/// Finds `{"id": …}` or `{"name": …}`.
pub(crate) async fn find_domain(
    database: &impl ConnectionTrait,
    wanted: &Value,
) -> Result<Option<domain::Model>, ApiError> {
    let text = |key| wanted.get(key).and_then(Value::as_str);
    match (text("id"), text("name")) {
        (Some(id), _) => Ok(domain::Entity::find_by_id(id).one(database).await?),
        (None, Some(name)) => {
            Ok(domain::Entity::find().filter(domain::Column::Name.eq(name)).one(database).await?)
        }
        (None, None) => Err(ApiError::expecting("id or name", "domain")),
    }
}
