// SPDX-License-Identifier: Apache-2.0
//! Callers known by tokens, by a proxy's headers, or not at all.

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Json, Router};
use chrono::TimeDelta;
use scurry_auth::middleware::{Callers, admit};
use scurry_auth::{Context, TokenValidator};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::keystone::{Keystone, settings};

async fn who(Extension(context): Extension<Context>) -> Json<Value> {
    Json(json!({
        "user": context.user_id, "project": context.project_id, "roles": context.roles,
        "service_roles": context.service_roles, "system": context.system_scope, "admin": context.is_admin,
        "read_only": context.read_only,
    }))
}

async fn ask(callers: &Callers, headers: &[(&str, &str)]) -> (StatusCode, Value) {
    let response = answer(callers, headers).await;
    let status = response.status();
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

async fn answer(callers: &Callers, headers: &[(&str, &str)]) -> Response {
    let app = Router::new().route("/", get(who)).layer(from_fn_with_state(callers.clone(), admit));
    let mut request = Request::get("/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

/// What an authenticating proxy sets, as keystonemiddleware does.
const PROXIED: [(&str, &str); 6] = [
    ("x-identity-status", "Confirmed"),
    ("x-user-id", "u1"),
    ("x-project-id", "p1"),
    ("x-roles", "member, Reader"),
    ("x-service-roles", "service,admin"),
    ("openstack-system-scope", "None"),
];

fn headers(anonymous: bool) -> Callers {
    Callers::Headers { anonymous, www_authenticate_uri: Some("http://keystone.test".to_owned()) }
}

#[tokio::test]
async fn a_trusted_proxy_names_the_caller() {
    let (status, body) = ask(&headers(false), &PROXIED).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["user"], "u1");
    assert_eq!(body["project"], "p1");
    assert_eq!(body["roles"], json!(["member", "Reader"]));
    assert_eq!(body["service_roles"], json!(["service", "admin"]));
    assert_eq!((&body["system"], &body["admin"]), (&Value::Null, &json!(false)));
    let old = [("x-identity-status", "Confirmed"), ("x-tenant-id", "p2"), ("x-role", "admin")];
    let (_, body) = ask(&headers(false), &old).await;
    assert_eq!((&body["project"], &body["admin"]), (&json!("p2"), &json!(true)));
    let system = [("x-identity-status", "Confirmed"), ("openstack-system-scope", "all")];
    assert_eq!(ask(&headers(false), &system).await.1["system"], "all");
}

#[tokio::test]
async fn what_the_proxy_does_not_confirm_is_nobody() {
    for status in ["Invalid", "confirmed", ""] {
        let sent = [("x-identity-status", status), ("x-user-id", "u1"), ("x-roles", "admin")];
        let refused = answer(&headers(false), &sent).await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{status}");
        assert_eq!(refused.headers()["www-authenticate"], "Keystone uri=\"http://keystone.test\"");
        let (_, body) = ask(&headers(true), &sent).await;
        assert_eq!(
            (&body["read_only"], &body["roles"], &body["user"]),
            (&json!(true), &json!([]), &json!(""))
        );
    }
    let mut sent = PROXIED.to_vec();
    sent.push(("x-service-identity-status", "Invalid"));
    assert_eq!(ask(&headers(false), &sent).await.1["service_roles"], json!([]));
}

#[tokio::test]
async fn headers_mean_nothing_where_tokens_count() {
    let (keystone, address) = Keystone::start().await;
    keystone.add_token("ann", &["member"], TimeDelta::hours(1));
    let validator = TokenValidator::new(settings(&address)).unwrap();
    let by_token = Callers::Keystone { validator: validator.clone(), anonymous: false };
    assert_eq!(answer(&by_token, &PROXIED).await.status(), StatusCode::UNAUTHORIZED);
    let mut sent = PROXIED.to_vec();
    sent.push(("x-auth-token", "ann"));
    let (_, body) = ask(&by_token, &sent).await;
    assert_eq!((&body["user"], &body["roles"]), (&json!("id-ann"), &json!(["member"])));
    assert_eq!(body["service_roles"], json!([]));
    let (_, body) = ask(&by_token, &[("x-storage-token", "ann")]).await;
    assert_eq!(body["user"], "id-ann");
    let anonymous = Callers::Keystone { validator, anonymous: true };
    let (_, body) = ask(&anonymous, &PROXIED).await;
    assert_eq!((&body["read_only"], &body["roles"]), (&json!(true), &json!([])));
    assert_eq!(ask(&anonymous, &[("x-auth-token", "ann")]).await.1["read_only"], false);
}

#[tokio::test]
async fn a_service_token_that_is_not_valid_counts_for_nothing() {
    let (keystone, address) = Keystone::start().await;
    keystone.add_token("ann", &["member"], TimeDelta::hours(1));
    keystone.add_token("old", &["member"], TimeDelta::hours(-1));
    keystone.add_token("nova", &["service", "admin"], TimeDelta::hours(1));
    keystone.add_token("bob", &["admin"], TimeDelta::hours(1));
    let callers =
        Callers::Keystone { validator: TokenValidator::new(settings(&address)).unwrap(), anonymous: false };
    for (service, roles) in
        [("nova", json!(["service", "admin"])), ("bob", json!([])), ("made-up", json!([]))]
    {
        let (_, body) = ask(&callers, &[("x-auth-token", "ann"), ("x-service-token", service)]).await;
        assert_eq!(body["service_roles"], roles, "{service}");
        // A service's roles are never its user's.
        assert_eq!((&body["roles"], &body["admin"]), (&json!(["member"]), &json!(false)), "{service}");
        let late = answer(&callers, &[("x-auth-token", "old"), ("x-service-token", service)]).await;
        assert_eq!(late.status() == StatusCode::OK, service == "nova", "{service}");
    }
}

#[tokio::test]
async fn where_nobody_is_asked_everybody_is_without_roles() {
    let (status, body) = ask(&Callers::Unauthenticated, &PROXIED).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!((&body["roles"], &body["user"], &body["project"]), (&json!([]), &json!(""), &Value::Null));
}
