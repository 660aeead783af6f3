// SPDX-License-Identifier: Apache-2.0
//! Keystone and Glance, as far as block storage asks them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use futures::StreamExt;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

/// An image of the fake Glance.
#[derive(Debug, Clone, Default)]
pub struct Image {
    pub record: Value,
    pub data: Vec<u8>,
    pub locations: Vec<String>,
}

/// What the fake services know, and what they were asked.
#[derive(Debug, Default)]
pub struct Cloud {
    pub images: Mutex<HashMap<String, Image>>,
    pub downloads: Mutex<u32>,
    pub refuse_locations: Mutex<bool>,
    /// Records of images are made this much later.
    pub create_late: Mutex<Option<std::time::Duration>>,
    /// Requests to add a location are not answered.
    pub hang_locations: Mutex<bool>,
}

impl Cloud {
    pub fn image(&self, id: &str) -> Option<Image> {
        self.images.lock().unwrap().get(id).cloned()
    }

    pub fn downloads(&self) -> u32 {
        *self.downloads.lock().unwrap()
    }

    /// Adds an active image owned by `owner`.
    pub fn add(&self, owner: &str, format: &str, data: &[u8], extra: Value) -> String {
        let id = uuid::Uuid::new_v4().to_string();
        let mut record = json!({
            "id": id, "name": "img", "status": "active", "size": data.len(), "disk_format": format,
            "container_format": "bare", "owner": owner, "visibility": "public", "min_disk": 0, "min_ram": 0,
            "hw_disk_bus": "scsi",
        });
        for (key, value) in extra.as_object().cloned().unwrap_or_default() {
            record[key] = value;
        }
        let image = Image { record, data: data.to_vec(), locations: Vec::new() };
        self.images.lock().unwrap().insert(id.clone(), image);
        id
    }

    pub fn locate(&self, id: &str, url: String) {
        self.images.lock().unwrap().get_mut(id).unwrap().locations.push(url);
    }
}

/// `user.project.role+role`
pub fn token(user: &str, project: &str, roles: &str) -> String {
    format!("{user}.{project}.{roles}")
}

fn describe(token: &str) -> Option<Value> {
    let [user, project, roles] = token.split('.').collect::<Vec<_>>().try_into().ok()?;
    let domain = json!({ "id": "default", "name": "Default" });
    let roles: Vec<Value> =
        roles.split('+').filter(|r| !r.is_empty()).map(|r| json!({ "id": r, "name": r })).collect();
    Some(json!({ "token": {
        "user": { "id": user, "name": user, "domain": domain },
        "project": { "id": project, "name": project, "domain": domain },
        "roles": roles, "methods": ["password"], "issued_at": "2026-01-01T00:00:00.000000Z",
        "expires_at": "2999-01-01T00:00:00.000000Z", "catalog": [],
    } }))
}

pub async fn serve(cloud: Arc<Cloud>) -> String {
    let app = Router::new()
        .route("/v3/auth/tokens", post(issue).get(validate))
        .route("/v2/images", post(create))
        .route("/v2/images/{id}", get(show).delete(remove))
        .route("/v2/images/{id}/locations", get(locations).post(add_location))
        .route("/v2/images/{id}/file", put(upload).get(download))
        .with_state(cloud);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    url
}

type Reply = (StatusCode, Json<Value>);

async fn issue() -> (StatusCode, HeaderMap, Json<Value>) {
    let own = token("scurry", "service", "service+admin");
    let mut headers = HeaderMap::new();
    headers.insert("x-subject-token", own.parse().unwrap());
    (StatusCode::CREATED, headers, Json(describe(&own).unwrap()))
}

async fn validate(headers: HeaderMap) -> Reply {
    let subject = headers.get("x-subject-token").and_then(|v| v.to_str().ok()).unwrap_or_default();
    match describe(subject) {
        Some(body) => (StatusCode::OK, Json(body)),
        None => (StatusCode::NOT_FOUND, Json(json!({ "error": { "code": 404, "message": "no" } }))),
    }
}

