// SPDX-License-Identifier: Apache-2.0
//! The old way to manage the cache, `/v2/cached_images` and `/v2/queued_images`: there with the paste flavor
//! `cachemanagement` only.

use axum::Json;
use axum::extract::State;
use scurry_auth::policy::Target;
use scurry_image::CachePart;
use scurry_types::ImageId;
use serde_json::{Value, json};

use super::cache::{only, view};
use crate::api::{Api, Asker, Named};
use crate::error::ApiError;

impl Api {
    /// Goes on where the routes are there and the caller may use them.
    fn require_managed(&self, asker: &Asker) -> Result<(), ApiError> {
        if !self.settings().cache_management {
            return Err(ApiError::no_resource());
        }
        self.require_on(asker, "manage_image_cache", &Target::new())?;
        self.require_cache()
    }
}

fn image(names: Vec<String>) -> Result<ImageId, ApiError> {
    let name = only(names);
    name.parse().map_err(|_| ApiError::not_found(format!("Image {name} not found.")))
}

/// What is cached.
pub(crate) async fn cached(State(api): State<Api>, asker: Asker) -> Result<Json<Value>, ApiError> {
    api.require_managed(&asker)?;
    let (cached, _) = api.service.cache_contents().await?;
    let cached: Vec<_> = cached.iter().map(view).collect();
    Ok(Json(json!({"cached_images": cached})))
}

/// Empties the cache.
pub(crate) async fn clear_cached(State(api): State<Api>, asker: Asker) -> Result<Json<Value>, ApiError> {
    api.require_managed(&asker)?;
    Ok(Json(json!({"num_deleted": api.service.clear_cache(CachePart::Cached).await?})))
}

/// Takes an image out of the cache.
pub(crate) async fn remove_cached(
    State(api): State<Api>,
    asker: Asker,
    Named(names): Named,
) -> Result<Json<Value>, ApiError> {
    api.require_managed(&asker)?;
    api.service.remove_cached(&image(names)?).await?;
    Ok(Json(Value::Null))
}

/// What is queued.
pub(crate) async fn queued(State(api): State<Api>, asker: Asker) -> Result<Json<Value>, ApiError> {
    api.require_managed(&asker)?;
    let (_, queued) = api.service.cache_contents().await?;
    Ok(Json(json!({"queued_images": queued})))
}

/// Empties the queue.
pub(crate) async fn clear_queued(State(api): State<Api>, asker: Asker) -> Result<Json<Value>, ApiError> {
    api.require_managed(&asker)?;
    Ok(Json(json!({"num_deleted": api.service.clear_cache(CachePart::Queued).await?})))
}

/// Puts an image into the queue; whether there is such an image shows when its turn comes.
pub(crate) async fn queue(
    State(api): State<Api>,
    asker: Asker,
    Named(names): Named,
) -> Result<Json<Value>, ApiError> {
    api.require_managed(&asker)?;
    api.service.queue(&image(names)?).await?;
    Ok(Json(Value::Null))
}

/// Takes an image out of the queue.
pub(crate) async fn remove_queued(
    State(api): State<Api>,
    asker: Asker,
    Named(names): Named,
) -> Result<Json<Value>, ApiError> {
    api.require_managed(&asker)?;
    api.service.remove_queued(&image(names)?).await?;
    Ok(Json(Value::Null))
}
