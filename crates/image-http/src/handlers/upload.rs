// SPDX-License-Identifier: Apache-2.0
//! `PUT /v2/images/{id}/file`

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use http::{HeaderMap, StatusCode};
use scurry_image::{Body, BodyError, Chunk, Upload};
use scurry_types::StoreId;

use crate::api::{Api, Asker, ImagePath};
use crate::body::{content_type, declared_length};
use crate::error::ApiError;
use crate::handlers::upload_session;
use crate::resumption::Announced;

/// Takes an image's data straight into a store. The body is not read before all checks are done.
pub(crate) async fn upload(
    State(api): State<Api>,
    asker: Asker,
    ImagePath(id): ImagePath,
    request: Request,
) -> Result<Response, ApiError> {
    let announced = Announced::read(request.headers());
    if let Some(complete) = announced.complete {
        return upload_session::begin(&api, &asker, &id, announced, complete, request).await;
    }
    require_octets(request.headers())?;
    let declared_len = announced_length(request.headers())?;
    let store = known_store(&api, request.headers())?;
    api.image_for(&asker, "upload_image", &id).await?;
    let upload = Upload { store, declared_len };
    api.service.upload(&asker.caller, &id, upload, image_bytes(request)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The store in `x-image-meta-store`, which must be there.
pub(super) fn known_store(api: &Api, headers: &HeaderMap) -> Result<Option<StoreId>, ApiError> {
    let store = store_choice(headers)?;
    match &store {
        Some(store) if api.service.stores().get(store.as_str()).is_none() => {
            Err(ApiError::bad_request(format!("Store for identifier {store} not found")))
        }
        _ => Ok(store),
    }
}

/// 415 for anything but bytes.
pub(crate) fn require_octets(headers: &HeaderMap) -> Result<(), ApiError> {
    let media = content_type(headers);
    if media.as_deref() == Some("application/octet-stream") {
        return Ok(());
    }
    let media = media.as_deref().unwrap_or("None");
    Err(ApiError::unsupported_media(media, format!("Invalid content type {media}")))
}

/// Bytes to come: `x-openstack-image-size`, else `Content-Length`; a length of 0 says nothing.
pub(crate) fn announced_length(headers: &HeaderMap) -> Result<Option<u64>, ApiError> {
    if headers.contains_key("x-openstack-image-size") {
        return named_length(headers);
    }
    Ok(declared_length(headers).filter(|len| *len > 0))
}

/// `x-openstack-image-size`; 0 says nothing.
pub(super) fn named_length(headers: &HeaderMap) -> Result<Option<u64>, ApiError> {
    let Some(value) = headers.get("x-openstack-image-size") else { return Ok(None) };
    let size = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    size.map(|size: u64| (size > 0).then_some(size))
        .ok_or_else(|| ApiError::bad_request("Invalid or missing image size in request headers."))
}

/// The store in `x-image-meta-store`.
pub(crate) fn store_choice(headers: &HeaderMap) -> Result<Option<StoreId>, ApiError> {
    let Some(value) = headers.get("x-image-meta-store") else { return Ok(None) };
    let text = value.to_str().map_err(|_| ApiError::bad_request("x-image-meta-store is not plain ASCII."))?;
    Ok(Some(StoreId::new(text.trim())))
}

/// The request's body as the use cases read it.
pub(crate) fn image_bytes(request: Request) -> Body {
    let bytes = request.into_body().into_data_stream();
    Box::pin(bytes.map(|chunk| chunk.map(Chunk::Data).map_err(|_| BodyError::ClientGone)))
}

#[cfg(test)]
mod tests {
    use http::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(&[], Ok(None))]
    #[case(&[("content-length", "7")], Ok(Some(7)))]
    #[case(&[("content-length", "0")], Ok(None))]
    #[case(&[("content-length", "7"), ("x-openstack-image-size", "9")], Ok(Some(9)))]
    #[case(&[("x-openstack-image-size", "0")], Ok(None))]
    #[case(&[("x-openstack-image-size", "nine")], Err(400))]
    #[case(&[("x-openstack-image-size", "-1")], Err(400))]
    fn the_announced_length(#[case] headers: &[(&str, &str)], #[case] expected: Result<Option<u64>, u16>) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        assert_eq!(announced_length(&map).map_err(|error| error.status.as_u16()), expected);
        map.remove(CONTENT_LENGTH);
    }
}
