// SPDX-License-Identifier: Apache-2.0
//! The layers around a service's routes.

use std::sync::atomic::Ordering;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Json, Router};
use chrono::TimeDelta;
use scurry_auth::middleware::{RequestIds, authenticate, request_id};
use scurry_auth::{AuthSettings, Context, TokenValidator};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::keystone::{Keystone, settings};

async fn who(headers: HeaderMap, Extension(context): Extension<Context>) -> Json<Value> {
    Json(json!({
        "user": context.user_id, "project": context.project_id, "roles": context.roles,
        "service_roles": context.service_roles, "admin": context.is_admin, "request": context.request_id,
        "sent": headers.keys().map(|name| name.as_str()).collect::<Vec<_>>(),
    }))
}

fn app(settings: AuthSettings) -> Router {
    let validator = TokenValidator::new(settings).unwrap();
    Router::new()
        .route("/who", get(who))
        .layer(from_fn_with_state(validator, authenticate))
        .layer(from_fn_with_state(RequestIds::accept(64), request_id))
}

async fn ask(app: &Router, headers: &[(&str, &str)]) -> Response {
    let mut request = Request::get("/who");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn json_of(response: Response) -> Value {
    serde_json::from_slice(&to_bytes(response.into_body(), 1 << 20).await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_valid_token_becomes_a_context() {
    let (keystone, address) = Keystone::start().await;
    keystone.add_token("ann", &["member", "Admin"], TimeDelta::hours(1));
    let response =
        ask(&app(settings(&address)), &[("x-auth-token", "ann"), ("x-openstack-request-id", "abc")]).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["x-openstack-request-id"], "req-abc");
    let body = json_of(response).await;
    assert_eq!(body["user"], "id-ann");
    assert_eq!(body["project"], "p1");
    assert_eq!(body["admin"], true);
    assert_eq!(body["request"], "req-abc");
}

#[tokio::test]
async fn without_a_valid_token_clients_learn_where_to_get_one() {
    let (_keystone, address) = Keystone::start().await;
    let mut settings = settings(&address);
    settings.www_authenticate_uri = "http://controller/identity".to_owned();
    let app = app(settings);
    for headers in
        [&[][..], &[("x-auth-token", "made-up")], &[("x-user-id", "u"), ("x-identity-status", "Confirmed")]]
    {
        let response = ask(&app, headers).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(response.headers()["www-authenticate"], "Keystone uri=\"http://controller/identity\"");
        assert!(response.headers()["x-openstack-request-id"].to_str().unwrap().starts_with("req-"));
        let body = json_of(response).await;
        assert_eq!(body["error"]["code"], 401);
        assert_eq!(body["error"]["message"], "The request you have made requires authentication.");
    }
}

#[tokio::test]
async fn a_failing_keystone_is_503_with_a_time_to_wait() {
    let (keystone, address) = Keystone::start().await;
    keystone.failing.store(500, Ordering::SeqCst);
    let response = ask(&app(settings(&address)), &[("x-auth-token", "ann")]).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
}

#[tokio::test]
async fn clients_cannot_name_themselves() {
    let (keystone, address) = Keystone::start().await;
    keystone.add_token("ann", &["member"], TimeDelta::hours(1));
    let forged = [
        ("x-auth-token", "ann"),
        ("x-roles", "admin"),
        ("X-Project-Id", "p9"),
        ("x-service-roles", "service"),
    ];
    let body = json_of(ask(&app(settings(&address)), &forged).await).await;
    assert_eq!(body["roles"], json!(["member"]));
    assert_eq!(body["project"], "p1");
    assert_eq!(body["service_roles"], json!([]));
    assert_eq!(body["sent"], json!(["x-auth-token"]));
}

#[tokio::test]
async fn a_service_token_vouches_for_an_expired_one() {
    let (keystone, address) = Keystone::start().await;
    keystone.add_token("old", &["member"], TimeDelta::hours(-1));
    keystone.add_token("nova", &["service"], TimeDelta::hours(1));
    keystone.add_token("bob", &["member"], TimeDelta::hours(1));
    let app = app(settings(&address));
    assert_eq!(ask(&app, &[("x-auth-token", "old")]).await.status(), StatusCode::UNAUTHORIZED);
    let answer = ask(&app, &[("x-auth-token", "old"), ("x-service-token", "nova")]).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(json_of(answer).await["service_roles"], json!(["service"]));
    // Another user's token vouches for nothing.
    let answer = ask(&app, &[("x-auth-token", "old"), ("x-service-token", "bob")]).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let answer = ask(&app, &[("x-auth-token", "bob"), ("x-service-token", "made-up")]).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn service_roles_are_required_unless_said_otherwise() {
    let (keystone, address) = Keystone::start().await;
    keystone.add_token("ann", &["member"], TimeDelta::hours(1));
    keystone.add_token("bob", &["member"], TimeDelta::hours(1));
    let both = [("x-auth-token", "ann"), ("x-service-token", "bob")];
    assert_eq!(ask(&app(settings(&address)), &both).await.status(), StatusCode::UNAUTHORIZED);
    let mut lax = settings(&address);
    lax.service_token_roles_required = false;
    assert_eq!(ask(&app(lax), &both).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_request_id_too_long_is_413() {
    let (_keystone, address) = Keystone::start().await;
    let long = "a".repeat(65);
    let response = ask(&app(settings(&address)), &[("x-openstack-request-id", &long)]).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert!(response.headers().contains_key("x-openstack-request-id"));
}
