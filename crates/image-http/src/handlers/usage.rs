// SPDX-License-Identifier: Apache-2.0
//! `GET /v2/info/usage`

use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value, json};

use crate::api::{Api, Asker};
use crate::error::ApiError;

/// What the caller's project holds, and its limits.
pub(crate) async fn show(State(api): State<Api>, asker: Asker) -> Result<Json<Value>, ApiError> {
    let mut usage = Map::new();
    for line in api.service.usage(&asker.caller).await? {
        usage.insert(line.resource.to_owned(), json!({"usage": line.usage, "limit": line.limit}));
    }
    Ok(Json(json!({"usage": usage})))
}
