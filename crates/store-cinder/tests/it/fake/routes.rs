// SPDX-License-Identifier: Apache-2.0
//! The routes, and a Keystone just good enough to log in.

use std::sync::{Arc, Mutex};

use axum::extract::{Path, Request, State as Extract};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::{PROJECT, State, attachments, volumes};

pub(super) type Shared = Extract<Arc<Mutex<State>>>;

pub(super) fn router(state: Arc<Mutex<State>>, url: String) -> Router {
    let login = move || async move { login(&url) };
    Router::new()
        .route("/identity/v3/auth/tokens", post(login))
        .route("/v3/volumes", post(volumes::create))
        .route("/v3/volumes/detail", get(volumes::list))
        .route("/v3/volumes/{id}", get(volumes::show).delete(volumes::delete))
        .route("/v3/volumes/{id}/action", post(volumes::action))
        .route("/v3/volumes/{id}/metadata", post(volumes::set_metadata))
        .route("/v3/volumes/{id}/metadata/{key}", delete(volumes::delete_metadata))
        .route("/v3/attachments", post(attachments::create))
        .route("/v3/attachments/detail", get(attachments::list))
        .route("/v3/attachments/{id}", get(attachments::show).delete(attachments::delete))
        .route("/v3/attachments/{id}/action", post(attachments::complete))
        .route("/v3/types", get(types))
        .route("/v3/types/{id}", get(one_type))
        .route("/v3/extensions", get(extensions))
        .route("/v3/scheduler-stats/get_pools", get(pools))
        .layer(middleware::from_fn_with_state(Arc::clone(&state), away))
        .with_state(state)
}

/// What a proxy says whose service is not there; Keystone is another one.
async fn away(Extract(state): Shared, request: Request, next: Next) -> Response {
    let call = format!("{} {}", request.method(), request.uri().path());
    let away = {
        let mut state = state.lock().unwrap();
        call.contains("/v3/")
            && !call.contains("/identity/")
            && (state.faults.away || (state.faults.away_once && state.refused.insert(call)))
    };
    if away {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "No server is available to handle this request.");
    }
    next.run(request).await
}

fn login(url: &str) -> impl IntoResponse + use<> {
    let token = json!({ "token": {
        "methods": ["password"],
        "user": { "id": "u", "name": "glance", "domain": { "id": "default", "name": "Default" } },
        "project": { "id": PROJECT, "name": "service", "domain": { "id": "default", "name": "Default" } },
        "roles": [{ "id": "r", "name": "service" }],
        "issued_at": "2026-01-01T00:00:00.000000Z",
        "expires_at": "2099-01-01T00:00:00.000000Z",
        "catalog": [{ "id": "s", "type": "volumev3", "name": "cinder", "endpoints": [{
            "id": "e", "interface": "public", "region_id": "RegionOne", "region": "RegionOne",
            "url": format!("{url}/v3") }] }],
    } });
    (StatusCode::CREATED, [("X-Subject-Token", "token")], Json(token))
}

async fn types(Extract(state): Shared) -> Json<Value> {
    let state = state.lock().unwrap();
    let types: Vec<_> = state.types.iter().map(|(name, backend)| type_json(&state, name, backend)).collect();
    Json(json!({ "volume_types": types }))
}

async fn one_type(Extract(state): Shared, Path(id): Path<String>) -> Response {
    let state = state.lock().unwrap();
    let name = if id == "default" { "gold" } else { id.trim_start_matches("id-") };
    match state.types.get(name) {
        Some(backend) => Json(json!({ "volume_type": type_json(&state, name, backend) })).into_response(),
        None => not_found("Volume type", &id),
    }
}

fn type_json(state: &State, name: &str, backend: &str) -> Value {
    let specs = if state.faults.not_admin { json!({}) } else { json!({ "volume_backend_name": backend }) };
    json!({ "id": format!("id-{name}"), "name": name, "extra_specs": specs, "is_public": true })
}

async fn extensions(Extract(state): Shared) -> Json<Value> {
    let alias = if state.lock().unwrap().shrinks { "scurry-shrink" } else { "os-quota-sets" };
    Json(json!({ "extensions": [{ "alias": alias, "name": alias }] }))
}

async fn pools(Extract(state): Shared) -> Response {
    if state.lock().unwrap().faults.not_admin {
        return refuse(
            StatusCode::FORBIDDEN,
            "Policy doesn't allow scheduler_extension:scheduler_stats:get_pools",
        );
    }
    let pools = ["array-1", "array-2"].map(|backend| {
        json!({ "name": volumes::host(backend), "capabilities": { "volume_backend_name": backend } })
    });
    Json(json!({ "pools": pools })).into_response()
}

pub(super) fn refuse(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "fault": { "code": status.as_u16(), "message": message } }))).into_response()
}

pub(super) fn not_found(what: &str, id: &str) -> Response {
    refuse(StatusCode::NOT_FOUND, &format!("{what} {id} could not be found."))
}

/// Takes one of the faults that are left.
pub(super) fn take(left: &mut u32) -> bool {
    let fails = *left > 0;
    *left = left.saturating_sub(1);
    fails
}
