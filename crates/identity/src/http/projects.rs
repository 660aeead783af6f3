// SPDX-License-Identifier: Apache-2.0
//! `/v3/projects`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, Set,
};
use serde_json::{Value, json};

use super::api_error::ApiError;
use super::body::{Body, Fields, check_mutable};
use super::caller::{Caller, allow};
use super::path::Path;
use super::query::Query;
use super::view::with_extra;
use super::{auth_listings, domains};
use crate::entity::project::{ActiveModel, Column, Entity, Model};
use crate::entity::{domain, user};
use crate::random;
use crate::service::Identity;

const LONGEST_NAME: usize = 64;

/// A project as the API shows it.
pub(super) fn view(service: &Identity, row: Model) -> Value {
    let own = json!({
        "id": row.id,
        "name": row.name,
        "domain_id": row.domain_id,
        "parent_id": row.parent_id,
        "description": row.description,
        "enabled": row.enabled,
        "is_domain": false,
        "tags": row.tags,
        "options": row.options,
        "links": {"self": service.url(&format!("/projects/{}", row.id))},
    });
    with_extra(row.extra, own)
}

/// A domain, which is a project to those who ask for it here.
fn domain_view(service: &Identity, row: domain::Model) -> Value {
    let link = service.url(&format!("/projects/{}", row.id));
    let own = json!({"domain_id": null, "parent_id": null, "is_domain": true, "links": {"self": link}});
    with_extra(domains::view(service, row), own)
}

/// The project, or 404.
pub(super) async fn find(database: &impl ConnectionTrait, id: &str) -> Result<Model, ApiError> {
    Entity::find_by_id(id).one(database).await?.ok_or_else(|| ApiError::missing("project", id))
}

fn taken(name: &str) -> String {
    format!(
        "it is not permitted to have two projects with either the same name or same id in the same domain: \
         name is {name}"
    )
}

/// Where a new project belongs: its domain's id and its parent's.
async fn place(
    database: &impl ConnectionTrait,
    caller: &Caller,
    fields: &mut Fields,
) -> Result<(String, String), ApiError> {
    let unknown = |id: &str| ApiError::BadRequest(format!("Could not find domain: {id}."));
    let domain_id = fields.text("domain_id")?.flatten();
    let parent_id = fields.text("parent_id")?.flatten();
    let parent = match &parent_id {
        Some(id) => Entity::find_by_id(id).one(database).await?,
        None => None,
    };
    let (domain_id, parent_id) = match (domain_id, parent_id, parent) {
        (domain_id, _, Some(parent)) => {
            if domain_id.is_some_and(|id| id != parent.domain_id) {
                return Err(ApiError::BadRequest("a project is in the domain of its parent".into()));
            }
            (parent.domain_id, parent.id)
        }
        (Some(domain_id), Some(parent_id), None) if domain_id != parent_id => {
            return Err(ApiError::BadRequest(format!("Could not find project: {parent_id}.")));
        }
        (Some(domain_id), _, None) => (domain_id.clone(), domain_id),
        (None, Some(parent_id), None) => (parent_id.clone(), parent_id),
        (None, None, None) => (caller.home_domain_id().to_owned(), caller.home_domain_id().to_owned()),
    };
    if domain::Entity::find_by_id(&domain_id).one(database).await?.is_none() {
        return Err(unknown(&domain_id));
    }
    Ok((domain_id, parent_id))
}

pub(super) async fn create(
    State(service): State<Identity>,
    caller: Caller,
    body: Body,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    caller.require_admin("identity:create_project")?;
    let mut fields = body.fields("project")?;
    if fields.flag("is_domain")? == Some(true) {
        return Err(ApiError::BadRequest("create a domain at /v3/domains, not as a project".into()));
    }
    let name = fields.name("name", LONGEST_NAME)?;
    let name = fields.require("name", name)?;
    let transaction = service.begin().await?;
    let (domain_id, parent_id) = place(&transaction, &caller, &mut fields).await?;
    let row = ActiveModel {
        id: Set(random::id()),
        domain_id: Set(domain_id),
        parent_id: Set(parent_id),
        name: Set(name.clone()),
        description: Set(fields.text("description")?.flatten().unwrap_or_default()),
        enabled: Set(fields.flag("enabled")?.unwrap_or(true)),
        tags: Set(json!(fields.tags()?.unwrap_or_default())),
        options: Set(fields.options()?.unwrap_or_else(|| json!({}))),
        extra: Set(fields.extra()),
    };
    let row = row
        .insert(&transaction)
        .await
        .map_err(|error| ApiError::on_store(error, "project", || taken(&name)))?;
    transaction.commit().await?;
    Ok((StatusCode::CREATED, Json(json!({"project": view(&service, row)}))))
}

