// SPDX-License-Identifier: Apache-2.0
//! `GET` and `POST /v2/images/{id}/locations`

use axum::Json;
use axum::extract::{Request, State};
use http::StatusCode;
use scurry_auth::Context;
use scurry_image::ValidationData;
use scurry_types::ImageStatus;
use serde_json::Value;

use crate::api::{Api, Asker, ImagePath};
use crate::body::read_json;
use crate::error::ApiError;
use crate::names;
use crate::schema::violation;
use crate::wire::image::location;

/// Where an image's data is; for services only.
pub(crate) async fn list(
    State(api): State<Api>,
    asker: Asker,
    ImagePath(id): ImagePath,
) -> Result<Json<Value>, ApiError> {
    api.image_for(&asker, "fetch_image_location", &id).await?;
    let locations = api.service.locations(&asker.caller, &id).await?;
    Ok(Json(locations.iter().map(location).collect()))
}

/// Registers data that is in a store already.
pub(crate) async fn add(
    State(api): State<Api>,
    asker: Asker,
    ImagePath(id): ImagePath,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let body = read_json(request, api.http.max_json_body).await?;
    if let Some(reason) = violation(&api.schemas.location, &body) {
        return Err(names::no_match("location", &reason));
    }
    let url = body.get("url").and_then(Value::as_str).unwrap_or_default();
    let validation = body.get("validation_data").map(validation_data).transpose()?;
    let image = api.image_for(&asker, "add_image_location", &id).await?;
    if image.status == ImageStatus::Queued && !is_service(&asker.context) && !in_http_store(&api, url) {
        let text = "http store must be enabled to use location API by normal user.";
        return Err(ApiError::forbidden(text));
    }
    api.service.add_location(&asker.caller, &id, url, validation).await?;
    Ok(StatusCode::ACCEPTED)
}

fn is_service(context: &Context) -> bool {
    context.roles.iter().chain(&context.service_roles).any(|role| role == "service")
}

/// Users may name what lies on web servers; what lies in the deployment's own stores only its services know.
fn in_http_store(api: &Api, url: &str) -> bool {
    let scheme = url.split("://").next().unwrap_or_default().to_ascii_lowercase();
    matches!(scheme.as_str(), "http" | "https")
        && api.service.stores().iter().any(|store| store.facts().kind == "http")
}

fn validation_data(value: &Value) -> Result<ValidationData, ApiError> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let os_hash_algo = text("os_hash_algo");
    let os_hash_value = text("os_hash_value");
    if os_hash_algo.is_some() != os_hash_value.is_some() {
        return Err(ApiError::bad_request(
            "os_hash_algo and os_hash_value are given together or not at all.",
        ));
    }
    let os_hash_algo = match os_hash_algo {
        None => None,
        Some(name) => Some(name.parse().map_err(|_| {
            ApiError::bad_request(format!("os_hash_algo '{name}' is not a known hash algorithm."))
        })?),
    };
    Ok(ValidationData { os_hash_algo, os_hash_value, checksum: None, store: text("store") })
}
