// SPDX-License-Identifier: Apache-2.0
//! `GET /v2/images/{id}/file`

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use scurry_image::Download;
use scurry_types::StoreId;

use crate::api::{Api, Asker, ImagePath};
use crate::body::NoBody;
use crate::error::ApiError;
use crate::query::Params;
use crate::range;

/// Sends an image's data, or a range of it; 204 when there is none.
pub(crate) async fn download(
    State(api): State<Api>,
    asker: Asker,
    ImagePath(id): ImagePath,
    RawQuery(query): RawQuery,
    _method: Method,
    headers: HeaderMap,
    _: NoBody,
) -> Result<Response, ApiError> {
    let prefer = preferred_stores(&api, &Params::parse(query.as_deref()))?;
    let image = api.image_for(&asker, "download_image", &id).await?;
    if !prefer.is_empty() {
        api.require(&asker, "download_from_store", &image)?;
    }
    let wanted = range::wanted(&headers)?;
    match api.service.download(&asker.caller, &id, wanted, &prefer).await? {
        Some(download) => Ok(send(download, wanted.is_some())),
        None => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

/// Stores in `prefer=a,b`, all of them known.
fn preferred_stores(api: &Api, params: &Params) -> Result<Vec<StoreId>, ApiError> {
    let names = params.first("prefer").unwrap_or_default().split(',').map(str::trim);
    names
        .filter(|name| !name.is_empty())
        .map(|name| match api.service.stores().get(name) {
            Some(_) => Ok(StoreId::new(name)),
            None => Err(ApiError::bad_request(format!("Store '{name}' is not configured."))),
        })
        .collect()
}

fn send(download: Download, partial: bool) -> Response {
    let range = download.range;
    let status = if partial { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    if let Some(value) = download.image.checksum.and_then(|md5| HeaderValue::from_str(&md5).ok()) {
        headers.insert(HeaderName::from_static("content-md5"), value);
    }
    if partial {
        let span = format!("bytes {}-{}/{}", range.start, range.end.saturating_sub(1), download.len);
        if let Ok(value) = HeaderValue::from_str(&span) {
            headers.insert(header::CONTENT_RANGE, value);
        }
    }
    (status, headers, Body::from_stream(download.body)).into_response()
}
