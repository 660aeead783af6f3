// SPDX-License-Identifier: Apache-2.0
//! `PATCH /v2/images/{id}`

use axum::extract::{Request, State};
use axum::response::Response;
use scurry_image::{Image, PatchOp, PatchRights, PatchVerb};
use serde_json::Value;

use crate::api::{Api, Asker, ImagePath};
use crate::body::read_json;
use crate::error::ApiError;
use crate::patch;
use crate::wire;

/// Applies all operations, or none.
pub(crate) async fn update(
    State(api): State<Api>,
    asker: Asker,
    ImagePath(id): ImagePath,
    request: Request,
) -> Result<Response, ApiError> {
    let dialect = patch::dialect(request.headers())?;
    let document = read_json(request, api.http.max_json_body).await?;
    let ops = patch::operations(&document, dialect, &api.schemas)?;
    let image = api.image_for(&asker, "get_image", &id).await?;
    for op in &ops {
        require(&api, &asker, &image, op)?;
    }
    if ops.is_empty() {
        return wire::json(&api.view(&asker, &image));
    }
    let rights = PatchRights {
        publicize: api.may(&asker, "publicize_image", &image),
        communitize: api.may(&asker, "communitize_image", &image),
        set_locations: api.may(&asker, "set_image_location", &image),
        delete_locations: api.may(&asker, "delete_image_location", &image),
        change_owner: asker.caller.is_admin,
        properties: api.property_rights(&asker, &ops),
    };
    let image = api.service.update(&asker.caller, &id, &ops, &rights).await?;
    wire::json(&api.view(&asker, &image))
}

/// The rules one operation falls under.
fn require(api: &Api, asker: &Asker, image: &Image, op: &PatchOp) -> Result<(), ApiError> {
    match (op.path.first().map(String::as_str), op.op) {
        (Some("locations"), PatchVerb::Remove) => api.require(asker, "delete_image_location", image),
        (Some("locations"), _) => api.require(asker, "set_image_location", image),
        (Some("visibility"), _) => {
            match op.value.as_ref().and_then(Value::as_str) {
                Some("public") => api.require(asker, "publicize_image", image)?,
                Some("community") => api.require(asker, "communitize_image", image)?,
                _ => {}
            }
            api.require(asker, "modify_image", image)
        }
        _ => api.require(asker, "modify_image", image),
    }
}
