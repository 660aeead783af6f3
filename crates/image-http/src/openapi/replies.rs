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
            all.insert(status.to_string(), json!({"$ref": format!("#/components/responses/{status}")}));
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

/// Refusals: their body is shaped by the request's `Accept`.
pub(super) fn refusals() -> Value {
    let text = json!({"schema": {"type": "string"}});
    let one = |status: u16| {
        let refusal = json!({
            "description": title(status),
            "headers": {"X-Openstack-Request-Id": {"$ref": "#/components/headers/request_id"}},
            "content": {
                "application/json": {"schema": reference("error")},
                "text/html": text,
                "text/plain": text,
            },
        });
        (status.to_string(), refusal)
    };
    Value::Object(REFUSALS.into_iter().map(one).collect())
}

fn title(status: u16) -> &'static str {
    StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Refused")
}
