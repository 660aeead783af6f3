// SPDX-License-Identifier: Apache-2.0
//! The fields of namespaces, objects, tags and associations.

use serde_json::{Value, json};

pub(super) fn namespace() -> Value {
    let mut all = json!({
        "namespace": {"type": "string", "description": "Name of the namespace, unique in the deployment",
                      "maxLength": 80},
        "display_name": {"type": "string", "description": "Name for people to read", "maxLength": 80},
        "description": {"type": "string", "description": "What the namespace is about", "maxLength": 500},
        "visibility": {"type": "string", "description": "Who may see the namespace",
                       "enum": ["public", "private"]},
        "protected": {"type": "boolean",
                      "description": "While true, neither the namespace nor what it holds can be deleted"},
        "owner": {"type": "string", "description": "Project the namespace belongs to", "maxLength": 255},
    });
    stamps(&mut all, "namespace");
    links(&mut all);
    all["resource_type_associations"] = json!({
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "prefix": {"type": "string"},
                "properties_target": {"type": "string"},
            },
        },
    });
    all["properties"] = json!({"$ref": "#/definitions/property"});
    all["objects"] = json!({
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "description": {"type": "string"},
                "required": {"$ref": "#/definitions/stringArray"},
                "properties": {"$ref": "#/definitions/property"},
            },
        },
    });
    all["tags"] = json!({
        "type": "array",
        "items": {"type": "object", "properties": {"name": {"type": "string"}}},
    });
    all
}

pub(super) fn object() -> Value {
    let mut all = json!({
        "name": {"type": "string", "maxLength": 80},
        "description": {"type": "string"},
        "required": {"$ref": "#/definitions/stringArray"},
        "properties": {"$ref": "#/definitions/property"},
    });
    links(&mut all);
    stamps(&mut all, "object");
    all
}

pub(super) fn tag() -> Value {
    let mut all = json!({"name": {"type": "string", "maxLength": 80}});
    stamps(&mut all, "tag");
    all
}

/// Body of `POST …/tags`; not served.
pub(super) fn tag_list() -> Value {
    json!({
        "name": "tags",
        "properties": {
            "tags": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"name": {"type": "string"}},
                    "required": ["name"],
                    "additionalProperties": false,
                },
            },
        },
        "additionalProperties": false,
        "required": ["tags"],
    })
}

pub(super) fn association() -> Value {
    let mut all = json!({
        "name": {"type": "string", "maxLength": 80,
                 "description": "Resource type, named as Heat names it where Heat has it: \
                     https://docs.openstack.org/heat/latest/template_guide/openstack.html"},
        "prefix": {"type": "string", "maxLength": 80,
                   "description": "Put before the names of the namespace's properties when they are applied to \
                                   the resource type, separator included (such as a colon)"},
        "properties_target": {"type": "string", "maxLength": 80,
                              "description": "Which properties of the resource type are meant, where it has \
                                  several sets: a volume has metadata of its own and metadata of its image"},
    });
    stamps(&mut all, "association");
    all
}

/// The key of a property in a map.
pub(super) fn short_name() -> Value {
    json!({"name": "property", "type": "string", "minLength": 1, "maxLength": 80})
}

fn links(all: &mut Value) {
    for name in ["schema", "self"] {
        all[name] = json!({"readOnly": true, "type": "string"});
    }
}

fn stamps(all: &mut Value, what: &str) {
    for (name, text) in [
        ("created_at", format!("When the {what} was made")),
        ("updated_at", format!("When the {what} last changed")),
    ] {
        all[name] = json!({"type": "string", "readOnly": true, "description": text, "format": "date-time"});
    }
}
