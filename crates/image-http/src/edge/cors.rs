// SPDX-License-Identifier: Apache-2.0
//! Cross-origin requests: what pages of other origins may ask and see.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use scurry_config::CorsOrigin;

use crate::settings::HttpSettings;

/// Headers every page may send.
const SIMPLE_HEADERS: [&str; 8] = [
    "accept",
    "accept-language",
    "content-type",
    "cache-control",
    "content-language",
    "expires",
    "last-modified",
    "pragma",
];

/// Answers preflights and lets pages of allowed origins read the answers.
pub(crate) async fn apply(State(http): State<Arc<HttpSettings>>, request: Request, next: Next) -> Response {
    let Some(origins) = &http.cors else { return next.run(request).await };
    let preflight = request.method() == Method::OPTIONS;
    let asked = request.headers().clone();
    let mut response = next.run(request).await;
    if preflight && !response.status().is_success() {
        // No route here answers OPTIONS; a browser must not take that for a no.
        response = Response::new(Body::empty());
    }
    let Some((origin, allowed)) = allowed(origins, &asked) else { return response };
    let told = if preflight { preflight_headers(allowed, &asked) } else { Some(exposed(allowed)) };
    if let Some(told) = told {
        let headers = response.headers_mut();
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if allowed.allow_credentials {
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        headers.extend(told);
    }
    response
}

/// The settings of the request's origin, and how it is named in the answer.
fn allowed<'a>(origins: &'a [CorsOrigin], asked: &HeaderMap) -> Option<(HeaderValue, &'a CorsOrigin)> {
    let origin = asked.get(header::ORIGIN)?;
    if let Some(own) = origins.iter().find(|known| known.origin.as_bytes() == origin.as_bytes()) {
        return Some((origin.clone(), own));
    }
    let any = origins.iter().find(|known| known.origin == "*")?;
    Some((HeaderValue::from_static("*"), any))
}

/// None when the page asks for more than it may.
fn preflight_headers(allowed: &CorsOrigin, asked: &HeaderMap) -> Option<Vec<(HeaderName, HeaderValue)>> {
    let method = asked.get(header::ACCESS_CONTROL_REQUEST_METHOD)?;
    if !allowed.allow_methods.iter().any(|known| known.as_bytes() == method.as_bytes()) {
        return None;
    }
    let mut told = vec![(header::ACCESS_CONTROL_ALLOW_METHODS, method.clone())];
    let wanted = match asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        Some(value) => value.to_str().ok()?,
        None => "",
    };
    let wanted: Vec<&str> = wanted.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let may = |name: &str| {
        SIMPLE_HEADERS.iter().any(|known| known.eq_ignore_ascii_case(name))
            || allowed.allow_headers.iter().any(|known| known.eq_ignore_ascii_case(name))
    };
    if !wanted.iter().all(|name| may(name)) {
        return None;
    }
    if !wanted.is_empty() {
        told.push((header::ACCESS_CONTROL_ALLOW_HEADERS, value(&wanted.join(","))?));
    }
    if let Some(age) = allowed.max_age {
        told.push((header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from(age)));
    }
    Some(told)
}

fn exposed(allowed: &CorsOrigin) -> Vec<(HeaderName, HeaderValue)> {
    let names = value(&allowed.expose_headers.join(",")).filter(|names| !names.is_empty());
    names.map(|names| (header::ACCESS_CONTROL_EXPOSE_HEADERS, names)).into_iter().collect()
}

fn value(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(text).ok()
}
