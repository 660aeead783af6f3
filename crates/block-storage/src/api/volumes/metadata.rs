// SPDX-License-Identifier: Apache-2.0
//! `/volumes/{id}/metadata`

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde_json::Value;

use crate::api::Shared;
use crate::api::body::Body;
use crate::api::caller::Caller;
use crate::api::fault::{Answer, Fault};
use crate::api::metadata::Owner;
use crate::service::Service;

fn of(id: &str) -> Owner<'_> {
    Owner { kind: "Volume", id }
}

/// `GET`
pub(crate) async fn index(
    State(service): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<Value>> {
    caller.volume(&service, &id).await?;
    of(&id).index(&service).await
}

/// `POST`: adds and overwrites keys.
pub(crate) async fn merge(
    State(service): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Answer<Json<Value>> {
    writable(&service, &caller, &id).await?;
    of(&id).merge(&service, &body).await
}

/// `PUT`: replaces all keys.
pub(crate) async fn replace(
    State(service): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Answer<Json<Value>> {
    writable(&service, &caller, &id).await?;
    of(&id).replace(&service, &body).await
}

/// `GET …/{key}`
pub(crate) async fn show(
    State(service): State<Shared>,
    caller: Caller,
    Path((id, key)): Path<(String, String)>,
) -> Answer<Json<Value>> {
    caller.volume(&service, &id).await?;
    of(&id).show(&service, key).await
}

/// `PUT …/{key}`
pub(crate) async fn put(
    State(service): State<Shared>,
    caller: Caller,
    Path((id, key)): Path<(String, String)>,
    body: Body,
) -> Answer<Json<Value>> {
    writable(&service, &caller, &id).await?;
    of(&id).put(&service, &key, &body).await
}

/// `DELETE …/{key}`
pub(crate) async fn delete(
    State(service): State<Shared>,
    caller: Caller,
    Path((id, key)): Path<(String, String)>,
) -> Answer<StatusCode> {
    writable(&service, &caller, &id).await?;
    of(&id).delete(&service, &key).await
}

async fn writable(service: &Service, caller: &Caller, id: &str) -> Answer<()> {
    let volume = caller.volume(service, id).await?;
    if volume.status == "maintenance" {
        return Err(Fault::invalid_volume(
            "Updating volume metadata is not allowed for volumes in maintenance status.",
        ));
    }
    Ok(())
}
