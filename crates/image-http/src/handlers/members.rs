// SPDX-License-Identifier: Apache-2.0
//! Members of a shared image, `/v2/images/{id}/members`.

use axum::Json;
use axum::extract::{Request, State};
use http::StatusCode;
use scurry_image::{Image, ImageError};
use scurry_types::{ImageId, Visibility};
use serde_json::{Value, json};

use crate::api::{Api, Asker, ImagePath, Named};
use crate::body::{NoBody, read_json};
use crate::error::ApiError;
use crate::wire::member::{new_member, new_status, view};

/// The projects an image is shared with; a member sees itself only.
pub(crate) async fn list(
    State(api): State<Api>,
    asker: Asker,
    ImagePath(id): ImagePath,
    _: NoBody,
) -> Result<Json<Value>, ApiError> {
    let image = find(&api, &asker, &id).await?;
    if image.visibility != Visibility::Shared {
        return Err(ApiError::forbidden(format!(
            "Not allowed to list members for image {id}: Only shared images have members."
        )));
    }
    api.require(&asker, "get_members", &image)?;
    let members = if api.may(&asker, "get_member", &image) {
        api.service.members(&asker.caller, &id).await?
    } else {
        Vec::new()
    };
    let members: Vec<_> = members.iter().map(view).collect();
    Ok(Json(json!({"members": members, "schema": "/v2/schemas/members"})))
}

/// Shares an image with a project.
pub(crate) async fn add(
    State(api): State<Api>,
    asker: Asker,
    ImagePath(id): ImagePath,
    request: Request,
) -> Result<Json<Value>, ApiError> {
    let body = read_json(request, api.http.max_json_body).await?;
    let member = new_member(&body)?;
    let image = find(&api, &asker, &id).await?;
    require_shared(&image, "create")?;
    api.require(&asker, "add_member", &image)?;
    match api.service.add_member(&asker.caller, &id, member).await {
        Ok(member) => Ok(Json(view(&member))),
        Err(ImageError::Conflict(_)) => {
            Err(ApiError::conflict(format!("Member {member} is duplicated for image {id}")))
        }
        Err(ImageError::TooLarge(text)) => {
            Err(ApiError::too_large(format!("Image member limit exceeded for image {id}: {text}:")))
        }
        Err(other) => Err(other.into()),
    }
}

/// One project an image is shared with. Who may not look is told that there is nothing.
pub(crate) async fn show(
    State(api): State<Api>,
    asker: Asker,
    names: Named,
    _: NoBody,
) -> Result<Json<Value>, ApiError> {
    let (id, member) = names.image_and()?;
    let image = find(&api, &asker, &id).await?;
    if image.visibility != Visibility::Shared {
        return Err(ApiError::not_found("Only shared images have members."));
    }
    if !api.may(&asker, "get_member", &image) {
        return Err(no_member(&id, &member));
    }
    let found = api.service.member(&asker.caller, &id, &member).await;
    Ok(Json(view(&found.map_err(|error| missing(error, &id, &member))?)))
}

/// A member's answer: the member gives it, not the owner.
pub(crate) async fn update(
    State(api): State<Api>,
    asker: Asker,
    names: Named,
    request: Request,
) -> Result<Json<Value>, ApiError> {
    let (id, member) = names.image_and()?;
    let body = read_json(request, api.http.max_json_body).await?;
    if !body.is_object() || body.get("status").is_none() {
        new_status(&body)?;
    }
    let image = find(&api, &asker, &id).await?;
    require_shared(&image, "update")?;
    api.require(&asker, "get_member", &image)?;
    let found = api.service.member(&asker.caller, &id, &member).await;
    found.map_err(|error| missing(error, &id, &member))?;
    api.require(&asker, "modify_member", &image)?;
    let status = new_status(&body)?;
    let changed = api.service.set_member_status(&asker.caller, &id, &member, status).await;
    Ok(Json(view(&changed.map_err(|error| missing(error, &id, &member))?)))
}

/// Stops sharing an image with a project.
pub(crate) async fn remove(
    State(api): State<Api>,
    asker: Asker,
    names: Named,
    _: NoBody,
) -> Result<StatusCode, ApiError> {
    let (id, member) = names.image_and()?;
    let image = find(&api, &asker, &id).await?;
    require_shared(&image, "delete")?;
    api.require(&asker, "delete_member", &image)?;
    let removed = api.service.remove_member(&asker.caller, &id, &member).await;
    removed.map_err(|error| missing(error, &id, &member))?;
    Ok(StatusCode::NO_CONTENT)
}

/// An image the caller may see.
async fn find(api: &Api, asker: &Asker, id: &ImageId) -> Result<Image, ApiError> {
    let no_image = |error: ApiError| error.for_missing_image(format!("Image {id} not found."));
    api.image_for(asker, "get_image", id).await.map_err(no_image)
}

fn require_shared(image: &Image, what: &str) -> Result<(), ApiError> {
    if image.visibility == Visibility::Shared {
        return Ok(());
    }
    Err(ApiError::forbidden(format!("Not allowed to {what} members for image {}.", image.id)))
}

fn missing(error: ImageError, id: &ImageId, member: &str) -> ApiError {
    match error {
        ImageError::NotFound(_) => no_member(id, member),
        other => other.into(),
    }
}

fn no_member(id: &ImageId, member: &str) -> ApiError {
    ApiError::not_found(format!("{member} not found in the member list of the image {id}."))
}
