// SPDX-License-Identifier: Apache-2.0
//! A small Image service in memory: Glance's plain upload, or resumable ones too; it breaks connections on request.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::StreamExt as _;
use md5::Digest as _;
use scurry_types::extent_frames::{Decoder, MEDIA_TYPE, Stretch};
use serde_json::{Map, Value, json};

/// How the service behaves.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manners {
    /// It has resumable uploads that take frames.
    pub(crate) resumable: bool,
    /// Ranges of data are given.
    pub(crate) ranges: bool,
    /// Connections are broken after so many bytes, this often.
    pub(crate) breaks: (u32, u64),
    /// Data is received wrong.
    pub(crate) corrupts: bool,
    /// Received bytes are taken slowly, in milliseconds a chunk.
    pub(crate) pause: u64,
    /// When bytes begin to come, this file gets that length.
    pub(crate) resizes: Option<(PathBuf, u64)>,
}

#[derive(Debug, Default)]
pub(crate) struct Held {
    pub(crate) record: Map<String, Value>,
    pub(crate) data: Vec<u8>,
    length: Option<u64>,
    /// A body is being taken.
    busy: bool,
    /// Bytes that came over the wire in bodies.
    pub(crate) wire: u64,
    pub(crate) lines: Vec<String>,
    polls: u32,
}

#[derive(Debug, Clone)]
pub(crate) struct Service {
    pub(crate) held: Arc<Mutex<Held>>,
    pub(crate) manners: Arc<Mutex<Manners>>,
    pub(crate) address: String,
}

impl Service {
    pub(crate) async fn start(manners: Manners) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let service = Self { held: Arc::default(), manners: Arc::new(Mutex::new(manners)), address };
        let app = Router::new()
            .route("/v2/images", post(create).get(list))
            .route("/v2/images/{id}", get(show).delete(delete))
            .route("/v2/images/{id}/import", post(import))
            .route("/v2/images/{id}/file", axum::routing::any(file))
            .with_state(service.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        service
    }

    /// An active image with this data.
    pub(crate) fn hold(&self, data: &[u8]) {
        let mut held = self.held.lock().unwrap();
        held.data = data.to_vec();
        let mut record = json!({"id": ID, "name": "held", "disk_format": "raw", "container_format": "bare"});
        held.record = record.as_object_mut().unwrap().clone();
        activate(&mut held);
    }

    fn breaks(&self) -> Option<u64> {
        let mut manners = self.manners.lock().unwrap();
        manners.breaks.0 = manners.breaks.0.checked_sub(1)?;
        Some(manners.breaks.1)
    }
}

pub(crate) const ID: &str = "71c675ab-d94f-49cd-a114-e12490b328d9";

async fn create(State(service): State<Service>, body: Bytes) -> Response {
    let mut held = service.held.lock().unwrap();
    held.record = serde_json::from_slice(&body).unwrap();
    held.record.insert("id".to_owned(), json!(ID));
    held.record.insert("status".to_owned(), json!("queued"));
    held.lines.push("create".to_owned());
    (StatusCode::CREATED, Value::Object(held.record.clone()).to_string()).into_response()
}

async fn list(State(service): State<Service>) -> Response {
    json!({"images": [service.held.lock().unwrap().record]}).to_string().into_response()
}

async fn show(State(service): State<Service>, Path(_): Path<String>) -> Response {
    let mut held = service.held.lock().unwrap();
    if held.record.contains_key("os_glance_importing_to_stores") {
        held.polls += 1;
        if held.polls > 1 {
            let added = held.record.remove("os_glance_importing_to_stores").unwrap();
            let all = format!("{},{}", held.record["stores"].as_str().unwrap(), added.as_str().unwrap());
            held.record.insert("stores".to_owned(), json!(all));
        }
    }
    Value::Object(held.record.clone()).to_string().into_response()
}

async fn delete(State(service): State<Service>, Path(id): Path<String>) -> StatusCode {
    service.held.lock().unwrap().lines.push(format!("delete {id}"));
    StatusCode::NO_CONTENT
}

async fn import(State(service): State<Service>, body: Bytes) -> Response {
    let mut held = service.held.lock().unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let stores: Vec<&str> =
        body["stores"].as_array().unwrap().iter().map(|store| store.as_str().unwrap()).collect();
    held.record.insert("os_glance_importing_to_stores".to_owned(), json!(stores.join(",")));
    StatusCode::ACCEPTED.into_response()
}

async fn file(State(service): State<Service>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    service.held.lock().unwrap().lines.push(parts.method.to_string());
    let resumable = service.manners.lock().unwrap().resumable;
    match parts.method.as_str() {
        "HEAD" if resumable => head(&service),
        "GET" => give(&service, &parts.headers),
        "PUT" | "PATCH" => take(&service, parts.method.as_str(), &parts.headers, body).await,
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

fn head(service: &Service) -> Response {
    let held = service.held.lock().unwrap();
    if held.record["status"] == "active" {
        return StatusCode::OK.into_response();
    }
    let mut response = Response::builder()
        .status(204)
        .header("upload-offset", held.data.len())
        .header("upload-complete", "?0")
        .header("upload-limit", "max-size=1099511627776")
        .header("accept-patch", format!("application/partial-upload, {MEDIA_TYPE}"));
    if let Some(length) = held.length {
        response = response.header("upload-length", length);
    }
    response.body(Body::empty()).unwrap()
}

/// A body being taken in. Its client may go away at any point, which drops whatever handles it.
struct Appending<'a>(&'a Service);

impl Drop for Appending<'_> {
    fn drop(&mut self) {
        self.0.held.lock().unwrap().busy = false;
    }
}