async fn show(State(cloud): State<Arc<Cloud>>, Path(id): Path<String>) -> Reply {
    match cloud.image(&id) {
        Some(image) => (StatusCode::OK, Json(image.record)),
        None => (StatusCode::NOT_FOUND, Json(json!({}))),
    }
}

async fn create(State(cloud): State<Arc<Cloud>>, Json(mut record): Json<Value>) -> Reply {
    let late = *cloud.create_late.lock().unwrap();
    if let Some(late) = late {
        tokio::time::sleep(late).await;
    }
    let id = uuid::Uuid::new_v4().to_string();
    record["id"] = id.as_str().into();
    record["status"] = "queued".into();
    cloud.images.lock().unwrap().insert(id, Image { record: record.clone(), ..Image::default() });
    (StatusCode::CREATED, Json(record))
}

async fn remove(State(cloud): State<Arc<Cloud>>, Path(id): Path<String>) -> StatusCode {
    cloud.images.lock().unwrap().remove(&id);
    StatusCode::NO_CONTENT
}

async fn locations(State(cloud): State<Arc<Cloud>>, headers: HeaderMap, Path(id): Path<String>) -> Reply {
    // Only services see them.
    let token = headers.get("x-auth-token").and_then(|v| v.to_str().ok()).unwrap_or_default();
    if !token.ends_with("service+admin") {
        return (StatusCode::FORBIDDEN, Json(json!({})));
    }
    match cloud.image(&id) {
        Some(image) => {
            let all = image.locations.iter().map(|url| json!({ "url": url, "metadata": {} })).collect();
            (StatusCode::OK, Json(Value::Array(all)))
        }
        None => (StatusCode::NOT_FOUND, Json(json!({}))),
    }
}

async fn add_location(
    State(cloud): State<Arc<Cloud>>,
    Path(id): Path<String>,
    Json(body): Json<Value>,
) -> StatusCode {
    if *cloud.hang_locations.lock().unwrap() {
        std::future::pending::<()>().await;
    }
    if *cloud.refuse_locations.lock().unwrap() {
        return StatusCode::BAD_REQUEST;
    }
    let mut images = cloud.images.lock().unwrap();
    let image = images.get_mut(&id).unwrap();
    image.locations.push(body["url"].as_str().unwrap().to_owned());
    image.record["status"] = "active".into();
    StatusCode::ACCEPTED
}

async fn upload(
    State(cloud): State<Arc<Cloud>>,
    Path(id): Path<String>,
    body: axum::body::Body,
) -> StatusCode {
    static ZEROES: [u8; 1 << 16] = [0; 1 << 16];
    // Zeroes at the end are counted, not kept: volumes are large.
    let (mut size, mut kept) = (0, Vec::new());
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let Ok(chunk) = chunk else { return StatusCode::BAD_REQUEST };
        for part in chunk.chunks(ZEROES.len()) {
            if *part != ZEROES[..part.len()] {
                kept.resize(size, 0);
                kept.extend_from_slice(part);
            }
            size += part.len();
        }
    }
    kept.truncate(kept.iter().rposition(|b| *b != 0).map_or(0, |n| n + 1));
    let mut images = cloud.images.lock().unwrap();
    let image = images.get_mut(&id).unwrap();
    image.record["size"] = size.into();
    image.record["status"] = "active".into();
    image.data = kept;
    StatusCode::NO_CONTENT
}

async fn download(State(cloud): State<Arc<Cloud>>, Path(id): Path<String>) -> (StatusCode, Bytes) {
    *cloud.downloads.lock().unwrap() += 1;
    match cloud.image(&id) {
        Some(image) => (StatusCode::OK, image.data.into()),
        None => (StatusCode::NOT_FOUND, Bytes::new()),
    }
}
