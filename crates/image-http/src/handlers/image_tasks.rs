// SPDX-License-Identifier: Apache-2.0
//! `GET /v2/images/{id}/tasks`

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::api::{Api, Asker, ImagePath};
use crate::body::NoBody;
use crate::error::ApiError;
use crate::wire;

/// What is being done, or was done, with an image.
pub(crate) async fn list(
    State(api): State<Api>,
    asker: Asker,
    ImagePath(id): ImagePath,
    _: NoBody,
) -> Result<Json<Value>, ApiError> {
    let no_image = |error: ApiError| error.for_missing_image("The resource could not be found.".to_owned());
    api.image_for(&asker, "get_image", &id).await.map_err(no_image)?;
    let tasks = api.service.tasks_of(&asker.caller, &id).await?;
    Ok(Json(json!({"tasks": tasks.iter().map(wire::task::of_image).collect::<Vec<_>>()})))
}
