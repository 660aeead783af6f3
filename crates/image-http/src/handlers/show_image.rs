// SPDX-License-Identifier: Apache-2.0
//! `GET /v2/images/{id}`

use axum::extract::State;
use axum::response::Response;

use crate::api::{Api, Asker, ImagePath};
use crate::body::NoBody;
use crate::error::ApiError;
use crate::wire;

/// An image.
pub(crate) async fn show(
    State(api): State<Api>,
    asker: Asker,
    ImagePath(id): ImagePath,
    _: NoBody,
) -> Result<Response, ApiError> {
    let image = api.image_for(&asker, "get_image", &id).await?;
    wire::json(&api.view(&asker, &image))
}
