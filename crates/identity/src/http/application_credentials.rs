// SPDX-License-Identifier: Apache-2.0
//! `/v3/users/{user_id}/application_credentials`

use std::collections::BTreeMap;

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
use crate::entity::application_credential::{ActiveModel, Column, Entity, Model};
use crate::entity::{application_credential_role, role};
use crate::service::Identity;
use crate::{clock, grant, random};

fn view(service: &Identity, row: &Model, roles: &[role::Model]) -> Value {
    let roles: Vec<Value> = roles
        .iter()
        .map(|role| {
            json!({
                "id": role.id,
                "name": role.name,
                "domain_id": null,
                "description": role.description,
                "options": role.options,
            })
        })
        .collect();
    json!({
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "user_id": row.user_id,
        "project_id": row.project_id,
        "system": null,
        "roles": roles,
        "expires_at": row.expires_at.map(clock::plain_time),
        "unrestricted": row.unrestricted,
        "links": {"self": service.url(&format!("/users/{}/application_credentials/{}", row.user_id, row.id))},
    })
}

async fn roles_of(database: &impl ConnectionTrait, id: &str) -> Result<Vec<role::Model>, ApiError> {
    use application_credential_role::{Column, Entity};
    let rows = Entity::find().filter(Column::ApplicationCredentialId.eq(id)).all(database).await?;
    Ok(grant::roles(database, rows.into_iter().map(|row| row.role_id).collect()).await?)
}

async fn find(service: &Identity, user_id: &str, id: &str) -> Result<Model, ApiError> {
    let found = Entity::find_by_id(id).filter(Column::UserId.eq(user_id)).one(service.database()).await?;
    found.ok_or_else(|| ApiError::missing("Application Credential", id))
}

/// A credential that may be all its user may, except making more of its kind, unless it is unrestricted.
fn check_unrestricted(caller: &Caller) -> Result<(), ApiError> {
    match &caller.0.application_credential {
        Some(credential) if !credential.unrestricted => Err(ApiError::denied(
            "Using method 'application_credential' is not allowed for managing additional application credentials.",
        )),
        _ => Ok(()),
    }
}

/// The roles to hand on: those asked for by id or name, which the caller must have now, or all the caller has.
fn roles_to_hand_on(caller: &Caller, fields: &mut Fields) -> Result<Vec<role::Model>, ApiError> {
    let own = &caller.0.roles;
    let wanted = match fields.value("roles") {
        None | Some(Value::Null) => return Ok(own.clone()),
        Some(Value::Array(wanted)) if wanted.is_empty() => return Ok(own.clone()),
        Some(Value::Array(wanted)) => wanted,
        Some(_) => return Err(ApiError::invalid("roles", "It is not of type 'array'")),
    };
    let mut chosen: BTreeMap<&str, &role::Model> = BTreeMap::new();
    for role in &wanted {
        let (id, name) = (role.get("id").and_then(Value::as_str), role.get("name").and_then(Value::as_str));
        if id.is_none() && name.is_none() {
            return Err(ApiError::expecting("id or name", "role"));
        }
        let matching = own
            .iter()
            .find(|own| id.is_none_or(|id| own.id == id) && name.is_none_or(|name| own.name == name));
        let role = matching.ok_or_else(|| {
            ApiError::BadRequest(
                "Invalid application credential: Cannot create an application credential with unassigned role".into(),
            )
        })?;
        chosen.insert(&role.name, role);
    }
    Ok(chosen.into_values().cloned().collect())
}

fn expiry(fields: &mut Fields) -> Result<Option<i64>, ApiError> {
    let Some(text) = fields.text("expires_at")?.flatten() else { return Ok(None) };
    let end = clock::parse(&text).ok_or_else(|| {
        ApiError::invalid("expires_at", "the value is not an ISO 8601 time such as 2036-01-31T23:59:59")
    })?;
    if end <= clock::now() {
        return Err(ApiError::BadRequest("The 'expires_at' must not be before now.".into()));
    }
    Ok(Some(end))
}

