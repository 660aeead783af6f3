// SPDX-License-Identifier: Apache-2.0
//! Reading and checking request bodies.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use http::StatusCode;
use serde_json::{Map, Value};

use super::Shared;
use super::fault::{Answer, Fault};
use super::paging::truth_of;
use crate::db::properties::Properties;

/// A JSON object.
#[derive(Debug, Clone)]
pub(crate) struct Body(pub(crate) Map<String, Value>);

impl FromRequest<Shared> for Body {
    type Rejection = Fault;

    async fn from_request(request: Request, state: &Shared) -> Result<Self, Fault> {
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                Fault::new(StatusCode::PAYLOAD_TOO_LARGE, "Request is too large.")
            } else {
                Fault::bad_request("Malformed request body")
            }
        })?;
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(body)) => Ok(Self(body)),
            _ => Err(Fault::bad_request("Malformed request body")),
        }
    }
}

impl Body {
    /// The object under the one key the body must have.
    pub(crate) fn inner(&self, key: &str) -> Answer<Fields<'_>> {
        match self.0.get(key) {
            Some(Value::Object(map)) => Ok(Fields { map }),
            Some(value) => Err(Fault::invalid_field(key, value, format!("{value} is not of type 'object'"))),
            None => Err(Fault::bad_request(format!(
                "Invalid input for field/attribute body. '{key}' is a required property"
            ))),
        }
    }
}

/// The fields of an object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a> {
    pub(crate) map: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    /// A field that is there and not null.
    pub(crate) fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// Refuses fields that are not in `known`.
    pub(crate) fn only(&self, known: &[&str]) -> Answer<()> {
        match self.map.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(Fault::bad_request(format!(
                "Additional properties are not allowed ('{key}' was unexpected)"
            ))),
            None => Ok(()),
        }
    }

    /// A text of at most 255 characters; none when absent or null.
    pub(crate) fn text(&self, key: &str) -> Answer<Option<&'a str>> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) if text.chars().count() <= 255 => Ok(Some(text)),
            Some(value @ Value::String(_)) => Err(Fault::invalid_field(key, value, "It is too long")),
            Some(value) => {
                Err(Fault::invalid_field(key, value, format!("{value} is not of type 'string', 'null'")))
            }
        }
    }

    /// A text that must be there.
    pub(crate) fn required_text(&self, key: &str) -> Answer<&'a str> {
        self.text(key)?.filter(|text| !text.is_empty()).ok_or_else(|| missing(key))
    }

    /// A UUID; none when absent or null.
    pub(crate) fn uuid(&self, key: &str) -> Answer<Option<&'a str>> {
        match self.text(key)? {
            None => Ok(None),
            Some(text) if uuid::Uuid::try_parse(text).is_ok() => Ok(Some(text)),
            Some(text) => Err(Fault::invalid_field(key, &text.into(), format!("'{text}' is not a 'uuid'"))),
        }
    }

    /// A truth value; none when absent.
    pub(crate) fn flag(&self, key: &str) -> Answer<Option<bool>> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => truth_of(value)
                .map(Some)
                .ok_or_else(|| Fault::invalid_field(key, value, format!("{value} is not a boolean"))),
        }
    }

    /// A truth value that must be there.
    pub(crate) fn required_flag(&self, key: &str) -> Answer<bool> {
        self.flag(key)?.ok_or_else(|| missing(key))
    }

    /// A whole number, also as text; none when absent or null.
    pub(crate) fn whole(&self, key: &str) -> Answer<Option<i64>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let number = match value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.map(Some).ok_or_else(|| Fault::invalid_field(key, value, format!("{value} is not an integer")))
    }

    /// A size in GiB that must be there and be at least 1.
    pub(crate) fn gib(&self, key: &str) -> Answer<i64> {
        let size = self.whole(key)?.ok_or_else(|| missing(key))?;
        if (1..=MAX_GIB).contains(&size) {
            return Ok(size);
        }
        Err(Fault::invalid_field(key, &size.into(), format!("{size} is not between 1 and {MAX_GIB}")))
    }

    /// A set of texts; empty when absent or null.
    pub(crate) fn properties(&self, key: &str) -> Answer<Properties> {
        match self.get(key) {
            None => Ok(Properties::new()),
            Some(value) => properties(value),
        }
    }
}

/// The longest volume in GiB: the range of Cinder's column.
pub(crate) const MAX_GIB: i64 = 2_147_483_647;

/// A key/value set as metadata has it: keys and values of at most 255 characters.
pub(crate) fn properties(value: &Value) -> Answer<Properties> {
    let Value::Object(map) = value else {
        return Err(Fault::invalid_field("metadata", value, format!("{value} is not of type 'object'")));
    };
    let mut set = Properties::new();
    for (key, value) in map {
        if key.is_empty() || key.chars().count() > 255 {
            return Err(Fault::invalid_field(
                "metadata",
                &key.as_str().into(),
                "A key has 1 to 255 characters",
            ));
        }
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(true) => "True".to_owned(),
            Value::Bool(false) => "False".to_owned(),
            Value::Null => String::new(),
            _ => return Err(Fault::invalid_field(key, value, format!("{value} is not of type 'string'"))),
        };
        if text.chars().count() > 255 {
            return Err(Fault::invalid_field(key, value, "It is too long"));
        }
        set.insert(key.clone(), text);
    }
    Ok(set)
}

fn missing(key: &str) -> Fault {
    Fault::bad_request(format!("Invalid input for field/attribute body. '{key}' is a required property"))
}
