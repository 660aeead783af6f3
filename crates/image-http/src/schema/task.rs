// SPDX-License-Identifier: Apache-2.0
//! Schema of a task, whole and as lists show it.

use scurry_types::TaskStatus;
use serde_json::{Map, Value, json};

use super::UUID;

pub(super) fn schema() -> Value {
    named(properties())
}

/// Lists leave out what may be long.
pub(super) fn partial() -> Value {
    let mut properties = properties();
    for long in ["input", "result", "message"] {
        properties.shift_remove(long);
    }
    named(properties)
}

fn named(properties: Map<String, Value>) -> Value {
    json!({"name": "task", "properties": properties})
}

fn properties() -> Map<String, Value> {
    let states: Vec<_> = TaskStatus::ALL.iter().map(|status| status.as_str()).collect();
    let all = json!({
        "id": {"description": "UUID that names the task", "pattern": UUID, "type": "string"},
        "type": {"description": "What kind of work the task is",
                 "enum": ["import", "api_image_import", "location_import"], "type": "string"},
        "status": {"description": "How far the task is", "enum": states, "type": "string"},
        "input": {"description": "What the task was given", "type": ["null", "object"]},
        "result": {"description": "What the task made", "type": ["null", "object"]},
        "owner": {"description": "Project the task belongs to", "type": "string"},
        "message": {"description": "What there is to say, mostly why the task failed", "type": "string"},
        "image_id": {"description": "Image the task works on", "type": "string"},
        "request_id": {"description": "Request that began the task", "type": "string"},
        "user_id": {"description": "User that began the task", "type": "string"},
        "expires_at": {"description": "When the task may be forgotten", "type": ["null", "string"]},
        "created_at": {"description": "When the task was made", "type": "string"},
        "updated_at": {"description": "When the task last changed", "type": "string"},
        "self": {"readOnly": true, "type": "string"},
        "schema": {"readOnly": true, "type": "string"},
    });
    match all {
        Value::Object(properties) => properties,
        _ => Map::new(),
    }
}
