// SPDX-License-Identifier: Apache-2.0
//! Version discovery.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::service::Identity;

fn v3(service: &Identity) -> Value {
    json!({
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": service.url("/")}],
        "media-types": [{
            "base": "application/json",
            "type": "application/vnd.openstack.identity-v3+json",
        }],
    })
}

/// `GET /`
pub(super) async fn all(State(service): State<Identity>) -> Response {
    let body = Json(json!({"versions": {"values": [v3(&service)]}}));
    (StatusCode::MULTIPLE_CHOICES, [(header::LOCATION, service.url("/"))], body).into_response()
}

/// `GET /v3`
pub(super) async fn show(State(service): State<Identity>) -> Json<Value> {
    Json(json!({"version": v3(&service)}))
}
