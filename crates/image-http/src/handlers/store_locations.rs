// SPDX-License-Identifier: Apache-2.0
//! `DELETE /v2/stores/{store}/{id}`

use axum::extract::State;
use http::StatusCode;
use scurry_types::StoreId;

use super::store_info::is_reserved;
use crate::api::{Api, Asker, Named};
use crate::body::NoBody;
use crate::error::ApiError;

/// Removes an image's data from one of its stores.
pub(crate) async fn delete(
    State(api): State<Api>,
    asker: Asker,
    Named(names): Named,
    _: NoBody,
) -> Result<StatusCode, ApiError> {
    let mut names = names.into_iter();
    let store = StoreId::new(names.next().unwrap_or_default());
    let image = names.next().unwrap_or_default();
    if is_reserved(store.as_str()) || api.service.stores().get(store.as_str()).is_none() {
        return Err(ApiError::conflict(format!("The selected store {store} is not available on this node.")));
    }
    let id = image.parse().map_err(|_| ApiError::no_image(&image))?;
    let no_image = |error: ApiError| error.for_missing_image(format!("Failed to find image {id}"));
    let image = api.image_for(&asker, "delete_image_location", &id).await.map_err(no_image)?;
    api.require(&asker, "get_image_location", &image)?;
    api.service.delete_from_store(&asker.caller, &store, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
