// SPDX-License-Identifier: Apache-2.0
//! `GET /v3/role_assignments`: who has which role where.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use sea_orm::{Condition, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Map, Value, json};

use super::api_error::ApiError;
use super::caller::{Caller, allow};
use super::query::Query;
use crate::entity::{assignment, domain, project, role, user};
use crate::grant::{Implications, Target};
use crate::service::Identity;

/// One line of the answer: a role granted, or one that a granted role brings.
#[derive(Debug)]
struct Line {
    user_id: String,
    target: Target,
    role_id: String,
    granted_role_id: String,
    /// The role that directly implies this one.
    prior_role_id: Option<String>,
}

pub(super) async fn list(
    State(service): State<Identity>,
    caller: Caller,
    query: Query,
) -> Result<Json<Value>, ApiError> {
    let own = query.get("user.id") == Some(caller.user_id());
    allow(own || caller.may_read_all(), "identity:list_role_assignments")?;
    // There are no groups and nothing is inherited, so nobody has a role that way.
    if query.get("group.id").is_some() || query.get("scope.OS-INHERIT:inherited_to").is_some() {
        return Ok(query.list("role_assignments", Vec::new()));
    }
    let rows = assignment::Entity::find()
        .filter(condition(&query)?)
        .order_by_asc(assignment::Column::Id)
        .all(service.database())
        .await?;
    let mut lines: Vec<Line> = rows.into_iter().map(granted).collect();
    if query.flag("effective") {
        lines = with_implied(lines, &Implications::load(service.database()).await?);
    }
    if let Some(role) = query.get("role.id") {
        lines.retain(|line| line.role_id == role);
    }
    let names = if query.flag("include_names") { Some(Names::load(&service).await?) } else { None };
    let shown = lines.iter().map(|line| view(&service, line, names.as_ref())).collect();
    Ok(query.list("role_assignments", shown))
}

fn condition(query: &Query) -> Result<Condition, ApiError> {
    let scopes = ["scope.project.id", "scope.domain.id", "scope.system"];
    if scopes.iter().filter(|scope| query.get(scope).is_some()).count() > 1 {
        return Err(ApiError::BadRequest("filter by one of project, domain and system, not several".into()));
    }
    let mut condition = query.equal(&[
        ("user.id", assignment::Column::UserId),
        ("scope.project.id", assignment::Column::ProjectId),
        ("scope.domain.id", assignment::Column::DomainId),
    ]);
    if query.get("scope.system").is_some() {
        condition = condition.add(Target::System.condition());
    }
    Ok(condition)
}

fn granted(row: assignment::Model) -> Line {
    let target = Target::of(&row);
    Line {
        user_id: row.user_id,
        target,
        granted_role_id: row.role_id.clone(),
        role_id: row.role_id,
        prior_role_id: None,
    }
}

fn with_implied(lines: Vec<Line>, implications: &Implications) -> Vec<Line> {
    let mut all = Vec::with_capacity(lines.len());
    for line in lines {
        for (prior, implied) in implications.below(&line.role_id) {
            all.push(Line {
                user_id: line.user_id.clone(),
                target: line.target.clone(),
                role_id: implied,
                granted_role_id: line.role_id.clone(),
                prior_role_id: Some(prior),
            });
        }
        all.push(line);
    }
    all
}

fn view(service: &Identity, line: &Line, names: Option<&Names>) -> Value {
    let (place, scope) = match &line.target {
        Target::Project(id) => {
            (format!("/projects/{id}"), json!({"project": named(names, Kind::Project, id)}))
        }
        Target::Domain(id) => (format!("/domains/{id}"), json!({"domain": named(names, Kind::Domain, id)})),
        Target::System => ("/system".to_owned(), json!({"system": {"all": true}})),
    };
    let path = format!("{place}/users/{}/roles/{}", line.user_id, line.granted_role_id);
    let mut links = Map::new();
    links.insert("assignment".into(), json!(service.url(&path)));
    if let Some(prior) = &line.prior_role_id {
        let path = format!("/prior_role/{prior}/implies/{}", line.role_id);
        links.insert("prior_role".into(), json!(service.url(&path)));
    }
    json!({
        "role": named(names, Kind::Role, &line.role_id),
        "user": named(names, Kind::User, &line.user_id),
        "scope": scope,
        "links": links,
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Domain,
    Project,
    Role,
    User,
}

/// The names of everything an assignment can mention, with the domain of what has one.
#[derive(Debug)]
struct Names(BTreeMap<(Kind, String), (String, Option<String>)>);

impl Names {
    async fn load(service: &Identity) -> Result<Self, ApiError> {
        let database = service.database();
        let mut names = BTreeMap::new();
        for row in domain::Entity::find().all(database).await? {
            names.insert((Kind::Domain, row.id), (row.name, None));
        }
        for row in project::Entity::find().all(database).await? {
            names.insert((Kind::Project, row.id), (row.name, Some(row.domain_id)));
        }
        for row in role::Entity::find().all(database).await? {
            names.insert((Kind::Role, row.id), (row.name, None));
        }
        for row in user::Entity::find().all(database).await? {
            names.insert((Kind::User, row.id), (row.name, Some(row.domain_id)));
        }
        Ok(Self(names))
    }
}

fn named(names: Option<&Names>, kind: Kind, id: &str) -> Value {
    let Some(names) = names else { return json!({ "id": id }) };
    match names.0.get(&(kind, id.to_owned())) {
        Some((name, Some(domain))) => {
            json!({"id": id, "name": name, "domain": named(Some(names), Kind::Domain, domain)})
        }
        Some((name, None)) => json!({"id": id, "name": name}),
        None => json!({ "id": id }),
    }
}
