// SPDX-License-Identifier: Apache-2.0
//! The cache of this node: `/v2/cache` and what lies below.

use axum::Json;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use scurry_auth::policy::Target;
use scurry_image::ports::CachedImage;
use scurry_image::{CachePart, ImageError};
use serde_json::{Value, json};

use crate::access::target;
use crate::api::{Api, Asker, Named};
use crate::body::NoBody;
use crate::error::ApiError;

/// What is cached and what is queued.
pub(crate) async fn show(State(api): State<Api>, asker: Asker, _: NoBody) -> Result<Json<Value>, ApiError> {
    api.require_on(&asker, "cache_list", &Target::new())?;
    let (cached, queued) = api.service.cache_contents().await?;
    let cached: Vec<_> = cached.iter().map(view).collect();
    Ok(Json(json!({"cached_images": cached, "queued_images": queued})))
}

/// An entry; times are seconds since 1970.
pub(super) fn view(entry: &CachedImage) -> Value {
    let seconds = |time: chrono::DateTime<chrono::Utc>| time.timestamp_micros() as f64 / 1e6;
    json!({
        "id": entry.id,
        "image_id": entry.image,
        "last_accessed": seconds(entry.last_accessed),
        "last_modified": seconds(entry.last_modified),
        "size": entry.size,
        "hits": entry.hits,
        "checksum": entry.checksum,
    })
}

/// Clears cache, queue, or both, as `x-image-cache-clear-target` says.
pub(crate) async fn clear(
    State(api): State<Api>,
    asker: Asker,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    api.require_on(&asker, "cache_delete", &Target::new())?;
    api.require_cache()?;
    let wanted = headers.get("x-image-cache-clear-target").map(|value| value.as_bytes().to_ascii_lowercase());
    let parts: &[_] = match wanted.as_deref().unwrap_or_default() {
        b"" => &[CachePart::Cached, CachePart::Queued],
        b"cache" => &[CachePart::Cached],
        b"queue" => &[CachePart::Queued],
        _ => {
            return Err(ApiError::bad_request(
                "If provided 'x-image-cache-clear-target' must be 'cache', 'queue' or empty string.",
            ));
        }
    };
    for part in parts {
        api.service.clear_cache(*part).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Has an image fetched into the cache.
pub(crate) async fn queue(
    State(api): State<Api>,
    asker: Asker,
    Named(names): Named,
) -> Result<StatusCode, ApiError> {
    let image = api.service.image_to_cache(&asker.caller, &only(names)).await?;
    api.require_on(&asker, "cache_image", &target(&asker, &image))?;
    api.service.queue_active(&image).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Takes an image out of cache and queue; one that is deleted may still be there.
pub(crate) async fn delete(
    State(api): State<Api>,
    asker: Asker,
    Named(names): Named,
) -> Result<StatusCode, ApiError> {
    let name = only(names);
    let id = match api.service.image_to_cache(&asker.caller, &name).await {
        Ok(image) => {
            api.require_on(&asker, "cache_delete", &target(&asker, &image))?;
            image.id
        }
        Err(missing @ ImageError::NotFound(_)) => {
            let Some(id) = api.service.is_in_cache(&name).await? else { return Err(missing.into()) };
            api.require_on(&asker, "cache_delete", &Target::new())?;
            id
        }
        Err(error) => return Err(error.into()),
    };
    api.service.remove_cached(&id).await?;
    api.service.remove_queued(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Addresses of the nodes that have an image cached.
pub(crate) async fn nodes(
    State(api): State<Api>,
    asker: Asker,
    Named(names): Named,
    _: NoBody,
) -> Result<Json<Vec<String>>, ApiError> {
    api.require_on(&asker, "list_cached_nodes", &Target::new())?;
    Ok(Json(api.service.nodes_with_cached(&asker.caller, &only(names)).await?))
}

/// Removes what is wrong or has been incomplete for too long.
pub(crate) async fn clean(State(api): State<Api>, asker: Asker) -> Result<StatusCode, ApiError> {
    api.require_on(&asker, "cache_clean", &Target::new())?;
    api.service.clean_cache().await?;
    Ok(StatusCode::OK)
}

/// Makes the cache as small as it has to be.
pub(crate) async fn prune(State(api): State<Api>, asker: Asker) -> Result<Json<Value>, ApiError> {
    api.require_on(&asker, "cache_prune", &Target::new())?;
    let pruned = api.service.prune_cache().await?;
    Ok(Json(json!({"total_files_pruned": pruned.files, "total_bytes_pruned": pruned.bytes})))
}

/// The name in the path.
pub(super) fn only(names: Vec<String>) -> String {
    names.into_iter().next().unwrap_or_default()
}
