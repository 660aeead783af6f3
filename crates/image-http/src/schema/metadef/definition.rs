// SPDX-License-Identifier: Apache-2.0
//! Schema of a property's definition, and of the definitions that other schemas refer to.

use serde_json::{Map, Value, json};

/// What a property may say, as the API's schemas have it.
pub(super) fn fields() -> Value {
    let types = json!({
        "type": "string",
        "enum": ["array", "boolean", "integer", "number", "object", "string", null],
    });
    json!({
        "name": {"type": "string", "maxLength": 80},
        "title": {"type": "string"},
        "description": {"type": "string"},
        "operators": {"type": "array", "items": {"type": "string"}},
        "type": types,
        "required": {"$ref": "#/definitions/stringArray"},
        "minimum": {"type": "number"},
        "maximum": {"type": "number"},
        "maxLength": {"$ref": "#/definitions/positiveInteger"},
        "minLength": {"$ref": "#/definitions/positiveIntegerDefault0"},
        "pattern": {"type": "string", "format": "regex"},
        "enum": {"type": "array"},
        "readonly": {"type": "boolean"},
        "default": {},
        "items": {"type": "object", "properties": {"type": types, "enum": {"type": "array"}}},
        "maxItems": {"$ref": "#/definitions/positiveInteger"},
        "minItems": {"$ref": "#/definitions/positiveIntegerDefault0"},
        "uniqueItems": {"type": "boolean", "default": false},
        "additionalItems": {"type": "boolean"},
    })
}

/// Definitions behind the schemas of namespaces and objects.
pub(super) fn shared() -> Value {
    let mut all = numbers();
    all["stringArray"] = json!({"type": "array", "items": {"type": "string"}, "uniqueItems": true});
    all["property"] = json!({
        "type": "object",
        "additionalProperties": {"type": "object", "required": ["title", "type"], "properties": fields()},
    });
    all
}

/// Definitions behind the schema of a property.
pub(super) fn own() -> Value {
    let mut all = numbers();
    all["stringArray"] =
        json!({"type": "array", "items": {"type": "string"}, "minItems": 1, "uniqueItems": true});
    all
}

fn numbers() -> Value {
    json!({
        "positiveInteger": {"type": "integer", "minimum": 0},
        "positiveIntegerDefault0": {"allOf": [{"$ref": "#/definitions/positiveInteger"}, {"default": 0}]},
    })
}

/// What Glance can keep of a property: its schemas allow more, which it then fails on.
pub(super) fn strict() -> Value {
    let words = json!({"type": "array", "items": {"type": "string"}});
    let mut properties = fields();
    if let Some(properties) = properties.as_object_mut() {
        properties.shift_remove("required");
        properties.insert("enum".to_owned(), words.clone());
        properties.insert("confidential".to_owned(), json!({"type": "boolean"}));
        let items = json!({
            "type": "object",
            "properties": {"type": {"type": "string"}, "enum": words},
            "required": ["type"],
            "additionalProperties": false,
        });
        properties.insert("items".to_owned(), items);
    }
    let document = json!({"name": "property", "properties": properties, "additionalProperties": false});
    resolve(&document, &own())
}

/// The schema with what it refers to put in its place.
pub(super) fn resolve(schema: &Value, definitions: &Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let reference = fields.get("$ref").and_then(Value::as_str);
            if let Some(name) = reference.and_then(|text| text.strip_prefix("#/definitions/")) {
                return resolve(definitions.get(name).unwrap_or(&Value::Null), definitions);
            }
            let kept = fields.iter().filter(|(name, _)| *name != "definitions");
            let resolved: Map<String, Value> =
                kept.map(|(name, value)| (name.clone(), resolve(value, definitions))).collect();
            Value::Object(resolved)
        }
        Value::Array(items) => items.iter().map(|item| resolve(item, definitions)).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_replaced_all_the_way_down() {
        let schema = json!({"properties": {"p": {"$ref": "#/definitions/property"}}, "definitions": {}});
        let text = resolve(&schema, &shared()).to_string();
        assert!(!text.contains("$ref") && !text.contains("definitions"), "{text}");
        assert!(text.contains("\"minimum\":0"), "{text}");
    }
}
