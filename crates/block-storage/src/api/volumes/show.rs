// SPDX-License-Identifier: Apache-2.0
//! One volume.

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use crate::api::Shared;
use crate::api::caller::Caller;
use crate::api::fault::Answer;
use crate::api::view::{self, Around};

/// `GET /volumes/{id}`
pub(crate) async fn show(
    State(service): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<Value>> {
    let volume = caller.volume(&service, &id).await?;
    let around = Around::load(&service, std::slice::from_ref(&volume)).await?;
    Ok(Json(json!({ "volume": view::volume(&service, &caller, &volume, &around) })))
}

/// `GET /volumes/{id}/encryption`: nothing is encrypted, so there is nothing to tell.
pub(crate) async fn encryption(
    State(service): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<Value>> {
    caller.volume(&service, &id).await?;
    Ok(Json(json!({})))
}
