// SPDX-License-Identifier: Apache-2.0
//! Headers every answer has.

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::service::Identity;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-openstack-request-id");

/// Adds the request id, `Vary`, and to a 401 where to authenticate.
pub(super) async fn add(State(service): State<Identity>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let id = format!("req-{}", uuid::Uuid::new_v4().hyphenated());
    let mut response = next.run(request).await;
    tracing::debug!(request_id = id, %method, path, status = response.status().as_u16(), "answered");
    let unauthorized = response.status() == StatusCode::UNAUTHORIZED;
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("X-Auth-Token"));
    if let Ok(value) = HeaderValue::try_from(id) {
        headers.insert(REQUEST_ID, value);
    }
    if unauthorized && let Ok(value) = HeaderValue::try_from(format!("Keystone uri=\"{}\"", service.url("")))
    {
        headers.insert(header::WWW_AUTHENTICATE, value);
    }
    response
}
