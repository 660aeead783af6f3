// SPDX-License-Identifier: Apache-2.0
//! The two JSON-patch media types of image updates, parsed and checked as far as the image need not be known.

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use scurry_image::{Dialect, PatchOp, PatchVerb};
use serde_json::{Map, Value};

use crate::body;
use crate::error::ApiError;
use crate::names;
use crate::schema::{CustomSchema, Schemas, violation};

const MEDIA_TYPES: &str =
    "application/openstack-images-v2.0-json-patch, application/openstack-images-v2.1-json-patch";
const VERBS: [(&str, PatchVerb); 3] =
    [("add", PatchVerb::Add), ("remove", PatchVerb::Remove), ("replace", PatchVerb::Replace)];

/// The dialect named by `Content-Type`, or 415 with the two that exist.
pub(crate) fn dialect(headers: &HeaderMap) -> Result<Dialect, ApiError> {
    let media = body::content_type(headers);
    match media.as_deref() {
        Some("application/openstack-images-v2.0-json-patch") => Ok(Dialect::V20),
        Some("application/openstack-images-v2.1-json-patch") => Ok(Dialect::V21),
        other => Err(ApiError::unsupported_media(
            other.unwrap_or("None"),
            format!("Image PATCH expects Content-Type one of: {MEDIA_TYPES}"),
        )
        .with_header(HeaderName::from_static("accept-patch"), HeaderValue::from_static(MEDIA_TYPES))),
    }
}

/// All operations of a body.
pub(crate) fn operations(
    document: &Value,
    dialect: Dialect,
    schemas: &Schemas,
) -> Result<Vec<PatchOp>, ApiError> {
    let list = document
        .as_array()
        .ok_or_else(|| ApiError::bad_request("Request body must be a JSON array of operation objects."))?;
    list.iter()
        .map(|item| {
            let item =
                item.as_object().ok_or_else(|| ApiError::bad_request("Operations must be JSON objects."))?;
            operation(item, dialect, schemas)
        })
        .collect()
}

fn operation(item: &Map<String, Value>, dialect: Dialect, schemas: &Schemas) -> Result<PatchOp, ApiError> {
    let (op, pointer) = match dialect {
        Dialect::V21 => verb_and_pointer_v21(item)?,
        Dialect::V20 => verb_and_pointer_v20(item)?,
    };
    let pointer = pointer
        .as_str()
        .ok_or_else(|| ApiError::bad_request(format!("Pointer `{pointer}` does not start with \"/\".")))?;
    let path = parts(pointer)?;
    if path.len() != depth(&path, op) {
        return Err(ApiError::bad_request(format!(
            "Invalid JSON pointer for this resource: '/{}'",
            path.join("/")
        )));
    }
    let value = match op {
        PatchVerb::Remove => None,
        _ => Some(item.get("value").cloned().ok_or_else(|| {
            ApiError::bad_request(format!("Operation \"{}\" requires a member named \"value\".", word(op)))
        })?),
    };
    let mut change = PatchOp { op, path, value, dialect };
    check(&change, schemas)?;
    if change.path.first().is_some_and(|name| schemas.is_additional(name)) {
        change.value = change.value.map(|value| Value::from(CustomSchema::stored(value)));
    }
    Ok(change)
}

fn word(op: PatchVerb) -> &'static str {
    VERBS.iter().find(|(_, verb)| *verb == op).map_or("", |(word, _)| word)
}

/// `{"op": …, "path": …}`
fn verb_and_pointer_v21(item: &Map<String, Value>) -> Result<(PatchVerb, &Value), ApiError> {
    let available = VERBS.map(|(word, _)| word).join(", ");
    let op = match item.get("op") {
        None | Some(Value::Null) => {
            return Err(ApiError::bad_request(format!(
                "Unable to find `op` in JSON Schema change. It must be one of the following: {available}."
            )));
        }
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let Some((_, verb)) = VERBS.iter().find(|(word, _)| *word == op) else {
        return Err(ApiError::bad_request(format!(
            "Invalid operation: `{op}`. It must be one of the following: {available}."
        )));
    };
    let pointer = item
        .get("path")
        .ok_or_else(|| ApiError::bad_request("Unable to find 'path' in JSON Schema change"))?;
    Ok((*verb, pointer))
}

/// `{"add": "/pointer", "value": …}`
fn verb_and_pointer_v20(item: &Map<String, Value>) -> Result<(PatchVerb, &Value), ApiError> {
    let mut found = VERBS.iter().filter_map(|(word, verb)| Some((*verb, item.get(*word)?)));
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only),
        (Some(_), Some(_)) => Err(ApiError::bad_request(
            "Operation objects must contain only one member named \"add\", \"remove\", or \"replace\".",
        )),
        (None, _) => Err(ApiError::bad_request(
            "Operation objects must contain exactly one member named \"add\", \"remove\", or \"replace\".",
        )),
    }
}

/// Unescaped parts of a JSON pointer.
fn parts(pointer: &str) -> Result<Vec<String>, ApiError> {
    let refuse = |what: &str| Err(ApiError::bad_request(format!("Pointer `{pointer}` {what}")));
    let Some(rest) = pointer.strip_prefix('/') else {
        return refuse("does not start with \"/\".");
    };
    let segments: Vec<&str> = rest.split('/').collect();
    let inner = segments.len().saturating_sub(1);
    if segments.iter().take(inner).any(|segment| segment.trim().is_empty()) {
        return refuse("contains adjacent \"/\".");
    }
    if !rest.is_empty() && rest.ends_with('/') {
        return refuse("end with \"/\".");
    }
    let mut chars = rest.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '~' && !matches!(chars.peek(), Some('0' | '1')) {
            return refuse("contains \"~\" not part of a recognized escape sequence.");
        }
    }
    Ok(segments.iter().map(|s| s.replace("~1", "/").replace("~0", "~").trim().to_owned()).collect())
}

/// How many parts a pointer has for an operation: only locations are addressed one by one.
fn depth(path: &[String], op: PatchVerb) -> usize {
    let locations = path.first().is_some_and(|root| root == "locations");
    if locations && op != PatchVerb::Replace { 2 } else { 1 }
}

fn check(change: &PatchOp, schemas: &Schemas) -> Result<(), ApiError> {
    let root = change.path.first().map_or("", String::as_str);
    if names::READ_ONLY.contains(&root) {
        return Err(names::read_only(root));
    }
    if names::RESERVED.contains(&root) || root.starts_with(names::RESERVED_PREFIX) {
        return Err(names::reserved(root));
    }
    let Some(value) = &change.value else {
        return match schemas.requires(root) {
            true => Err(names::no_match("image", &format!("'{root}' is a required property"))),
            false => Ok(()),
        };
    };
    let value = match change.path.len() {
        1 => value.clone(),
        _ => Value::Array(vec![value.clone()]),
    };
    let mut partial = Map::new();
    partial.insert(root.to_owned(), value);
    let partial = Value::Object(partial);
    if let Some(reason) = violation(&schemas.partial_image, &partial) {
        return Err(names::no_match("image", &reason));
    }
    names::check_characters(&partial)?;
    if root.chars().count() > names::LONGEST_NAME {
        return Err(ApiError::bad_request("Custom property should not be greater than 255 characters."));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