async fn take(service: &Service, method: &str, headers: &HeaderMap, body: Body) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let session = text("upload-complete").is_some();
    {
        let mut held = service.held.lock().unwrap();
        let wanted = if method == "PATCH" { "saving" } else { "queued" };
        let offset = text("upload-offset").map_or(0, |offset| offset.parse().unwrap());
        if held.busy || held.record["status"] != wanted || held.data.len() != offset {
            return StatusCode::CONFLICT.into_response();
        }
        held.busy = true;
        held.record.insert("status".to_owned(), json!("saving"));
        if method == "PUT" && session {
            held.length = text("upload-length").map(|length| length.parse().unwrap());
        }
    }
    let _appending = Appending(service);
    if let Some((path, len)) = service.manners.lock().unwrap().resizes.take() {
        std::fs::File::options().write(true).open(path).unwrap().set_len(len).unwrap();
    }
    let mut decoder = (text("content-type") == Some(MEDIA_TYPE)).then(Decoder::new);
    let pause = service.manners.lock().unwrap().pause;
    let limit = service.breaks();
    let mut body = body.into_data_stream();
    let mut taken = 0_u64;
    while let Some(chunk) = body.next().await {
        let Ok(mut chunk) = chunk else {
            return broken_off(service, session);
        };
        tokio::time::sleep(std::time::Duration::from_millis(pause)).await;
        taken += chunk.len() as u64;
        let mut held = service.held.lock().unwrap();
        held.wire += chunk.len() as u64;
        match &mut decoder {
            None => held.data.extend_from_slice(&chunk),
            Some(decoder) => {
                while let Some(stretch) = decoder.next(&mut chunk).unwrap() {
                    match stretch {
                        Stretch::Data(data) => held.data.extend_from_slice(&data),
                        Stretch::Zeroes(len) => {
                            let end = held.data.len() + len as usize;
                            held.data.resize(end, 0);
                        }
                    }
                }
            }
        }
        if limit.is_some_and(|limit| taken >= limit) {
            drop(held);
            return broken_off(service, session);
        }
    }
    let mut held = service.held.lock().unwrap();
    if service.manners.lock().unwrap().corrupts {
        held.data[0] ^= 1;
    }
    activate(&mut held);
    let response = Response::builder().status(204);
    let response = if session {
        response.header("upload-complete", "?1").header("scurry-block-digest", block_digest(&held.data))
    } else {
        response
    };
    response.body(Body::empty()).unwrap()
}

/// What an upload leaves that was not complete: what came, or for Glance nothing. Every other time the connection ends
/// without an answer, otherwise the answer is one a proxy gives.
fn broken_off(service: &Service, session: bool) -> Response {
    let mut held = service.held.lock().unwrap();
    if !session {
        held.data.clear();
        held.record.insert("status".to_owned(), json!("queued"));
    }
    drop(held);
    if service.manners.lock().unwrap().breaks.0 % 2 == 1 {
        std::panic::resume_unwind(Box::new("the connection ends"));
    }
    StatusCode::BAD_GATEWAY.into_response()
}

fn activate(held: &mut Held) {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    for (key, value) in [
        ("status", json!("active")),
        ("size", json!(held.data.len())),
        ("checksum", json!(hex(&md5::Md5::digest(&held.data)))),
        ("os_hash_algo", json!("sha512")),
        ("os_hash_value", json!(hex(&sha2::Sha512::digest(&held.data)))),
        ("stores", json!("first")),
    ] {
        held.record.insert(key.to_owned(), value);
    }
}

fn block_digest(data: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new();
    for block in data.chunks(4 << 20) {
        hasher.update(blake3::hash(block).as_bytes());
    }
    format!("blake3-4m=:{}:", STANDARD.encode(hasher.finalize().as_bytes()))
}

fn give(service: &Service, headers: &HeaderMap) -> Response {
    let limit = service.breaks();
    let ranges = service.manners.lock().unwrap().ranges;
    let held = service.held.lock().unwrap();
    let range = headers.get("range").filter(|_| ranges).map(|range| {
        let (start, end) = range.to_str().unwrap().strip_prefix("bytes=").unwrap().split_once('-').unwrap();
        start.parse::<usize>().unwrap()..end.parse::<usize>().unwrap() + 1
    });
    let total = held.data.len();
    let (status, range) = range.map_or((200, 0..total), |range| (206, range));
    let data = Bytes::copy_from_slice(&held.data[range.clone()]);
    let mut chunks: Vec<Result<Bytes, std::io::Error>> =
        data.chunks(64 << 10).map(|c| Ok(Bytes::copy_from_slice(c))).collect();
    if let Some(limit) = limit {
        chunks.truncate(limit as usize >> 16);
        chunks.push(Err(std::io::Error::other("cut")));
    }
    Response::builder()
        .status(status)
        .header("content-length", data.len())
        .header("content-range", format!("bytes {}-{}/{total}", range.start, range.end.saturating_sub(1)))
        .body(Body::from_stream(futures::stream::iter(chunks)))
        .unwrap()
}
