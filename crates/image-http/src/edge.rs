// SPDX-License-Identifier: Apache-2.0
//! What surrounds every request: version prefixes, the access log, shaped errors, bodies nobody wants.

mod address;
pub(crate) mod cors;
mod drain;

use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::uri::{PathAndQuery, Uri};
use http::{HeaderValue, Method, StatusCode, header};
use scurry_auth::middleware::Refusal;
use scurry_telemetry::RequestId;
use tower::ServiceExt;
use tracing::Instrument;

use crate::error::{ApiError, render};
use crate::settings::HttpSettings;
use crate::{handlers, versions};

pub(crate) use address::base_url;

const VENDOR_TYPE: &str = "application/vnd.openstack.images-";

/// The routes of version 2, behind the prefixes that lead there.
#[derive(Debug, Clone)]
pub(crate) struct Front {
    pub(crate) v2: Router,
    pub(crate) http: Arc<HttpSettings>,
    /// The API's description, written once.
    pub(crate) openapi: Bytes,
    /// There is an image cache.
    pub(crate) cache: bool,
}

/// Looks for a version in the media type, else in the first segment of the path.
pub(crate) async fn negotiate(State(front): State<Front>, mut request: Request) -> Response {
    let base = base_url(&front.http, request.headers());
    let path = request.uri().path();
    let (first, rest) = split_first(path);
    match first {
        "versions" => return versions::list(&base, StatusCode::OK, front.cache),
        "openapi.json" if rest.is_empty() => return described(&front, request.method()),
        "healthcheck" if rest.is_empty() => {
            let (parts, _) = request.into_parts();
            return handlers::healthcheck::show(&front.http, &parts).await;
        }
        _ => {}
    }
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let (version, rest) = match accept.and_then(|accept| accept.strip_prefix(VENDOR_TYPE)) {
        Some(version) => (version, path),
        None => (first, rest),
    };
    if !versions::is_known(version, front.cache) {
        return versions::list(&base, StatusCode::MULTIPLE_CHOICES, front.cache);
    }
    if rest.is_empty() {
        let location = format!("{}/v2/", base.trim_end_matches('/'));
        return (StatusCode::FOUND, [(header::LOCATION, location)]).into_response();
    }
    let rest = rest.trim_start_matches('/'); // a client's base address may end in a slash
    let target = match request.uri().query() {
        Some(query) => format!("/v2/{rest}?{query}"),
        None => format!("/v2/{rest}"),
    };
    let Ok(target) = target.parse::<PathAndQuery>() else {
        return ApiError::no_resource().into_response();
    };
    *request.uri_mut() = Uri::from(target);
    match front.v2.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

fn described(front: &Front, method: &Method) -> Response {
    if method != Method::GET {
        return ApiError::method_not_allowed(method, "GET").into_response();
    }
    ([(header::CONTENT_TYPE, "application/json")], front.openapi.clone()).into_response()
}

/// First segment of a path and what follows it, slash included.
fn split_first(path: &str) -> (&str, &str) {
    let path = path.trim_start_matches('/');
    path.split_at(path.find('/').unwrap_or(path.len()))
}

/// One span and one line a request; errors get the body the client's `Accept` asks for.
pub(crate) async fn observe(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request.extensions().get::<RequestId>().map_or_else(String::new, ToString::to_string);
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let headers = request.headers().clone();
    let span = tracing::info_span!("request", request.id = %id);
    let request = request.map(|body| Body::from_stream(drain::Draining::new(body, &headers)));
    let mut response = next.run(request).instrument(span.clone()).await;
    if let Some(error) = response.extensions().get::<ApiError>() {
        response = render(error, &headers);
    }
    // Names and properties are the clients' own text: no browser shall guess at what they are.
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let bytes = response.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let bytes = bytes.map_or_else(|| size_of(&response), |text| text.parse().ok());
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| {
        tracing::info!(%method, path, status = response.status().as_u16(), bytes, duration_ms, "request answered");
    });
    response
}

/// Gives the refusals of the layer that knows the callers the bodies of this service.
pub(crate) async fn shape_refusal(response: Response) -> Response {
    let Some(refusal) = response.extensions().get::<Refusal>() else { return response };
    let mut error = match response.status() {
        StatusCode::UNAUTHORIZED => ApiError::unauthorized(),
        status => ApiError::new(status, refusal.message),
    };
    for name in [header::WWW_AUTHENTICATE, header::RETRY_AFTER] {
        if let Some(value) = response.headers().get(&name) {
            error = error.with_header(name, value.clone());
        }
    }
    error.into_response()
}

fn size_of(response: &Response) -> Option<u64> {
    response.body().size_hint().exact()
}

/// A handler that panicked is a bug of ours: 500 for this request, and the next one is served.
pub(crate) fn panicked(_panic: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a handler panicked");
    ApiError::internal().into_response()
}

/// A path that leads nowhere.
pub(crate) async fn unmatched(request: Request) -> ApiError {
    match request.method().as_str() {
        "GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "PATCH" => ApiError::no_resource(),
        _ => ApiError::not_implemented(request.method()),
    }
}

#[cfg(test)]
mod tests {
    use axum::middleware::from_fn;
    use axum::routing::get;
    use tower_http::catch_panic::CatchPanicLayer;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_500_for_one_request() {
        let broken = || async {
            if true {
                panic!("a bug")
            }
        };
        let app = Router::new()
            .route("/", get(broken))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(from_fn(observe));
        let response = app.oneshot(Request::new(Body::empty())).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html; charset=UTF-8");
    }

    #[test]
    fn the_first_segment_is_cut_off_with_its_slashes() {
        assert_eq!(split_first("/v2/images/x"), ("v2", "/images/x"));
        assert_eq!(split_first("//v2"), ("v2", ""));
        assert_eq!(split_first("/"), ("", ""));
        assert_eq!(split_first(""), ("", ""));
    }
}
