// SPDX-License-Identifier: Apache-2.0
//! `/types/{id}/extra_specs`

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde_json::{Value, json};

use super::show::{by_id, visible};
use crate::api::Shared;
use crate::api::body::{self, Body};
use crate::api::caller::Caller;
use crate::api::fault::{Answer, Fault};
use crate::db::properties::{self, Properties, Space};

/// `GET`
pub(crate) async fn index(
    State(service): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<Value>> {
    by_id(&service, &caller, &id).await?;
    let specs = properties::get(service.db.pool(), &id, Space::Specs).await?;
    Ok(Json(json!({ "extra_specs": visible(&caller, &specs) })))
}

/// `POST`: adds and overwrites keys.
pub(crate) async fn merge(
    State(service): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Answer<Json<Value>> {
    by_id(&service, &caller, &id).await?;
    let specs = body::properties(
        body.0.get("extra_specs").ok_or_else(|| Fault::bad_request("Malformed request body"))?,
    )?;
    check(&specs)?;
    properties::merge(service.db.pool(), &id, Space::Specs, &specs).await?;
    Ok(Json(json!({ "extra_specs": specs })))
}

/// `GET …/{key}`
pub(crate) async fn show(
    State(service): State<Shared>,
    caller: Caller,
    Path((id, key)): Path<(String, String)>,
) -> Answer<Json<Value>> {
    by_id(&service, &caller, &id).await?;
    let specs = visible(&caller, &properties::get(service.db.pool(), &id, Space::Specs).await?);
    let value = specs.get(&key).ok_or_else(|| no_key(&id, &key))?;
    Ok(Json(json!({ key: value })))
}

/// `PUT …/{key}`
pub(crate) async fn put(
    State(service): State<Shared>,
    caller: Caller,
    Path((id, key)): Path<(String, String)>,
    body: Body,
) -> Answer<Json<Value>> {
    by_id(&service, &caller, &id).await?;
    let specs = body::properties(&Value::Object(body.0))?;
    if specs.len() != 1 || !specs.contains_key(&key) {
        return Err(Fault::bad_request("Request body and URI mismatch"));
    }
    check(&specs)?;
    properties::merge(service.db.pool(), &id, Space::Specs, &specs).await?;
    Ok(Json(json!(specs)))
}

/// `DELETE …/{key}`
pub(crate) async fn delete(
    State(service): State<Shared>,
    caller: Caller,
    Path((id, key)): Path<(String, String)>,
) -> Answer<StatusCode> {
    by_id(&service, &caller, &id).await?;
    if properties::remove(service.db.pool(), &id, Space::Specs, &key).await? {
        Ok(StatusCode::ACCEPTED)
    } else {
        Err(no_key(&id, &key))
    }
}

fn check(specs: &Properties) -> Answer<()> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_' | '.' | ' ');
    match specs.keys().find(|key| !key.chars().all(allowed)) {
        Some(key) => Err(Fault::bad_request(format!(
            "Key name '{key}' can only contain alphanumeric characters, underscores, periods, colons and hyphens."
        ))),
        None => Ok(()),
    }
}

fn no_key(id: &str, key: &str) -> Fault {
    Fault::not_found(format!("Volume Type {id} has no extra specs with key {key}."))
}
