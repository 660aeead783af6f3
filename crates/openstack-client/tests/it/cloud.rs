// SPDX-License-Identifier: Apache-2.0
//! A server that records requests and gives prepared answers; logging in is built in.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use scurry_openstack_client::{Credentials, DomainRef, Secret, Session, SessionOptions};
use serde_json::{Value, json};

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// `GET /path?query`.
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Status, headers and body of an answer.
type Prepared = (u16, Vec<(&'static str, String)>, String);

#[derive(Debug)]
struct Inner {
    seen: Mutex<Vec<Seen>>,
    answers: Mutex<VecDeque<Prepared>>,
    logins: Mutex<Vec<Value>>,
    lifetime: Mutex<i64>,
    address: Mutex<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Cloud(Arc<Inner>);

impl Cloud {
    pub(crate) async fn start() -> Self {
        let cloud = Self(Arc::new(Inner {
            seen: Mutex::default(),
            answers: Mutex::default(),
            logins: Mutex::default(),
            lifetime: Mutex::new(3600),
            address: Mutex::default(),
        }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        *cloud.0.address.lock().unwrap() = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(serve).with_state(cloud.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        cloud
    }

    pub(crate) fn address(&self) -> String {
        self.0.address.lock().unwrap().clone()
    }

    pub(crate) fn answer(&self, status: u16, body: Value) -> &Self {
        self.answer_with(status, &[], body.to_string())
    }

    pub(crate) fn answer_with(&self, status: u16, headers: &[(&'static str, &str)], body: String) -> &Self {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.0.answers.lock().unwrap().push_back((status, headers, body));
        self
    }

    /// How long new tokens live, in seconds.
    pub(crate) fn set_lifetime(&self, seconds: i64) {
        *self.0.lifetime.lock().unwrap() = seconds;
    }

    pub(crate) fn logins(&self) -> Vec<Value> {
        self.0.logins.lock().unwrap().clone()
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.0.seen.lock().unwrap().clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.line).collect()
    }

    pub(crate) fn last(&self) -> Seen {
        self.seen().pop().unwrap()
    }

    pub(crate) fn session(&self) -> Session {
        self.session_with(SessionOptions::default())
    }

    pub(crate) fn session_with(&self, options: SessionOptions) -> Session {
        let domain = || DomainRef::Name("Default".to_owned());
        let project = Some(("service".to_owned(), domain()));
        let credentials = Credentials::password(
            format!("{}/identity", self.address()),
            "glance",
            domain(),
            Secret::new("pw"),
            project,
        );
        Session::new(credentials, options).unwrap()
    }

    fn log_in(&self, body: Value) -> Response {
        let number = {
            let mut logins = self.0.logins.lock().unwrap();
            logins.push(body);
            logins.len()
        };
        let end = chrono::Utc::now() + chrono::TimeDelta::seconds(*self.0.lifetime.lock().unwrap());
        let root = self.address();
        let endpoint = |kind: &str, path: &str| {
            json!({"type": kind, "name": kind, "id": kind, "endpoints": [
                {"id": "e", "interface": "public", "region": "One", "region_id": "One", "url": format!("{root}{path}")}]})
        };
        let body = json!({"token": {
            "user": {"id": "u1", "name": "glance", "domain": {"id": "default", "name": "Default"}},
            "project": {"id": "p1", "name": "service", "domain": {"id": "default", "name": "Default"}},
            "roles": [{"id": "r", "name": "service"}],
            "expires_at": end.to_rfc3339(),
            "catalog": [endpoint("block-storage", "/volume/v3/p1"), endpoint("image", "/image")],
        }});
        Response::builder()
            .status(StatusCode::CREATED)
            .header("x-subject-token", format!("token-{number}"))
            .body(Body::from(body.to_string()))
            .unwrap()
    }
}

async fn serve(State(cloud): State<Cloud>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 64 << 20).await.unwrap().to_vec();
    let line = format!("{} {}", parts.method, parts.uri);
    if line == "POST /identity/v3/auth/tokens" {
        return cloud.log_in(serde_json::from_slice(&body).unwrap());
    }
    cloud.0.seen.lock().unwrap().push(Seen { line: line.clone(), headers: parts.headers, body });
    let (status, headers, body) = cloud
        .0
        .answers
        .lock()
        .unwrap()
        .pop_front()
        .unwrap_or_else(|| (500, Vec::new(), format!("no answer is prepared for {line}")));
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(Body::from(body)).unwrap()
}
