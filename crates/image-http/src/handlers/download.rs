// SPDX-License-Identifier: Apache-2.0
//! `GET /v2/images/{id}/file`

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use scurry_image::Download;
use scurry_types::StoreId;

use super::store_info::is_reserved;
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
    let image = api.image_for(&asker, "download_image", &id).await?;
    let params = Params::parse(query.as_deref());
    let prefer: Vec<&str> = names(params.first("prefer").unwrap_or_default()).collect();
    if !prefer.is_empty() {
        api.require(&asker, "download_from_store", &image)?;
    }
    let prefer = known_stores(&api, &prefer)?;
    let wanted = range::wanted(&headers)?;
    match api.service.download(&asker.caller, &id, wanted, &prefer).await? {
        Some(download) => Ok(send(download, wanted.is_some())),
        None => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

/// The names in `prefer=a,b`.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty())
}

/// The stores of these names; all of them must be there.
fn known_stores(api: &Api, names: &[&str]) -> Result<Vec<StoreId>, ApiError> {
    let store = |name: &&str| match api.service.stores().get(name) {
        Some(_) if !is_reserved(name) => Ok(StoreId::new(*name)),
        _ => Err(ApiError::bad_request(format!("Store '{name}' is not configured."))),
    };
    names.iter().map(store).collect()
}

fn send(download: Download, partial: bool) -> Response {
    let range = download.range;
    let status = if partial { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    // The header tells of the body (RFC 1864), and the MD5 of a part is not known.
    let md5 = download.image.checksum.filter(|_| !partial);
    if let Some(value) = md5.and_then(|md5| HeaderValue::from_str(&md5).ok()) {
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
