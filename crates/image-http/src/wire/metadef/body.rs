// SPDX-License-Identifier: Apache-2.0
//! Bodies of metadata definitions, read after they were found to fit their schema.

use axum::extract::Request;
use chrono::{DateTime, SubsecRound, Utc};
use scurry_image::metadef::{Association, Contents, Namespace, Object, Property, Tag};
use serde_json::{Map, Value};

use super::definition::settle;
use crate::api::Api;
use crate::body::read_json;
use crate::error::ApiError;
use crate::names;
use crate::schema::MetadefBody;

/// Reads a body and refuses one that breaks its schema or sets what the service sets.
pub(crate) async fn read_body(api: &Api, request: Request, kind: MetadefBody) -> Result<Value, ApiError> {
    let mut body = read_json(request, api.http.max_json_body).await?;
    let links = matches!(kind, MetadefBody::Namespace | MetadefBody::Object);
    let read_only: &[&str] =
        if links { &["self", "schema", "created_at", "updated_at"] } else { &["created_at", "updated_at"] };
    if let Some(name) = read_only.iter().find(|name| body.get(**name).is_some()) {
        return Err(names::read_only(name));
    }
    api.schemas.metadefs.check(kind, &body)?;
    settle_all(&mut body, kind);
    Ok(body)
}

/// Brings every definition in a body into the form in which it is kept.
fn settle_all(body: &mut Value, kind: MetadefBody) {
    if kind == MetadefBody::Property {
        body.as_object_mut().into_iter().for_each(settle);
        return;
    }
    settle_map(body);
    let objects = body.get_mut("objects").and_then(Value::as_array_mut);
    objects.into_iter().flatten().for_each(settle_map);
}

fn settle_map(owner: &mut Value) {
    let definitions = owner.get_mut("properties").and_then(Value::as_object_mut);
    definitions.into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut).for_each(settle);
}

/// Refuses characters that Glance's tables cannot hold everywhere; `action` completes "Couldn't … metadata tag".
pub(crate) fn check_characters(body: &Value, action: &str) -> Result<(), ApiError> {
    let refused =
        |error: ApiError| ApiError::bad_request(format!("Couldn't {action}: {}", error.explanation));
    match body {
        Value::Object(fields) => {
            names::check_characters(body).map_err(refused)?;
            fields.values().try_for_each(|value| check_characters(value, action))
        }
        Value::Array(items) => items.iter().try_for_each(|item| check_characters(item, action)),
        _ => Ok(()),
    }
}

fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}

fn text(body: &Value, name: &str) -> Option<String> {
    body.get(name).and_then(Value::as_str).map(str::to_owned)
}

fn each<T>(body: &Value, name: &str, read: impl Fn(&Value) -> T) -> Vec<T> {
    body.get(name).and_then(Value::as_array).into_iter().flatten().map(read).collect()
}

/// The namespace itself; it belongs to `owner` unless the body names another one.
pub(crate) fn new_namespace(body: &Value, owner: &str) -> Namespace {
    let now = now();
    Namespace {
        name: text(body, "namespace").unwrap_or_default(),
        display_name: text(body, "display_name"),
        description: text(body, "description"),
        public: body.get("visibility").and_then(Value::as_str) == Some("public"),
        protected: body.get("protected").and_then(Value::as_bool) == Some(true),
        owner: text(body, "owner").unwrap_or_else(|| owner.to_owned()),
        created_at: now,
        updated_at: now,
    }
}

/// What a new namespace brings along.
pub(crate) fn new_contents(body: &Value) -> Contents {
    let definitions = body.get("properties").and_then(Value::as_object).into_iter().flatten();
    let property = |(name, definition): (&String, &Value)| Property {
        name: name.clone(),
        schema: definition.as_object().cloned().unwrap_or_default(),
    };
    Contents {
        objects: each(body, "objects", new_object),
        properties: definitions.map(property).collect(),
        tags: new_tags(body),
        associations: each(body, "resource_type_associations", new_association),
    }
}

/// An object.
pub(crate) fn new_object(body: &Value) -> Object {
    let now = now();
    Object {
        name: text(body, "name").unwrap_or_default(),
        description: text(body, "description"),
        required: each(body, "required", |name| name.as_str().unwrap_or_default().to_owned()),
        properties: body.get("properties").and_then(Value::as_object).cloned().unwrap_or_default(),
        created_at: now,
        updated_at: now,
    }
}

/// A property; its name stays among its fields.
pub(crate) fn new_property(body: &Value) -> Property {
    Property {
        name: text(body, "name").unwrap_or_default(),
        schema: body.as_object().cloned().unwrap_or_default(),
    }
}

/// The tags in `{"tags": [{"name": …}]}`.
pub(crate) fn new_tags(body: &Value) -> Vec<Tag> {
    each(body, "tags", |tag| new_tag(tag.get("name").and_then(Value::as_str).unwrap_or_default()))
}

/// A tag.
pub(crate) fn new_tag(name: &str) -> Tag {
    let now = now();
    Tag { name: name.to_owned(), created_at: now, updated_at: now }
}

/// An association.
pub(crate) fn new_association(body: &Value) -> Association {
    let now = now();
    Association {
        name: text(body, "name").unwrap_or_default(),
        prefix: text(body, "prefix"),
        properties_target: text(body, "properties_target"),
        created_at: now,
        updated_at: now,
    }
}