pub(super) async fn create(
    State(service): State<Identity>,
    caller: Caller,
    Path(user_id): Path<String>,
    body: Body,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    allow(caller.user_id() == user_id, "identity:create_application_credential")?;
    check_unrestricted(&caller)?;
    let Some(project_id) = caller.0.project_id() else {
        return Err(ApiError::BadRequest(
            "an application credential belongs to a project; use a token of one to create it".into(),
        ));
    };
    let mut fields = body.fields("application_credential")?;
    let name = fields.name("name", 255)?;
    let name = fields.require("name", name)?;
    // Ignoring them would hand out more than was asked for.
    if fields.value("access_rules").is_some_and(|rules| !rules.is_null() && rules != json!([])) {
        return Err(ApiError::BadRequest("access rules are not supported; leave access_rules out".into()));
    }
    let secret = fields.secret("secret")?.unwrap_or_else(random::secret);
    let roles = roles_to_hand_on(&caller, &mut fields)?;
    let row = ActiveModel {
        id: Set(random::id()),
        user_id: Set(user_id),
        project_id: Set(project_id.to_owned()),
        name: Set(name.clone()),
        description: Set(fields.text("description")?.flatten()),
        secret_hash: Set(service.hashing().hash(secret.clone()).await?),
        unrestricted: Set(fields.flag("unrestricted")?.unwrap_or(false)),
        expires_at: Set(expiry(&mut fields)?),
    };
    let transaction = service.begin().await?;
    let row = row.insert(&transaction).await.map_err(|error| {
        ApiError::on_store(error, "application_credential", || {
            format!("Duplicate entry found with name {name}")
        })
    })?;
    for role in &roles {
        let handed_on = application_credential_role::ActiveModel {
            application_credential_id: Set(row.id.clone()),
            role_id: Set(role.id.clone()),
        };
        application_credential_role::Entity::insert(handed_on).exec_without_returning(&transaction).await?;
    }
    transaction.commit().await?;
    let mut shown = view(&service, &row, &roles);
    if let Value::Object(shown) = &mut shown {
        shown.insert("secret".into(), json!(secret));
    }
    Ok((StatusCode::CREATED, Json(json!({ "application_credential": shown }))))
}

pub(super) async fn list(
    State(service): State<Identity>,
    caller: Caller,
    Path(user_id): Path<String>,
    query: Query,
) -> Result<Json<Value>, ApiError> {
    caller.require_self_or_reader(&user_id, "identity:list_application_credentials")?;
    let rows = Entity::find()
        .filter(Column::UserId.eq(user_id))
        .filter(query.equal(&[("name", Column::Name)]))
        .order_by_asc(Column::Name)
        .all(service.database())
        .await?;
    let mut shown = Vec::with_capacity(rows.len());
    for row in rows {
        shown.push(view(&service, &row, &roles_of(service.database(), &row.id).await?));
    }
    Ok(query.list("application_credentials", shown))
}

pub(super) async fn show(
    State(service): State<Identity>,
    caller: Caller,
    Path((user_id, id)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    caller.require_self_or_reader(&user_id, "identity:get_application_credential")?;
    let row = find(&service, &user_id, &id).await?;
    let roles = roles_of(service.database(), &row.id).await?;
    Ok(Json(json!({"application_credential": view(&service, &row, &roles)})))
}

/// Deletes the credential with the tokens made with it.
pub(super) async fn delete(
    State(service): State<Identity>,
    caller: Caller,
    Path((user_id, id)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let allowed = caller.user_id() == user_id || caller.is_admin();
    allow(allowed, "identity:delete_application_credential")?;
    check_unrestricted(&caller)?;
    let row = find(&service, &user_id, &id).await?;
    Entity::delete_by_id(row.id).exec(service.database()).await?;
    Ok(StatusCode::NO_CONTENT)
}
