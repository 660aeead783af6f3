// SPDX-License-Identifier: Apache-2.0
//! Request bodies: a JSON object, its fields taken one by one with their types and lengths checked.

use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::{Map, Value};

use super::api_error::ApiError;

/// Fields the service itself writes; a client may send them back, and nothing comes of it.
const OWN_FIELDS: [&str; 4] = ["id", "links", "extra", "password_expires_at"];

/// A body that is a JSON object.
#[derive(Debug)]
pub(super) struct Body(Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes =
            axum::body::Bytes::from_request(request, state).await.map_err(|rejection| {
                match rejection.into_response().status() {
                    StatusCode::PAYLOAD_TOO_LARGE => ApiError::TooLarge,
                    _ => ApiError::BadRequest("the request body ended too early".into()),
                }
            })?;
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(object)) => Ok(Self(object)),
            _ => Err(ApiError::expecting("valid JSON", "request body")),
        }
    }
}

impl Body {
    /// The value under `key`, whatever it is.
    pub(super) fn value(mut self, key: &str) -> Result<Value, ApiError> {
        self.0.remove(key).ok_or_else(|| ApiError::expecting(key, "request body"))
    }

    /// The object under `key`.
    pub(super) fn fields(self, key: &'static str) -> Result<Fields, ApiError> {
        Fields::new(self.value(key)?, key)
    }

    /// The objects in the non-empty list under `key`.
    pub(super) fn list(self, key: &'static str) -> Result<Vec<Fields>, ApiError> {
        match self.value(key)? {
            Value::Array(items) if items.is_empty() => {
                Err(ApiError::invalid(key, "Value: []. [] should be non-empty"))
            }
            Value::Array(items) => items.into_iter().map(|item| Fields::new(item, key)).collect(),
            other => Err(wrong_type(key, &other, "array")),
        }
    }
}

/// The fields of one resource. Each getter takes its field out; what is left at the end are extra attributes.
///
/// `None` is a field that is not there, `Some(None)` one that is null.
#[derive(Debug)]
pub(super) struct Fields {
    object: &'static str,
    map: Map<String, Value>,
}

impl Fields {
    fn new(value: Value, object: &'static str) -> Result<Self, ApiError> {
        match value {
            Value::Object(map) => Ok(Self { object, map }),
            other => Err(wrong_type(object, &other, "object")),
        }
    }

    /// 400 when a required field was not there.
    pub(super) fn require<T>(&self, field: &str, value: Option<T>) -> Result<T, ApiError> {
        value.ok_or_else(|| ApiError::invalid(self.object, format_args!("'{field}' is a required property")))
    }

