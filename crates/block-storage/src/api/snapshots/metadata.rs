// SPDX-License-Identifier: Apache-2.0
//! `/snapshots/{id}/metadata`

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde_json::{Value, json};

use crate::api::Shared;
use crate::api::body::Body;
use crate::api::caller::Caller;
use crate::api::fault::{Answer, Fault};
use crate::api::volumes::metadata::{given, one};
use crate::db::properties::{self, Space};
use crate::service::Service;

/// `GET`
pub(crate) async fn index(
    State(service): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<Value>> {
    caller.snapshot(&service, &id).await?;
    answer(&service, &id).await
}

/// `POST`: adds and overwrites keys.
pub(crate) async fn merge(
    State(service): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Answer<Json<Value>> {
    caller.snapshot(&service, &id).await?;
    properties::merge(service.db.pool(), &id, Space::User, &given(&body)?).await?;
    answer(&service, &id).await
}

/// `PUT`: replaces all keys.
pub(crate) async fn replace(
    State(service): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Answer<Json<Value>> {
    caller.snapshot(&service, &id).await?;
    let set = given(&body)?;
    let tx = service.db.begin().await?;
    properties::replace(&tx, &id, Space::User, &set).await?;
    tx.commit().await?;
    answer(&service, &id).await
}

/// `GET …/{key}`
pub(crate) async fn show(
    State(service): State<Shared>,
    caller: Caller,
    Path((id, key)): Path<(String, String)>,
) -> Answer<Json<Value>> {
    caller.snapshot(&service, &id).await?;
    let set = properties::get(service.db.pool(), &id, Space::User).await?;
    let value = set.get(&key).ok_or_else(|| no_key(&id, &key))?;
    Ok(Json(json!({ "meta": { key: value } })))
}

/// `PUT …/{key}`
pub(crate) async fn put(
    State(service): State<Shared>,
    caller: Caller,
    Path((id, key)): Path<(String, String)>,
    body: Body,
) -> Answer<Json<Value>> {
    caller.snapshot(&service, &id).await?;
    let set = one(&body, &key)?;
    properties::merge(service.db.pool(), &id, Space::User, &set).await?;
    Ok(Json(json!({ "meta": set })))
}

/// `DELETE …/{key}`
pub(crate) async fn delete(
    State(service): State<Shared>,
    caller: Caller,
    Path((id, key)): Path<(String, String)>,
) -> Answer<StatusCode> {
    caller.snapshot(&service, &id).await?;
    if properties::remove(service.db.pool(), &id, Space::User, &key).await? {
        Ok(StatusCode::OK)
    } else {
        Err(no_key(&id, &key))
    }
}

async fn answer(service: &Service, id: &str) -> Answer<Json<Value>> {
    let set = properties::get(service.db.pool(), id, Space::User).await?;
    Ok(Json(json!({ "metadata": set })))
}

fn no_key(id: &str, key: &str) -> Fault {
    Fault::not_found(format!("Snapshot {id} has no metadata with key {key}."))
}
