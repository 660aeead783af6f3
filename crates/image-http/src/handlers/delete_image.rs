// SPDX-License-Identifier: Apache-2.0
//! `DELETE /v2/images/{id}`

use axum::extract::State;
use http::StatusCode;

use crate::api::{Api, Asker, ImagePath};
use crate::body::NoBody;
use crate::error::ApiError;

/// Deletes an image and its data in all stores.
pub(crate) async fn delete(
    State(api): State<Api>,
    asker: Asker,
    ImagePath(id): ImagePath,
    _: NoBody,
) -> Result<StatusCode, ApiError> {
    let no_image = |error: ApiError| error.for_missing_image(format!("Failed to find image {id} to delete"));
    api.image_for(&asker, "delete_image", &id).await.map_err(no_image)?;
    api.service.delete(&asker.caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
