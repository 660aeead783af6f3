// SPDX-License-Identifier: Apache-2.0
//! A Keystone that knows a few tokens, and can be told to fail.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::{DateTime, TimeDelta, Utc};
use scurry_auth::{AuthSettings, Secret};
use scurry_openstack_client::{Credentials, DomainRef, SessionOptions};
use serde_json::{Value, json};

/// Roles and end of a token.
type Issued = (Vec<String>, DateTime<Utc>);

/// What the tests see and set.
#[derive(Debug, Default)]
pub(crate) struct Keystone {
    tokens: Mutex<HashMap<String, Issued>>,
    /// How often a token was asked about.
    pub(crate) validations: AtomicUsize,
    /// How often limits were asked for.
    pub(crate) limit_reads: AtomicUsize,
    /// Status of all answers, when not 0.
    pub(crate) failing: AtomicU16,
    /// Project limits: project, resource, limit.
    pub(crate) own_limits: Mutex<Vec<(String, String, i64)>>,
    /// Registered limits: region, resource, limit.
    pub(crate) registered: Mutex<Vec<(Option<String>, String, i64)>>,
}

impl Keystone {
    /// Starts one; gives it and its address.
    pub(crate) async fn start() -> (Arc<Self>, String) {
        let keystone = Arc::new(Self::default());
        let app = Router::new()
            .route("/v3/auth/tokens", post(log_in).get(validate))
            .route("/v3/registered_limits", get(registered_limits))
            .route("/v3/limits", get(limits))
            .route("/v3/endpoints", get(endpoints))
            .route("/v3/endpoints/{id}", get(endpoint))
            .route("/v3/services", get(services))
            .with_state(Arc::clone(&keystone));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        (keystone, address)
    }

    pub(crate) fn add_token(&self, id: &str, roles: &[&str], lifetime: TimeDelta) {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        self.tokens.lock().unwrap().insert(id.to_owned(), (roles, Utc::now() + lifetime));
    }

    pub(crate) fn remove_token(&self, id: &str) {
        self.tokens.lock().unwrap().remove(id);
    }

    pub(crate) fn validations(&self) -> usize {
        self.validations.load(Ordering::SeqCst)
    }

    fn failure(&self) -> Option<Response> {
        match self.failing.load(Ordering::SeqCst) {
            0 => None,
            status => Some(StatusCode::from_u16(status).unwrap().into_response()),
        }
    }
}

pub(crate) fn credentials(address: &str) -> Credentials {
    let domain = || DomainRef::Id("default".to_owned());
    Credentials::password(
        address,
        "glance",
        domain(),
        Secret::new("geheim"),
        Some(("service".to_owned(), domain())),
    )
}

pub(crate) fn options() -> SessionOptions {
    SessionOptions { retries: 0, ..SessionOptions::default() }
}

pub(crate) fn settings(address: &str) -> AuthSettings {
    AuthSettings::new(credentials(address), options())
}

type Shared = State<Arc<Keystone>>;

fn token_body(user: &str, roles: &[String], expires_at: DateTime<Utc>) -> Value {
    json!({"token": {
        "methods": ["password"],
        "user": {"id": format!("id-{user}"), "name": user, "domain": {"id": "default", "name": "Default"}},
        "project": {"id": "p1", "name": "demo", "domain": {"id": "default", "name": "Default"}},
        "roles": roles.iter().map(|name| json!({"id": name, "name": name})).collect::<Vec<_>>(),
        "expires_at": expires_at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
        "issued_at": Utc::now().to_rfc3339(),
        "audit_ids": ["x"],
        "catalog": [{"type": "volumev3", "name": "cinder", "id": "s", "endpoints": [
            {"id": "e", "interface": "public", "region": "RegionOne", "region_id": "RegionOne", "url": "http://c/v3"}]}],
    }})
}

async fn log_in(State(keystone): Shared, Json(body): Json<Value>) -> Response {
    if let Some(failure) = keystone.failure() {
        return failure;
    }
    if body["auth"]["identity"]["password"]["user"]["password"] != "geheim" {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let answer = token_body("glance", &["service".to_owned()], Utc::now() + TimeDelta::hours(1));
    (StatusCode::CREATED, [("x-subject-token", "own-token")], Json(answer)).into_response()
}

async fn validate(
    State(keystone): Shared,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    keystone.validations.fetch_add(1, Ordering::SeqCst);
    if let Some(failure) = keystone.failure() {
        return failure;
    }
    if headers["x-auth-token"] != "own-token" {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let id = headers["x-subject-token"].to_str().unwrap().to_owned();
    let found = keystone.tokens.lock().unwrap().get(&id).cloned();
    match found {
        Some((roles, end)) if end > Utc::now() || query.contains_key("allow_expired") => {
            Json(token_body(&id, &roles, end)).into_response()
        }
        _ => {
            let body =
                json!({"error": {"code": 404, "title": "Not Found", "message": "Could not find token."}});
            (StatusCode::NOT_FOUND, Json(body)).into_response()
        }
    }
}

async fn registered_limits(State(keystone): Shared) -> Response {
    keystone.limit_reads.fetch_add(1, Ordering::SeqCst);
    if let Some(failure) = keystone.failure() {
        return failure;
    }
    let limits = keystone.registered.lock().unwrap();
    let list: Vec<Value> = limits
        .iter()
        .map(|(region, name, limit)| {
            json!({"id": "r", "service_id": "svc-image", "region_id": region, "resource_name": name,
                   "default_limit": limit, "description": null, "links": {}})
        })
        .collect();
    Json(json!({"links": {}, "registered_limits": list})).into_response()
}

async fn limits(State(keystone): Shared, Query(query): Query<HashMap<String, String>>) -> Response {
    let wanted = query["project_id"].clone();
    let limits = keystone.own_limits.lock().unwrap();
    let list: Vec<Value> = limits
        .iter()
        .filter(|(project, ..)| *project == wanted)
        .map(|(project, name, limit)| {
            json!({"id": "l", "service_id": "svc-image", "region_id": null, "resource_name": name,
                   "resource_limit": limit, "project_id": project, "domain_id": null})
        })
        .collect();
    Json(json!({"links": {}, "limits": list})).into_response()
}

fn endpoint_value() -> Value {
    json!({"id": "e1", "service_id": "svc-image", "region_id": "RegionOne", "region": "RegionOne",
           "interface": "public", "url": "http://g:9292", "enabled": true})
}

async fn endpoint(Path(id): Path<String>) -> Response {
    if id == "e1" {
        Json(json!({"endpoint": endpoint_value()})).into_response()
    } else {
        StatusCode::NOT_FOUND.into_response()
    }
}

async fn endpoints(Query(query): Query<HashMap<String, String>>) -> Json<Value> {
    let fits = query.get("service_id").is_some_and(|id| id == "svc-image");
    Json(json!({"endpoints": if fits { vec![endpoint_value()] } else { vec![] }}))
}

async fn services(Query(query): Query<HashMap<String, String>>) -> Json<Value> {
    let fits = query.get("type").is_some_and(|kind| kind == "image");
    let service = json!({"id": "svc-image", "type": "image", "name": "glance", "enabled": true});
    Json(json!({"services": if fits { vec![service] } else { vec![] }}))
}
