// SPDX-License-Identifier: Apache-2.0
//! Bodies of requests, and the schemas of what goes in and out.

use scurry_types::extent_frames;
use serde_json::{Value, json};

use super::operations::{Body, Operation};
use crate::schema::Schemas;

/// What a request must carry; `None` when it carries nothing.
pub(super) fn request(operation: &Operation) -> Option<Value> {
    let content = match operation.body {
        Body::None => return None,
        Body::Json(name) => json!({"application/json": {"schema": reference(name)}}),
        Body::Patch => json!({
            "application/openstack-images-v2.1-json-patch": {"schema": reference("patch_v21")},
            "application/openstack-images-v2.0-json-patch": {"schema": reference("patch_v20")},
        }),
        Body::Bytes => binary(&["application/octet-stream"]),
        Body::Image => binary(&["application/octet-stream", extent_frames::MEDIA_TYPE]),
        Body::Part => binary(&["application/partial-upload", extent_frames::MEDIA_TYPE]),
    };
    Some(json!({"required": true, "content": content}))
}

fn binary(media: &[&str]) -> Value {
    let bytes = || json!({"schema": {"type": "string", "format": "binary"}});
    Value::Object(media.iter().map(|media| ((*media).to_owned(), bytes())).collect())
}

/// A reference to a component.
pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{}", component(name))})
}

/// Component names have no slashes.
pub(super) fn component(name: &str) -> String {
    name.replace('/', "_")
}

/// A schema by its name: the one requests are checked by when there is one.
pub(super) fn schema(name: &str, schemas: &Schemas) -> Value {
    if let Some(known) = schemas.named(name) {
        return known.clone();
    }
    if let Some(known) = name.strip_prefix("metadefs/").and_then(|name| schemas.metadefs.resolved(name)) {
        return known.clone();
    }
    let text = json!({"type": "string"});
    match name {
        "metadefs/namespaces" => listed("namespaces", schemas.metadefs.resolved("namespace")),
        "metadefs/objects" => listed("objects", schemas.metadefs.resolved("object")),
        "metadefs/associations" => {
            listed("resource_type_associations", schemas.metadefs.resolved("resource_type"))
        }
        "metadefs/resource_types" => listed("resource_types", None),
        "metadefs/properties" => json!({
            "type": "object", "properties": {"properties": {"type": "object"}}, "required": ["properties"],
        }),
        "location" => schemas.location.clone(),
        "locations" => json!({"type": "array", "items": {
            "type": "object",
            "properties": {"url": text, "metadata": {"type": "object"}},
            "required": ["url", "metadata"],
        }}),
        "copy_plan" => copy_plan(),
        "image_tasks" => json!({
            "type": "object",
            "properties": {"tasks": {"type": "array", "items": {"type": "object", "required": ["id", "status"]}}},
            "required": ["tasks"],
        }),
        "new_member" => json!({"type": "object", "properties": {"member": text}, "required": ["member"]}),
        "member_status" => json!({
            "type": "object",
            "properties": {"status": {"type": "string", "enum": ["pending", "accepted", "rejected"]}},
            "required": ["status"],
        }),
        "import" => import(),
        "new_task" => json!({
            "type": "object",
            "properties": {"type": text, "input": {"type": "object"}},
            "required": ["type", "input"],
        }),
        "patch_v21" => patch_v21(),
        "patch_v20" => patch_v20(),
        "error" => json!({
            "type": "object",
            "properties": {"message": text, "code": text, "title": text},
            "required": ["message", "code", "title"],
        }),
        "versions" => versions(),
        "import_methods" => json!({
            "type": "object",
            "properties": {"import-methods": {
                "type": "object",
                "properties": {"description": text, "type": text, "value": {"type": "array", "items": text}},
                "required": ["description", "type", "value"],
            }},
            "required": ["import-methods"],
        }),
        "stores" => json!({
            "type": "object",
            "properties": {"stores": {"type": "array", "items": {
                "type": "object", "properties": {"id": text}, "required": ["id"],
            }}},
            "required": ["stores"],
        }),
        "usage" => json!({
            "type": "object",
            "properties": {"usage": {"type": "object", "additionalProperties": {
                "type": "object",
                "properties": {"usage": {"type": "integer"}, "limit": {"type": "integer"}},
                "required": ["usage", "limit"],
            }}},
            "required": ["usage"],
        }),
        "anything" => json!({}),
        _ => json!({"type": "object"}),
    }
}

