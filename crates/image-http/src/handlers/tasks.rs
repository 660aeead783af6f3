// SPDX-License-Identifier: Apache-2.0
//! The deprecated task API, `/v2/tasks`.

use axum::Json;
use axum::extract::{RawQuery, Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{HeaderValue, LOCATION};
use http::{Method, StatusCode};
use scurry_image::{ImageError, ImportTask, NewImage};
use scurry_types::JobId;
use serde_json::{Map, Value, json};

use crate::api::{Api, Asker, Named};
use crate::body::read_json;
use crate::error::ApiError;
use crate::names;
use crate::query::{Params, task_query};
use crate::wire;
use crate::wire::new_image::new_image;

/// Types of tasks there are.
const KINDS: [&str; 3] = ["import", "api_image_import", "location_import"];

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

/// Begins a task. Of type `import` only: the others are begun by requests of their own.
pub(crate) async fn create(
    State(api): State<Api>,
    asker: Asker,
    request: Request,
) -> Result<Response, ApiError> {
    api.require_own(&asker, "tasks_api_access")?;
    let body = read_json(request, api.http.max_json_body).await?;
    api.require_own(&asker, "add_task")?;
    let (kind, input) = parts(body)?;
    if kind != "import" {
        return Err(ApiError::bad_request(format!(
            "Tasks of type '{kind}' cannot be created here. Create an image and call POST \
             /v2/images/{{image_id}}/import instead."
        )));
    }
    let from = input.get("import_from").and_then(Value::as_str).map(str::to_owned);
    let image = task_image(&input, &api);
    if let Ok(new) = &image {
        api.require_add(&asker, new.owner.as_ref().map(|owner| owner.as_str()), new.visibility)?;
    }
    let asked = ImportTask { from, image, input: Value::Object(input) };
    let task = api.service.import_task(&asker.caller, asked).await?;
    let location = HeaderValue::from_str(&wire::task::href(&task)).map_err(|_| ApiError::internal())?;
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(wire::task::view(&task))).into_response())
}

/// The type and the input of a task.
fn parts(body: Value) -> Result<(String, Map<String, Value>), ApiError> {
    let refuse = |reason: &str| ApiError::bad_request(reason);
    let Value::Object(mut body) = body else { return Err(names::no_match("task", "an object is expected")) };
    for name in ["type", "input"] {
        if !body.contains_key(name) {
            return Err(refuse(&format!("Task '{name}' is required")));
        }
    }
    let kind = match body.remove("type") {
        Some(Value::String(kind)) if KINDS.contains(&kind.as_str()) => kind,
        other => {
            let reason = format!("{} is not one of {KINDS:?}", other.unwrap_or_default());
            return Err(names::no_match("task", &reason));
        }
    };
    match body.remove("input") {
        Some(Value::Object(input)) => Ok((kind, input)),
        None | Some(Value::Null) => Ok((kind, Map::new())),
        Some(other) => Err(names::no_match("task", &format!("{other} is not of type 'null', 'object'"))),
    }
}

/// The image of a task's `image_properties`, or what is wrong with the input. An empty object means a qcow2.
fn task_image(input: &Map<String, Value>, api: &Api) -> Result<NewImage, String> {
    let needed = ["import_from", "import_from_format", "image_properties"];
    if let Some(missing) = needed.iter().find(|name| !input.contains_key(**name)) {
        return Err(format!("Input does not contain '{missing}' field"));
    }
    let properties = match input.get("image_properties") {
        Some(Value::Object(properties)) if properties.is_empty() => {
            json!({"disk_format": "qcow2", "container_format": "bare"})
        }
        Some(other) => other.clone(),
        None => Value::Null,
    };
    let new = new_image(properties, &api.schemas).map_err(|error| error.explanation)?;
    if new.disk_format.is_none() || new.container_format.is_none() {
        return Err("disk_format, container_format must be set prior to saving data.".to_owned());
    }
    Ok(new)
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
