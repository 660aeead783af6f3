// SPDX-License-Identifier: Apache-2.0
//! An API of its own for each test, and requests to it.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use http::HeaderMap;
use http_body_util::BodyExt;
use scurry_auth::Context;
use scurry_auth::middleware::unauthorized;
use scurry_auth::policy::{Policy, glance};
use scurry_image::ports::Limits;
use scurry_image::{CacheSettings, ImageService, ImageSettings, ServiceParts};
use scurry_image_db::{Address, Database, PoolSettings};
use scurry_image_http::{HttpSettings, router};
use scurry_store::{Registry, Store};
use scurry_telemetry::RequestId;
use scurry_testkit::{DatabaseKind, MemoryStore, TestDatabase};
use scurry_types::{ProjectId, UserId};
use serde_json::Value;
use tower::ServiceExt;

/// Stores `fast` (the default) and `slow`, users by token: see [`context`].
pub(crate) struct TestApi {
    app: Router,
    pub(crate) fast: MemoryStore,
    pub(crate) slow: MemoryStore,
    service: ImageService,
    http: HttpSettings,
    pub(crate) dir: Arc<tempfile::TempDir>,
    _place: Arc<TestDatabase>,
}

/// What makes one test's API different.
pub(crate) struct Options {
    pub(crate) image: ImageSettings,
    pub(crate) http: HttpSettings,
    pub(crate) policy: Policy,
    pub(crate) limits: Option<Arc<dyn Limits>>,
    /// A directory of the test's own.
    pub(crate) dir: PathBuf,
}

impl Options {
    /// Gives the API an image cache that downloads use, and the old routes that manage it.
    pub(crate) fn cache(&mut self) -> &mut CacheSettings {
        self.image.cache_management = true;
        let cache = CacheSettings::new(self.dir.join("cache"), "http://node.test:9292");
        self.image.cache.insert(cache)
    }
}