fn listed(name: &str, item: Option<&Value>) -> Value {
    let item = item.cloned().unwrap_or_else(|| json!({"type": "object", "required": ["name"]}));
    json!({"type": "object", "properties": {name: {"type": "array", "items": item}}, "required": [name]})
}

fn copy_plan() -> Value {
    let text = json!({"type": "string"});
    let store = json!({"type": ["string", "null"]});
    let bytes = json!({"type": "integer", "minimum": 0});
    let strategy = json!({"type": "string", "enum": [
        "backend_clone", "snapshot_clone", "server_side_copy", "reflink", "extent_copy",
    ]});
    let refused = json!({
        "type": "object",
        "properties": {"strategy": strategy, "source": store, "reason": text},
        "required": ["strategy", "source", "reason"],
    });
    let target = json!({
        "type": "object",
        "properties": {
            "store": text, "strategy": strategy, "source": store, "done": {"type": "boolean"},
            "refused": {"type": "array", "items": refused},
        },
        "required": ["store", "strategy", "source", "refused", "done"],
    });
    let extents = json!({
        "type": ["object", "null"],
        "properties": {"count": bytes, "data_bytes": bytes, "zero_bytes": bytes},
        "required": ["count", "data_bytes", "zero_bytes"],
    });
    json!({
        "type": "object",
        "properties": {
            "image_id": text, "size": bytes, "source": store, "extents": extents,
            "targets": {"type": "array", "items": target},
            "task": store, "done_bytes": {"type": ["integer", "null"], "minimum": 0},
        },
        "required": ["image_id", "size", "source", "extents", "targets", "task", "done_bytes"],
    })
}

fn import() -> Value {
    let text = json!({"type": "string"});
    json!({
        "type": "object",
        "properties": {
            "method": {
                "type": "object",
                "properties": {
                    "name": {"type": "string", "enum": [
                        "glance-direct", "web-download", "copy-image", "glance-download",
                    ]},
                    "uri": text,
                    "glance_image_id": text,
                    "glance_region": text,
                    "glance_service_interface": text,
                },
                "required": ["name"],
            },
            "all_stores": {"type": "boolean"},
            "all_stores_must_succeed": {"type": "boolean"},
            "stores": {"type": "array", "items": text},
        },
        "required": ["method"],
    })
}

fn patch_v21() -> Value {
    json!({"type": "array", "items": {
        "type": "object",
        "properties": {
            "op": {"type": "string", "enum": ["add", "replace", "remove"]},
            "path": {"type": "string", "pattern": "^/"},
            "value": {},
        },
        "required": ["op", "path"],
    }})
}

fn patch_v20() -> Value {
    let pointer = json!({"type": "string", "pattern": "^/"});
    let one = |verb: &str| {
        json!({"type": "object", "properties": {verb: pointer, "value": {}}, "required": [verb],
               "additionalProperties": false})
    };
    json!({"type": "array", "items": {"oneOf": [one("add"), one("replace"), one("remove")]}})
}

fn versions() -> Value {
    let text = json!({"type": "string"});
    json!({
        "type": "object",
        "properties": {"versions": {"type": "array", "items": {
            "type": "object",
            "properties": {
                "id": {"type": "string", "pattern": "^v2\\.[0-9]+$"},
                "status": {"type": "string", "enum": ["CURRENT", "SUPPORTED"]},
                "links": {"type": "array", "items": {
                    "type": "object", "properties": {"rel": text, "href": text}, "required": ["rel", "href"],
                }},
            },
            "required": ["id", "status", "links"],
        }}},
        "required": ["versions"],
    })
}
