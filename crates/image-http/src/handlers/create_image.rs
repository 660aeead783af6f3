// SPDX-License-Identifier: Apache-2.0
//! `POST /v2/images`

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::store_info::is_reserved;
use crate::api::{Api, Asker};
use crate::body::read_json;
use crate::edge::base_url;
use crate::error::ApiError;
use crate::wire;
use crate::wire::image::href;
use crate::wire::new_image::new_image;

/// Registers an image without data; headers tell how data may get to it.
pub(crate) async fn create(
    State(api): State<Api>,
    asker: Asker,
    request: Request,
) -> Result<Response, ApiError> {
    let base = base_url(&api.http, request.headers());
    let new = new_image(read_json(request, api.http.max_json_body).await?, &api.schemas)?;
    let owner = new.owner.as_ref().map(|owner| owner.as_str());
    api.require_add(&asker, owner, new.visibility)?;
    api.require_properties(&asker, new.properties.keys())?;
    let image = api.service.create(&asker.caller, new).await?;
    let mut headers = HeaderMap::new();
    add(&mut headers, header::LOCATION, &format!("{base}{}", href(&image)));
    let methods = api.settings().enabled_import_methods.join(",");
    add(&mut headers, HeaderName::from_static("openstack-image-import-methods"), &methods);
    let stores = api.service.stores().iter().map(|store| store.facts().id.as_str());
    let stores: Vec<_> = stores.filter(|id| !is_reserved(id)).collect();
    add(&mut headers, HeaderName::from_static("openstack-image-store-ids"), &stores.join(","));
    Ok((StatusCode::CREATED, headers, wire::json(&api.view(&asker, &image))?).into_response())
}

/// Adds a header that has a value.
fn add(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value)
        && !value.is_empty()
    {
        headers.insert(name, value);
    }
}
