// SPDX-License-Identifier: Apache-2.0
//! `PUT /v2/images/{id}/stage`

use axum::extract::{Request, State};
use http::StatusCode;

use super::upload::{announced_length, image_bytes, require_octets};
use crate::api::{Api, Asker, ImagePath};
use crate::error::ApiError;

/// Takes an image's data into the staging area, for an import to pick up.
pub(crate) async fn stage(
    State(api): State<Api>,
    asker: Asker,
    ImagePath(id): ImagePath,
    request: Request,
) -> Result<StatusCode, ApiError> {
    if !api.settings().enabled_import_methods.iter().any(|method| method == "glance-direct") {
        return Err(ApiError::not_found("'glance-direct' method is not available at this site."));
    }
    require_octets(request.headers())?;
    let len = announced_length(request.headers())?;
    api.image_for(&asker, "modify_image", &id).await?;
    api.service.stage(&asker.caller, &id, len, image_bytes(request)).await?;
    Ok(StatusCode::NO_CONTENT)
}