pub(super) async fn list(
    State(service): State<Identity>,
    caller: Caller,
    query: Query,
) -> Result<Json<Value>, ApiError> {
    caller.require_reader("identity:list_projects")?;
    if query.flag("is_domain") {
        let condition = query.equal(&[("name", domain::Column::Name)]);
        let rows = domain::Entity::find().filter(condition).all(service.database()).await?;
        return Ok(query.list("projects", rows.into_iter().map(|row| domain_view(&service, row)).collect()));
    }
    let filters = [("name", Column::Name), ("domain_id", Column::DomainId), ("parent_id", Column::ParentId)];
    let mut condition = query.equal(&filters);
    if let Some(enabled) = query.bool("enabled") {
        condition = condition.add(Column::Enabled.eq(enabled));
    }
    let rows = Entity::find().filter(condition).order_by_asc(Column::Name).all(service.database()).await?;
    let tagged = rows.into_iter().filter(|row| has_tags(&query, &row.tags));
    Ok(query.list("projects", tagged.map(|row| view(&service, row)).collect()))
}

/// The filters `tags`, `tags-any`, `not-tags` and `not-tags-any`.
fn has_tags(query: &Query, tags: &Value) -> bool {
    let has = |tag: &str| tags.as_array().is_some_and(|tags| tags.iter().any(|own| own == tag));
    query.get("tags").is_none_or(|wanted| wanted.split(',').all(has))
        && query.get("tags-any").is_none_or(|wanted| wanted.split(',').any(has))
        && query.get("not-tags").is_none_or(|wanted| !wanted.split(',').all(has))
        && query.get("not-tags-any").is_none_or(|wanted| !wanted.split(',').any(has))
}

pub(super) async fn show(
    State(service): State<Identity>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    allow(caller.may_read_all() || caller.0.project_id() == Some(&id), "identity:get_project")?;
    let shown = match Entity::find_by_id(&id).one(service.database()).await? {
        Some(row) => view(&service, row),
        None => match domain::Entity::find_by_id(&id).one(service.database()).await? {
            Some(row) => domain_view(&service, row),
            None => return Err(ApiError::missing("project", &id)),
        },
    };
    Ok(Json(json!({ "project": shown })))
}

pub(super) async fn update(
    State(service): State<Identity>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    caller.require_admin("identity:update_project")?;
    let mut fields = body.fields("project")?;
    let transaction = service.begin().await?;
    let row = find(&transaction, &id).await?;
    let options = fields.options()?;
    if options.is_none() {
        check_mutable("project", &id, "update", &row.options)?;
    }
    for (field, own) in [("domain_id", &row.domain_id), ("parent_id", &row.parent_id)] {
        if fields.text(field)?.is_some_and(|given| given.as_ref() != Some(own)) {
            return Err(ApiError::Forbidden(format!("{field} of a project cannot be changed")));
        }
    }
    if fields.flag("is_domain")? == Some(true) {
        return Err(ApiError::BadRequest("a project cannot become a domain".into()));
    }
    let name = fields.name("name", LONGEST_NAME)?.unwrap_or_else(|| row.name.clone());
    let change = ActiveModel {
        id: Set(row.id),
        domain_id: Set(row.domain_id),
        parent_id: Set(row.parent_id),
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
    Ok(Json(json!({"project": view(&service, row)})))
}

/// Deletes the project with its assignments, limits, application credentials and tokens.
pub(super) async fn delete(
    State(service): State<Identity>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    caller.require_admin("identity:delete_project")?;
    let transaction = service.begin().await?;
    let row = find(&transaction, &id).await?;
    check_mutable("project", &id, "delete", &row.options)?;
    if Entity::find().filter(Column::ParentId.eq(&id)).count(&transaction).await? > 0 {
        return Err(ApiError::Forbidden(format!(
            "Cannot delete the project {id} since it is not a leaf in the hierarchy. Use the cascade option if you \
             want to delete a whole subtree."
        )));
    }
    user::Entity::update_many()
        .col_expr(user::Column::DefaultProjectId, Expr::value(Option::<String>::None))
        .filter(user::Column::DefaultProjectId.eq(&id))
        .exec(&transaction)
        .await?;
    Entity::delete_by_id(id).exec(&transaction).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /v3/users/{user_id}/projects`
pub(super) async fn list_of_user(
    State(service): State<Identity>,
    caller: Caller,
    Path(user_id): Path<String>,
    query: Query,
) -> Result<Json<Value>, ApiError> {
    caller.require_self_or_reader(&user_id, "identity:list_user_projects")?;
    super::users::find(service.database(), &user_id).await?;
    let rows = auth_listings::enabled_projects_of(&service, &user_id).await?;
    Ok(query.list("projects", rows.into_iter().map(|row| view(&service, row)).collect()))
}
