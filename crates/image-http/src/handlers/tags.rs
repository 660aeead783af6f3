// SPDX-License-Identifier: Apache-2.0
//! `PUT` and `DELETE /v2/images/{id}/tags/{tag}`

use axum::extract::State;
use http::StatusCode;
use scurry_image::ImageError;
use scurry_types::ImageId;

use crate::api::{Api, Asker, Named};
use crate::body::NoBody;
use crate::error::ApiError;
use crate::names;

/// Adds a tag.
pub(crate) async fn add(
    State(api): State<Api>,
    asker: Asker,
    names: Named,
    _: NoBody,
) -> Result<StatusCode, ApiError> {
    let (id, tag) = names.image_and()?;
    if tag.chars().count() > names::LONGEST_NAME {
        return Err(names::no_match("image", &format!("'{tag}' is too long")));
    }
    if names::has_astral(&tag) {
        return Err(ApiError::bad_request("Param values can't contain 4 byte unicode."));
    }
    api.image_for(&asker, "modify_image", &id).await.map_err(|error| no_image(error, &id))?;
    match api.service.add_tag(&asker.caller, &id, &tag).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(ImageError::TooLarge(text)) => {
            Err(ApiError::too_large(format!("Image tag limit exceeded for image {id}: {text}:")))
        }
        Err(other) => Err(other.into()),
    }
}

fn no_image(error: ApiError, id: &ImageId) -> ApiError {
    error.for_missing_image(format!("Image {id} not found."))
}

/// Removes a tag.
pub(crate) async fn remove(
    State(api): State<Api>,
    asker: Asker,
    names: Named,
    _: NoBody,
) -> Result<StatusCode, ApiError> {
    let (id, tag) = names.image_and()?;
    api.image_for(&asker, "modify_image", &id).await.map_err(|error| no_image(error, &id))?;
    api.service.remove_tag(&asker.caller, &id, &tag).await?;
    Ok(StatusCode::NO_CONTENT)
}
