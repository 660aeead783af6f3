// SPDX-License-Identifier: Apache-2.0
//! Tasks as clients are shown them.

use scurry_image::Task;
use serde_json::{Map, Value, json};

use super::time;

/// Path of a task.
pub(crate) fn href(task: &Task) -> String {
    format!("/v2/tasks/{}", task.id)
}

/// Everything about a task.
pub(crate) fn view(task: &Task) -> Value {
    let mut view = stub_fields(task);
    view.insert("input".to_owned(), json!(task.input));
    view.insert("message".to_owned(), Value::from(task.message.as_str()));
    view.insert("result".to_owned(), json!(task.result));
    let optional = [
        ("image_id", task.image_id.as_ref().map(|id| id.as_str())),
        ("request_id", task.request_id.as_deref()),
        ("user_id", task.user_id.as_ref().map(|id| id.as_str())),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            view.insert(name.to_owned(), Value::from(value));
        }
    }
    Value::Object(view)
}

/// What a list of tasks shows of each.
pub(crate) fn stub(task: &Task) -> Value {
    Value::Object(stub_fields(task))
}

/// A task in `/v2/images/{id}/tasks`, which shows columns where the task list shows links.
pub(crate) fn of_image(task: &Task) -> Value {
    json!({
        "id": task.id,
        "type": task.kind,
        "status": task.status,
        "owner": task.owner,
        "image_id": task.image_id,
        "request_id": task.request_id,
        "user_id": task.user_id,
        "input": task.input,
        "result": task.result,
        "message": task.message,
        "expires_at": task.expires_at.map(time),
        "created_at": time(task.created_at),
        "updated_at": time(task.updated_at),
        "deleted": false,
        "deleted_at": null,
    })
}

fn stub_fields(task: &Task) -> Map<String, Value> {
    let mut view = Map::new();
    let mut add = |name: &str, value: Value| {
        view.insert(name.to_owned(), value);
    };
    add("id", json!(task.id));
    add("type", Value::from(task.kind.as_str()));
    add("status", json!(task.status));
    add("owner", json!(task.owner));
    add("created_at", Value::from(time(task.created_at)));
    add("updated_at", Value::from(time(task.updated_at)));
    add("self", Value::from(href(task)));
    add("schema", Value::from("/v2/schemas/task"));
    if let Some(expires_at) = task.expires_at {
        add("expires_at", Value::from(time(expires_at)));
    }
    view
}
