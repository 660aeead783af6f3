// SPDX-License-Identifier: Apache-2.0
//! `GET /healthcheck`: whether to send requests here.

use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};

use crate::error::ApiError;
use crate::settings::HttpSettings;

/// 200, or 503 while the operator's file says so.
pub(crate) async fn show(http: &HttpSettings, method: &Method) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return ApiError::method_not_allowed(method, "GET, HEAD").into_response();
    }
    let disabled = match &http.healthcheck_disable_file {
        Some(path) => tokio::fs::try_exists(path).await.unwrap_or(false),
        None => false,
    };
    if disabled {
        (StatusCode::SERVICE_UNAVAILABLE, "DISABLED BY FILE").into_response()
    } else {
        (StatusCode::OK, "OK").into_response()
    }
}
