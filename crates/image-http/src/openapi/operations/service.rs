// SPDX-License-Identifier: Apache-2.0
//! Versions, health, schemas, what a deployment can do, and tasks.

use super::{Body, Operation, Reply, row};

const TASKS: &[&str] = &["limit", "marker", "task_sort_key", "sort_dir", "task_type", "task_status"];

#[rustfmt::skip]
pub(super) const OPERATIONS: &[Operation] = &[
    row("GET", "/", "Choose a version", &[], Body::None, &[(300, Reply::Json("versions"))], &[]),
    row("GET", "/versions", "List versions", &[], Body::None, &[(200, Reply::Json("versions"))], &[]),
    row("GET", "/healthcheck", "Say whether the service is in use", &[], Body::None, &[(200, Reply::Text), (503, Reply::Text)], &[]),
    row("GET", "/openapi.json", "This document", &[], Body::None, &[(200, Reply::Json("openapi"))], &[]),
    row("GET", "/v2/schemas/{name}", "Show a JSON schema", &[], Body::None, &[(200, Reply::Json("schema"))], &[400]),
    row("GET", "/v2/info/import", "List import methods", &[], Body::None, &[(200, Reply::Json("import_methods"))], &[400]),
    row("GET", "/v2/info/stores", "List stores", &[], Body::None, &[(200, Reply::Json("stores"))], &[400]),
    row("GET", "/v2/info/stores/detail", "List stores with their settings", &[], Body::None, &[(200, Reply::Json("stores"))], &[400]),
    row("GET", "/v2/info/usage", "Show usage and limits", &[], Body::None, &[(200, Reply::Json("usage"))], &[400]),
    row("GET", "/v2/tasks", "List tasks", TASKS, Body::None, &[(200, Reply::Json("tasks"))], &[400]),
    row("POST", "/v2/tasks", "Start a task", &[], Body::Json("new_task"), &[(201, Reply::Json("task"))], &[400, 409]),
    row("GET", "/v2/tasks/{id}", "Show a task", &[], Body::None, &[(200, Reply::Json("task"))], &[400]),
    row("DELETE", "/v2/tasks/{id}", "Delete a task (never possible)", &[], Body::None, &[], &[400, 405]),
];
