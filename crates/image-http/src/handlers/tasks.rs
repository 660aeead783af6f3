// SPDX-License-Identifier: Apache-2.0
//! The deprecated task API, `/v2/tasks`: looking is all that is left of it.

use axum::Json;
use axum::extract::{RawQuery, Request, State};
use http::Method;
use scurry_image::ImageError;
use scurry_types::JobId;
use serde_json::{Map, Value};

use crate::api::{Api, Asker, Named};
use crate::body::read_json;
use crate::error::ApiError;
use crate::query::{Params, task_query};
use crate::wire;

/// A page of tasks.
pub(crate) async fn list(
    State(api): State<Api>,
    asker: Asker,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    api.require_own(&asker, "tasks_api_access")?;
    api.require_own(&asker, "get_tasks")?;
    let params = Params::parse(query.as_deref());
    let query = task_query(&params, api.settings())?;
    let tasks = match api.service.tasks(&asker.caller, &query).await {
        Err(ImageError::NotFound(text)) => return Err(ApiError::bad_request(text)),
        other => other?,
    };
    let mut body = Map::new();
    body.insert("tasks".to_owned(), tasks.iter().map(wire::task::stub).collect());
    body.insert("first".to_owned(), Value::from(params.link("/v2/tasks", None)));
    body.insert("schema".to_owned(), Value::from("/v2/schemas/tasks"));
    if let Some(last) = tasks.last().filter(|_| tasks.len() == query.limit as usize) {
        body.insert("next".to_owned(), Value::from(params.link("/v2/tasks", Some(last.id.as_str()))));
    }
    Ok(Json(Value::Object(body)))
}

/// A task.
pub(crate) async fn show(
    State(api): State<Api>,
    asker: Asker,
    Named(names): Named,
) -> Result<Json<Value>, ApiError> {
    api.require_own(&asker, "tasks_api_access")?;
    api.require_own(&asker, "get_task")?;
    let id = JobId::new(names.into_iter().next().unwrap_or_default());
    let task = api.service.task(&asker.caller, &id).await?;
    Ok(Json(wire::task::view(&task)))
}

/// Tasks are begun by imports; the old way to begin one is refused with a pointer to the new one.
pub(crate) async fn create(
    State(api): State<Api>,
    asker: Asker,
    request: Request,
) -> Result<Json<Value>, ApiError> {
    api.require_own(&asker, "tasks_api_access")?;
    let body = read_json(request, api.http.max_json_body).await?;
    api.require_own(&asker, "add_task")?;
    let kind = body
        .get("type")
        .and_then(Value::as_str)
        .ok_or_else(|| ApiError::bad_request("Task must be specified with a type."))?;
    Err(ApiError::bad_request(format!(
        "Tasks of type '{kind}' cannot be created here. Create an image and call POST /v2/images/{{image_id}}/import instead."
    )))
}

/// Never possible.
pub(crate) async fn delete(
    State(api): State<Api>,
    asker: Asker,
    method: Method,
) -> Result<Json<Value>, ApiError> {
    api.require_own(&asker, "tasks_api_access")?;
    Err(ApiError::method_not_allowed(&method, "GET"))
}