impl TestApi {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut options = Options {
            image: ImageSettings { staging_dir: dir.path().join("staging"), ..ImageSettings::default() },
            http: HttpSettings {
                public_endpoint: Some("http://images.test".into()),
                ..HttpSettings::default()
            },
            policy: Policy::new(glance::DEFAULTS).unwrap(),
            limits: None,
            dir: dir.path().to_owned(),
        };
        std::fs::create_dir_all(&options.image.staging_dir).unwrap();
        change(&mut options);
        let place = TestDatabase::new(DatabaseKind::asked_for());
        let address = Address::parse(&place.url).unwrap();
        let database = Arc::new(Database::connect(&address, &PoolSettings::default()).await.unwrap());
        scurry_image_db::migrate(&database).await.unwrap();
        let fast = MemoryStore::new("fast").with_facts(|facts| {
            facts.description = Some("Fast one".into());
            facts.weight = 5;
        });
        let slow = MemoryStore::new("slow");
        let stores: Vec<Arc<dyn Store>> = vec![Arc::new(fast.clone()), Arc::new(slow.clone())];
        let service = ImageService::new(ServiceParts {
            images: database.clone(),
            metadefs: database.clone(),
            jobs: database,
            stores: Registry::new(stores, "fast".into()).unwrap(),
            limits: options.limits,
            outbound: None,
            settings: options.image,
        });
        service.start().await.unwrap();
        let http = options.http;
        let app = router(service.clone(), Arc::new(options.policy), http.clone(), from_fn(authenticate));
        Self { app, fast, slow, service, http, dir: Arc::new(dir), _place: Arc::new(place) }
    }

    /// Another way in to the same images, where nobody passes some rules.
    pub(crate) fn denying(&self, rules: &[&str]) -> Self {
        let mut policy = Policy::new(glance::DEFAULTS).unwrap();
        for rule in rules {
            policy.set_rule(rule, "!").unwrap();
        }
        let app = router(self.service.clone(), Arc::new(policy), self.http.clone(), from_fn(authenticate));
        Self {
            app,
            fast: self.fast.clone(),
            slow: self.slow.clone(),
            service: self.service.clone(),
            http: self.http.clone(),
            dir: Arc::clone(&self.dir),
            _place: Arc::clone(&self._place),
        }
    }

    /// The router itself.
    pub(crate) fn app(&self) -> Router {
        self.app.clone()
    }

    /// The use cases behind it.
    pub(crate) fn service(&self) -> &ImageService {
        &self.service
    }

    /// A request with a user's token; `-` sends none.
    pub(crate) fn call(&self, user: &str, method: &str, path: &str) -> Call<'_> {
        let mut builder = Request::builder().method(method).uri(path).header("host", "images.test");
        if user != "-" {
            builder = builder.header("x-auth-token", user);
        }
        Call { api: self, builder, body: Body::empty() }
    }

    pub(crate) async fn get(&self, user: &str, path: &str) -> Answer {
        self.call(user, "GET", path).send().await
    }

    /// An image without data of a user; its id.
    pub(crate) async fn create(&self, user: &str, body: Value) -> String {
        let answer = self.call(user, "POST", "/v2/images").json(&body).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// A raw image of a user with data; its id.
    pub(crate) async fn active(&self, user: &str, data: &'static [u8]) -> String {
        let id = self
            .create(
                user,
                serde_json::json!({"name": "data", "disk_format": "raw", "container_format": "bare"}),
            )
            .await;
        let answer = self.call(user, "PUT", &format!("/v2/images/{id}/file")).octets(data).await;
        assert_eq!(answer.status, 204, "{}", answer.text());
        id
    }

    pub(crate) async fn patch(&self, user: &str, id: &str, ops: Value) -> Answer {
        self.call(user, "PATCH", &format!("/v2/images/{id}"))
            .header("content-type", "application/openstack-images-v2.1-json-patch")
            .json(&ops)
            .await
    }

    /// Waits until no task of the image is open; its JSON then.
    pub(crate) async fn settled(&self, id: &str) -> Value {
        loop {
            let tasks = self.get("admin", &format!("/v2/images/{id}/tasks")).await.json();
            let open = tasks["tasks"]
                .as_array()
                .unwrap()
                .iter()
                .any(|task| matches!(task["status"].as_str(), Some("pending" | "processing")));
            if !open {
                return self.get("admin", &format!("/v2/images/{id}")).await.json();
            }
            tokio::task::yield_now().await;
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    pub(crate) async fn shutdown(self) {
        self.service.shutdown().await;
    }
}

pub(crate) struct Call<'a> {
    api: &'a TestApi,
    builder: http::request::Builder,
    body: Body,
}

impl Call<'_> {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    pub(crate) async fn json(self, body: &Value) -> Answer {
        self.text(&body.to_string()).await
    }

    pub(crate) async fn text(mut self, body: &str) -> Answer {
        self.builder = self.builder.header("content-length", body.len());
        self.body = Body::from(body.to_owned());
        self.send().await
    }

    /// Image bytes.
    pub(crate) async fn octets(mut self, data: &'static [u8]) -> Answer {
        self.builder = self
            .builder
            .header("content-type", "application/octet-stream")
            .header("content-length", data.len());
        self.body = Body::from(data);
        self.send().await
    }

    pub(crate) async fn stream(mut self, body: Body) -> Answer {
        self.body = body;
        self.send().await
    }

    pub(crate) async fn send(self) -> Answer {
        let request = self.builder.body(self.body).unwrap();
        let response = self.api.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The status, and whether the text is in the body.
    pub(crate) fn refuses(&self, status: u16, text: &str) {
        let body = self.text().replace("&#x27;", "'").replace("&quot;", "\"");
        assert_eq!(self.status, status, "{body}");
        assert!(body.contains(text), "{text:?} is missing from {body}");
    }
}

/// `admin`, `service`, `alice` and `bob` (members of projects of their names), `alice-reader`, `nobody` (no roles).
/// `system` is an administrator of the whole system; `anonymous` and `unauthenticated` are nobody.
fn context(token: &str, request_id: &str) -> Option<Context> {
    match token {
        "anonymous" => return Some(Context::anonymous(request_id)),
        "unauthenticated" => return Some(Context::unauthenticated(request_id)),
        "system" => {
            let mut context = context("admin", request_id)?;
            context.project_id = None;
            context.system_scope = Some("all".into());
            return Some(context);
        }
        _ => {}
    }
    let (project, roles, service_roles): (&str, &[&str], &[&str]) = match token {
        "admin" => ("admins", &["admin", "member", "reader"], &[]),
        "service" => ("services", &["service"], &["service"]),
        "alice" => ("alice", &["member", "reader"], &[]),
        "alice-reader" => ("alice", &["reader"], &[]),
        "bob" => ("bob", &["member", "reader"], &[]),
        "carol" => ("carol", &["member", "reader"], &[]),
        "nobody" => ("alice", &[], &[]),
        _ => return None,
    };
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    let mut context = Context::internal_admin(Some(ProjectId::from(project)), request_id);
    context.user_id = UserId::from(token);
    context.roles = words(roles);
    context.service_roles = words(service_roles);
    context.is_admin = roles.contains(&"admin");
    Some(context)
}

async fn authenticate(mut request: Request, next: Next) -> Response {
    let token = request.headers().get("x-auth-token").and_then(|value| value.to_str().ok()).unwrap_or("");
    let id = request.extensions().get::<RequestId>().unwrap().clone();
    match context(token, id.as_str()) {
        Some(context) => {
            request.extensions_mut().insert(context);
            next.run(request).await
        }
        None => unauthorized(Some("http://keystone.test")),
    }
}
