// SPDX-License-Identifier: Apache-2.0
//! `GET /v2/schemas/{name}` and `GET /v2/schemas/metadefs/{name}`

use axum::Json;
use axum::extract::State;
use serde_json::Value;

use crate::api::{Api, Asker, Named};
use crate::body::NoBody;
use crate::error::ApiError;

/// A schema by name.
pub(crate) async fn show(
    State(api): State<Api>,
    _asker: Asker,
    Named(names): Named,
    _: NoBody,
) -> Result<Json<Value>, ApiError> {
    let schema = names.first().and_then(|name| api.schemas.named(name));
    schema.cloned().map(Json).ok_or_else(ApiError::no_resource)
}

/// A schema of metadata definitions by name.
pub(crate) async fn metadef(
    State(api): State<Api>,
    _asker: Asker,
    Named(names): Named,
    _: NoBody,
) -> Result<Json<Value>, ApiError> {
    let schema = names.first().and_then(|name| api.schemas.metadefs.named(name));
    schema.cloned().map(Json).ok_or_else(ApiError::no_resource)
}
