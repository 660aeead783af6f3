// SPDX-License-Identifier: Apache-2.0
//! `schema-image.json`: additional properties an operator declares, with their types, and those an image must have.

use std::path::{Path, PathBuf};

use regex::Regex;
use serde_json::{Map, Value};

const TYPES: [&str; 7] = ["null", "string", "boolean", "integer", "number", "array", "object"];

/// The operator's part of the image schema.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CustomSchema {
    /// Definitions by property.
    pub properties: Map<String, Value>,
    /// Properties every new image must have, and no image may lose.
    pub required: Vec<String>,
}

/// A `schema-image.json` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CustomSchemaError {
    /// It cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is no JSON.
    #[error("{}, line {}: {source}", path.display(), source.line())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        source: serde_json::Error,
    },
    /// It says something that has no meaning.
    #[error("{}: {problem}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

impl CustomSchema {
    /// Reads a file: definitions by property, or `{"properties": …, "required": […]}`.
    ///
    /// # Errors
    /// [`CustomSchemaError`]
    pub fn load(path: &Path) -> Result<Self, CustomSchemaError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| CustomSchemaError::Read { path: path.to_owned(), source })?;
        let document = serde_json::from_str(&text)
            .map_err(|source| CustomSchemaError::Syntax { path: path.to_owned(), source })?;
        read(document).map_err(|problem| CustomSchemaError::Content { path: path.to_owned(), problem })
    }

    /// A property's value as it is kept: text, as every additional property is.
    pub(crate) fn stored(value: Value) -> String {
        match value {
            Value::String(text) => text,
            Value::Null => String::new(),
            other => other.to_string(),
        }
    }

    /// A kept text as clients see it: of its declared type, where there is one.
    pub(crate) fn shown(&self, name: &str, text: &str) -> Value {
        let types = self.properties.get(name).map(types_of).unwrap_or_default();
        if text.is_empty() && types.contains(&"null") {
            return Value::Null;
        }
        if types.is_empty() || types.contains(&"string") {
            return Value::from(text);
        }
        serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
    }
}

fn types_of(definition: &Value) -> Vec<&str> {
    match definition.get("type") {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn read(document: Value) -> Result<CustomSchema, String> {
    let Value::Object(mut object) = document else { return Err("an object is expected".to_owned()) };
    let mut required = Vec::new();
    // A flat file may declare a property of the name `properties`, but not one that holds definitions.
    let extended = object.get("properties").is_some_and(|inner| inner.is_object());
    if extended {
        if let Some(names) = object.remove("required").filter(|names| !names.is_null()) {
            required = serde_json::from_value(names)
                .map_err(|_| "\"required\" must be a list of property names".to_owned())?;
        }
        object = match object.remove("properties") {
            Some(Value::Object(inner)) => inner,
            _ => Map::new(),
        };
    }
    for (name, definition) in &object {
        check(definition).map_err(|problem| format!("property {name}: {problem}"))?;
    }
    Ok(CustomSchema { properties: object, required })
}

fn check(definition: &Value) -> Result<(), String> {
    if !definition.is_object() {
        return Err("its definition must be an object".to_owned());
    }
    if let Some(unknown) = types_of(definition).into_iter().find(|one| !TYPES.contains(one)) {
        return Err(format!("there is no type {unknown:?}"));
    }
    if definition.get("enum").is_some_and(|words| !words.is_array()) {
        return Err("\"enum\" must be a list".to_owned());
    }
    match definition.get("pattern") {
        None => Ok(()),
        Some(Value::String(pattern)) => {
            Regex::new(pattern).map(drop).map_err(|error| format!("its pattern cannot be used: {error}"))
        }
        Some(_) => Err("\"pattern\" must be a text".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[test]
    fn both_shapes_are_read() {
        let flat = read(json!({"vendor": {"type": "string"}})).unwrap();
        assert!(flat.properties.contains_key("vendor") && flat.required.is_empty());
        let extended = read(json!({"properties": {"vendor": {"type": "string"}}, "required": ["vendor"]}));
        assert_eq!(extended.unwrap(), CustomSchema { required: vec!["vendor".into()], ..flat });
    }

    #[rstest]
    #[case(json!([]), "an object")]
    #[case(json!({"a": 1}), "property a: its definition")]
    #[case(json!({"a": {"type": "text"}}), "property a: there is no type \"text\"")]
    #[case(json!({"a": {"pattern": "("}}), "property a: its pattern")]
    #[case(json!({"a": {"enum": "x"}}), "\"enum\" must be a list")]
    #[case(json!({"properties": {}, "required": "a"}), "\"required\" must be a list")]
    fn what_is_wrong_is_told(#[case] document: Value, #[case] text: &str) {
        let problem = read(document).unwrap_err();
        assert!(problem.contains(text), "{problem}");
    }

    #[test]
    fn values_keep_their_types() {
        let schema = read(json!({
            "cores": {"type": "integer"}, "note": {"type": ["null", "string"]}, "word": {"type": "string"},
        }))
        .unwrap();
        for (name, value) in [
            ("cores", json!(4)),
            ("note", Value::Null),
            ("note", json!("7")),
            ("word", json!("4")),
            ("undeclared", json!("")),
        ] {
            assert_eq!(schema.shown(name, &CustomSchema::stored(value.clone())), value, "{name}");
        }
    }

    #[test]
    fn a_broken_file_is_told_with_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("schema-image.json");
        std::fs::write(&path, "{\n\"a\": {,}\n}").unwrap();
        let error = CustomSchema::load(&path).unwrap_err().to_string();
        assert!(error.contains("schema-image.json, line 2: "), "{error}");
    }
}
