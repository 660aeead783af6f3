// SPDX-License-Identifier: Apache-2.0
//! Version documents, which need no token.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use super::Shared;
use super::microversion::RANGE;
use crate::service::Service;

fn version(service: &Service) -> Value {
    json!({
        "id": "v3.0",
        "status": "CURRENT",
        "version": format!("3.{}", RANGE.1),
        "min_version": format!("3.{}", RANGE.0),
        "updated": "2026-11-22T00:00:00Z",
        "links": [
            { "rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/" },
            { "rel": "self", "href": format!("{}/v3/", service.public_url) },
        ],
        "media-types": [{
            "base": "application/json", "type": "application/vnd.openstack.volume+json;version=3",
        }],
    })
}

/// `GET /`
pub(crate) async fn all(State(service): State<Shared>) -> Response {
    (StatusCode::MULTIPLE_CHOICES, Json(json!({ "versions": [version(&service)] }))).into_response()
}

/// `GET /v3/`
pub(crate) async fn v3(State(service): State<Shared>) -> Response {
    Json(json!({ "versions": [version(&service)] })).into_response()
}

/// `GET /healthcheck`
pub(crate) async fn health(State(service): State<Shared>) -> Response {
    match service.db.ping().await {
        Ok(()) => (StatusCode::OK, "OK").into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer").into_response(),
    }
}
