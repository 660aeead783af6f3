// SPDX-License-Identifier: Apache-2.0
//! `POST /v2/images/{id}/actions/deactivate` and `…/reactivate`

use axum::extract::State;
use http::StatusCode;

use crate::api::{Api, Asker, ImagePath};
use crate::body::NoBody;
use crate::error::ApiError;

/// Keeps everybody but administrators from the data.
pub(crate) async fn deactivate(
    State(api): State<Api>,
    asker: Asker,
    ImagePath(id): ImagePath,
    _: NoBody,
) -> Result<StatusCode, ApiError> {
    api.image_for(&asker, "deactivate", &id).await?;
    api.service.deactivate(&asker.caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes that back.
pub(crate) async fn reactivate(
    State(api): State<Api>,
    asker: Asker,
    ImagePath(id): ImagePath,
    _: NoBody,
) -> Result<StatusCode, ApiError> {
    api.image_for(&asker, "reactivate", &id).await?;
    api.service.reactivate(&asker.caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
