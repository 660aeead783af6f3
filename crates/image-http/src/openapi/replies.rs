// SPDX-License-Identifier: Apache-2.0
//! Answers and refusals of an operation.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::bodies::reference;
use super::operations::{Operation, Reply};

/// Refusals any request with a token may meet: no token, not allowed, not there, a request id or body that is too long.
const EVERYWHERE: [u16; 4] = [401, 403, 404, 413];
/// All statuses refusals have.
const REFUSALS: [u16; 14] = [400, 401, 403, 404, 405, 409, 410, 413, 415, 416, 501, 502, 503, 504];

/// Everything an operation answers.
pub(super) fn of(operation: &Operation) -> Value {
    let mut all = Map::new();
    for (status, reply) in operation.answers {
        all.insert(status.to_string(), answer(operation, *status, *reply));
    }
    let common: &[u16] = if operation.is_open() { &[413] } else { &EVERYWHERE };
    for status in operation.refusals.iter().chain(common) {
        let known = all.contains_key(&status.to_string());
        if !known {
            let name = if takes_uploads(operation) { upload_refusal(*status) } else { status.to_string() };
            all.insert(status.to_string(), json!({"$ref": format!("#/components/responses/{name}")}));
        }
    }
    all.sort_keys();
    Value::Object(all)
}

fn answer(operation: &Operation, status: u16, reply: Reply) -> Value {
    let mut headers = json!({"X-Openstack-Request-Id": {"$ref": "#/components/headers/request_id"}});
    if status == 201 {
        headers["Location"] = json!({"$ref": "#/components/headers/location"});
    }
    if status == 206 {
        headers["Content-Range"] = json!({"$ref": "#/components/headers/content_range"});
    }
    let mut answer = json!({"description": title(status), "headers": headers});
    match reply {
        Reply::Empty => {}
        Reply::Json(name) => answer["content"] = json!({"application/json": {"schema": reference(name)}}),
        Reply::Bytes => {
            let bytes = json!({"type": "string", "format": "binary"});
            answer["content"] = json!({"application/octet-stream": {"schema": bytes}});
        }
        Reply::Text => answer["content"] = json!({"text/plain": {"schema": {"type": "string"}}}),
    }
    if (operation.method, operation.path) == ("POST", "/v2/images") {
        answer["links"] = links();
    }
    answer
}

/// Where to go with the image that was created.
fn links() -> Value {
    let link = |operation: &Operation| {
        let id = operation.id();
        let link = json!({"operationId": id, "parameters": {"id": "$response.body#/id"}});
        (id, link)
    };
    Value::Object(super::operations_of_an_image().map(link).collect())
}

/// Headers answers have.
pub(super) fn headers() -> Value {
    let text = json!({"type": "string"});
    json!({
        "request_id": {"description": "Names the request in the logs", "schema": text},
        "location": {"description": "Where the new resource is", "schema": text},
        "content_range": {"description": "Which bytes these are", "schema": text},
    })
}

/// Whether it may be a part of an upload in several requests.
fn takes_uploads(operation: &Operation) -> bool {
    operation.path == "/v2/images/{id}/file" && operation.method != "GET"
}

fn upload_refusal(status: u16) -> String {
    format!("upload_{status}")
}

/// Refusals: their body is shaped by the request's `Accept`; those of uploads in several requests are also problems
/// of RFC 9457.
pub(super) fn refusals() -> Value {
    let text = json!({"schema": {"type": "string"}});
    let one = |status: u16| {
        json!({
            "description": title(status),
            "headers": {"X-Openstack-Request-Id": {"$ref": "#/components/headers/request_id"}},
            "content": {
                "application/json": {"schema": reference("error")},
                "text/html": text,
                "text/plain": text,
            },
        })
    };
    let of_an_upload = |status: u16| {
        let mut refusal = one(status);
        refusal["content"]["application/problem+json"] = json!({"schema": {"type": "object"}});
        refusal
    };
    let common = REFUSALS.into_iter().map(|status| (status.to_string(), one(status)));
    let of_uploads = REFUSALS.into_iter().map(|status| (upload_refusal(status), of_an_upload(status)));
    Value::Object(common.chain(of_uploads).collect())
}

fn title(status: u16) -> &'static str {
    StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Refused")
}
