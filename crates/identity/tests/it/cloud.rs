// SPDX-License-Identifier: Apache-2.0
//! A cloud in a temporary directory: its database, its users, and calls on its routes.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use scurry_identity::{
    Bootstrap, BootstrapEndpoint, BootstrapRegisteredLimit, BootstrapUser, Bootstrapped, Identity,
    IdentityConfig,
};
use serde_json::{Value, json};
use tower::ServiceExt;

pub(crate) const URL: &str = "http://identity.test:5000";

pub(crate) struct Cloud {
    pub(crate) identity: Identity,
    pub(crate) ids: Bootstrapped,
    pub(crate) directory: tempfile::TempDir,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// The body, when the status is the one expected.
    #[track_caller]
    pub(crate) fn ok(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self.body
    }

    /// The message of an error of this status, which the body must repeat.
    #[track_caller]
    pub(crate) fn error(self, status: u16) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        assert_eq!(self.body["error"]["code"], status);
        assert!(self.body["error"]["title"].is_string());
        self.body["error"]["message"].as_str().unwrap().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

pub(crate) fn spec() -> Bootstrap {
    let user = |name: &str, project: &str, roles: &[&str], system_roles: &[&str]| BootstrapUser {
        name: name.into(),
        password: format!("{name}-password"),
        project: project.into(),
        roles: roles.iter().map(ToString::to_string).collect(),
        system_roles: system_roles.iter().map(ToString::to_string).collect(),
    };
    let endpoint = |kind: &str, name: &str, url: &str| BootstrapEndpoint {
        service_type: kind.into(),
        service_name: name.into(),
        url: url.into(),
    };
    Bootstrap {
        admin_password: "admin-password".into(),
        region: "RegionOne".into(),
        users: vec![
            user("glance", "service", &["service"], &["reader"]),
            user("demo", "demo", &["member"], &[]),
            user("other", "other", &["member"], &[]),
        ],
        endpoints: vec![
            endpoint("image", "glance", "http://image.test:9292"),
            endpoint("block-storage", "cinder", "http://volume.test:8776/v3/$(project_id)s"),
        ],
        registered_limits: vec![BootstrapRegisteredLimit {
            service_type: "image".into(),
            resource_name: "image_count_total".into(),
            default_limit: 100,
        }],
    }
}

pub(crate) async fn cloud() -> Cloud {
    let directory = tempfile::tempdir().unwrap();
    let identity =
        Identity::open(IdentityConfig::new(directory.path().join("identity.db"), URL)).await.unwrap();
    let ids = identity.bootstrap(&spec()).await.unwrap();
    Cloud { identity, ids, directory }
}

pub(crate) fn password(user: &str, password: &str, scope: Value) -> Value {
    let user = json!({"name": user, "domain": {"id": "default"}, "password": password});
    let mut auth = json!({"identity": {"methods": ["password"], "password": {"user": user}}});
    if !scope.is_null() {
        auth["scope"] = scope;
    }
    json!({ "auth": auth })
}

pub(crate) fn project(name: &str) -> Value {
    json!({"project": {"name": name, "domain": {"name": "Default"}}})
}

pub(crate) fn system() -> Value {
    json!({"system": {"all": true}})
}

impl Cloud {
    /// The same database, with tokens of another lifetime.
    pub(crate) async fn reopened(&self, token_lifetime: Duration) -> Identity {
        let mut config = IdentityConfig::new(self.directory.path().join("identity.db"), URL);
        config.token_lifetime = token_lifetime;
        Identity::open(config).await.unwrap()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        send(&self.identity, request).await
    }

    pub(crate) async fn call(&self, method: &str, path: &str, token: &str, body: Value) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !token.is_empty() {
            request = request.header("X-Auth-Token", token);
        }
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        self.send(request.body(body).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        self.call("GET", path, token, Value::Null).await
    }

    pub(crate) async fn post(&self, path: &str, token: &str, body: Value) -> Answer {
        self.call("POST", path, token, body).await
    }

    pub(crate) async fn patch(&self, path: &str, token: &str, body: Value) -> Answer {
        self.call("PATCH", path, token, body).await
    }

    pub(crate) async fn delete(&self, path: &str, token: &str) -> Answer {
        self.call("DELETE", path, token, Value::Null).await
    }

    /// A token made with the password the bootstrap gave.
    pub(crate) async fn token(&self, user: &str, scope: Value) -> String {
        let answer =
            self.post("/v3/auth/tokens", "", password(user, &format!("{user}-password"), scope)).await;
        let token = answer.header("X-Subject-Token").map(str::to_owned);
        answer.ok(201);
        token.unwrap()
    }

    pub(crate) async fn admin(&self) -> String {
        self.token("admin", project("admin")).await
    }

    /// Asks, with the token of `asker`, what the token `subject` is worth.
    pub(crate) async fn validate(&self, asker: &str, subject: &str) -> Answer {
        self.subject("GET", "/v3/auth/tokens", asker, subject).await
    }

    pub(crate) async fn subject(&self, method: &str, path: &str, asker: &str, subject: &str) -> Answer {
        let request = Request::builder().method(method).uri(path).header("X-Auth-Token", asker);
        self.send(request.header("X-Subject-Token", subject).body(Body::empty()).unwrap()).await
    }
}

pub(crate) async fn send(identity: &Identity, request: Request<Body>) -> Answer {
    let response = identity.router().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let body =
        if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).expect("a JSON body") };
    Answer { status: parts.status, headers: parts.headers, body }
}

/// The values of `field` in a list of objects.
pub(crate) fn column(list: &Value, field: &str) -> Vec<String> {
    list.as_array().unwrap().iter().map(|row| row[field].as_str().unwrap().to_owned()).collect()
}
