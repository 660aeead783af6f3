// SPDX-License-Identifier: Apache-2.0
//! `GET /v2/images/{id}`

use axum::Json;
use axum::extract::State;
use serde_json::Value;

use crate::api::{Api, Asker, ImagePath};
use crate::body::NoBody;
use crate::error::ApiError;

/// An image.
pub(crate) async fn show(
    State(api): State<Api>,
    asker: Asker,
    ImagePath(id): ImagePath,
    _: NoBody,
) -> Result<Json<Value>, ApiError> {
    let image = api.image_for(&asker, "get_image", &id).await?;
    Ok(Json(api.view(&asker, &image)))
}