    /// A text that may be empty or null.
    pub(super) fn text(&mut self, field: &str) -> Result<Option<Option<String>>, ApiError> {
        match self.map.remove(field) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(None)),
            Some(Value::String(text)) => Ok(Some(Some(text))),
            Some(other) => Err(wrong_type(field, &other, "string")),
        }
    }

    /// A name: neither empty nor null, of at most `longest` characters.
    pub(super) fn name(&mut self, field: &str, longest: usize) -> Result<Option<String>, ApiError> {
        let name = match self.map.remove(field) {
            None => return Ok(None),
            Some(Value::String(name)) => name,
            Some(other) => return Err(wrong_type(field, &other, "string")),
        };
        if name.trim().is_empty() {
            return Err(ApiError::invalid(
                field,
                format_args!("Value: {name}. '{name}' should be non-empty"),
            ));
        }
        if name.chars().count() > longest {
            return Err(ApiError::invalid(
                field,
                format_args!("the value is longer than {longest} characters"),
            ));
        }
        Ok(Some(name))
    }

    /// A secret: never shown again, not even in an error.
    pub(super) fn secret(&mut self, field: &str) -> Result<Option<String>, ApiError> {
        match self.map.remove(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(secret)) if secret.len() <= crate::password::MAX_PASSWORD_BYTES => {
                Ok(Some(secret))
            }
            Some(Value::String(_)) => Err(ApiError::invalid(field, "the value is too long")),
            Some(_) => Err(ApiError::invalid(field, "the value is not of type 'string'")),
        }
    }

    pub(super) fn flag(&mut self, field: &str) -> Result<Option<bool>, ApiError> {
        match self.map.remove(field) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(other) => Err(wrong_type(field, &other, "boolean")),
        }
    }

    /// A limit: -1, for none, or more.
    pub(super) fn limit(&mut self, field: &str) -> Result<Option<i64>, ApiError> {
        let Some(value) = self.map.remove(field) else { return Ok(None) };
        match value.as_i64() {
            Some(limit) if limit >= -1 => Ok(Some(limit)),
            Some(limit) => Err(ApiError::invalid(
                field,
                format_args!("Value: {limit}. {limit} is less than the minimum of -1"),
            )),
            None => Err(wrong_type(field, &value, "integer")),
        }
    }

    /// A list or an object, taken as it is.
    pub(super) fn value(&mut self, field: &str) -> Option<Value> {
        self.map.remove(field)
    }

    /// `options`: an object of resource options.
    pub(super) fn options(&mut self) -> Result<Option<Value>, ApiError> {
        match self.map.remove("options") {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(Value::Object(Map::new()))),
            Some(options @ Value::Object(_)) => Ok(Some(options)),
            Some(other) => Err(wrong_type("options", &other, "object")),
        }
    }

    /// `tags`: distinct texts without slash or comma.
    pub(super) fn tags(&mut self) -> Result<Option<Vec<String>>, ApiError> {
        self.map.remove("tags").map(parse_tags).transpose()
    }

    /// The attributes nobody asked for, which a client may store all the same.
    pub(super) fn extra(mut self) -> Value {
        self.map.retain(|field, _| !OWN_FIELDS.contains(&field.as_str()));
        Value::Object(self.map)
    }

    /// `before` with the extra attributes of this change put over it.
    pub(super) fn merge_extra(self, before: Value) -> Value {
        let (Value::Object(mut merged), Value::Object(changes)) = (before, self.extra()) else {
            return Value::Object(Map::new());
        };
        merged.extend(changes);
        Value::Object(merged)
    }
}

/// Reads a list of tags.
pub(super) fn parse_tags(value: Value) -> Result<Vec<String>, ApiError> {
    let Value::Array(items) = value else { return Err(wrong_type("tags", &value, "array")) };
    let mut tags: Vec<String> = Vec::new();
    for item in items {
        match item {
            Value::String(tag) if !tags.contains(&tag) => {
                check_tag(&tag)?;
                tags.push(tag);
            }
            Value::String(_) => {}
            other => return Err(wrong_type("tags", &other, "string")),
        }
    }
    Ok(tags)
}

/// 400 for a tag that a URL or a comma-separated list could not carry.
pub(super) fn check_tag(tag: &str) -> Result<(), ApiError> {
    if tag.is_empty() || tag.chars().count() > 255 || tag.contains(['/', ',']) {
        return Err(ApiError::invalid("tags", "a tag has 1 to 255 characters and neither slash nor comma"));
    }
    Ok(())
}

fn wrong_type(field: &str, value: &Value, wanted: &str) -> ApiError {
    ApiError::invalid(field, format_args!("Value: {}. It is not of type '{wanted}'", abridged(value)))
}

fn abridged(value: &Value) -> String {
    match value {
        // Objects and lists may hold secrets.
        Value::Object(_) => "an object".into(),
        Value::Array(_) => "a list".into(),
        Value::String(text) => text.chars().take(64).collect(),
        other => other.to_string(),
    }
}

/// 403 where the resource's options say that it is immutable.
pub(super) fn check_mutable(kind: &str, id: &str, verb: &str, options: &Value) -> Result<(), ApiError> {
    if options.get("immutable") == Some(&Value::Bool(true)) {
        return Err(ApiError::Forbidden(format!(
            "Unable to {verb} immutable {kind} resource: `{id}. Set resource option \"immutable\" to false first."
        )));
    }
    Ok(())
}
