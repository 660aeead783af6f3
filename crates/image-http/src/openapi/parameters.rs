// SPDX-License-Identifier: Apache-2.0
//! Parameters of paths, queries and headers.

use scurry_image::ImageSettings;
use serde_json::{Value, json};

use crate::schema::UUID;

/// The parameter a path has under a name; what the name means depends on where it stands.
pub(super) fn in_path(path: &str, name: &str) -> Value {
    let schema = match name {
        "id" => json!({"type": "string", "pattern": UUID}),
        "name" if path.contains("metadefs") => json!({"type": "string", "enum": [
            "namespace", "namespaces", "object", "objects", "property", "properties", "resource_type",
            "resource_types", "tag", "tags",
        ]}),
        "name" => {
            json!({"type": "string", "enum": ["image", "images", "member", "members", "task", "tasks"]})
        }
        _ => json!({"type": "string", "minLength": 1}),
    };
    json!({"name": name, "in": "path", "required": true, "schema": schema})
}

/// A query or header parameter by the name the table has for it.
pub(super) fn named(name: &str) -> Value {
    let text = || json!({"type": "string"});
    let header = |name: &str, schema: Value| json!({"name": name, "in": "header", "schema": schema});
    let query = |name: &str, schema: Value| json!({"name": name, "in": "query", "schema": schema});
    let several = |name: &str, item: Value| json!({"name": name, "in": "query", "explode": true, "schema": {"type": "array", "items": item}});
    let keys =
        ["name", "status", "container_format", "disk_format", "size", "id", "created_at", "updated_at"];
    match name {
        "limit" => {
            let most = ImageSettings::default().api_limit_max;
            query(
                name,
                json!({"type": "integer", "minimum": 0, "description": format!("cut to {most} silently")}),
            )
        }
        "sort" => query(name, json!({"type": "string", "description": "key:dir,key:dir"})),
        "sort_key" => several(name, json!({"type": "string", "enum": keys})),
        "task_sort_key" => several(
            "sort_key",
            json!({"type": "string", "enum": [
                "created_at", "updated_at", "expires_at", "type", "status", "id",
            ]}),
        ),
        "sort_dir" => several(name, json!({"type": "string", "enum": ["asc", "desc"]})),
        "tag" => several(name, text()),
        "visibility" => query(
            name,
            json!({"type": "string", "enum": ["all", "public", "private", "shared", "community"]}),
        ),
        "namespace_visibility" => {
            query("visibility", json!({"type": "string", "enum": ["public", "private"]}))
        }
        "namespace_marker" => query("marker", text()),
        "member_status" => {
            query(name, json!({"type": "string", "enum": ["all", "pending", "accepted", "rejected"]}))
        }
        "os_hidden" | "protected" => query(name, json!({"type": "string", "enum": ["true", "false"]})),
        "all" => query(name, json!({"type": "string", "enum": ["true", "false"]})),
        "size_min" | "size_max" => query(name, json!({"type": "integer"})),
        "task_type" => query("type", text()),
        "task_status" => query("status", text()),
        "range" => header("Range", json!({"type": "string", "description": "one range of bytes"})),
        "x_image_meta_store" => {
            header("X-Image-Meta-Store", json!({"type": "string", "description": "a store"}))
        }
        "x_openstack_image_size" => {
            header("X-OpenStack-Image-Size", json!({"type": "integer", "minimum": 0}))
        }
        "upload_complete" => {
            let said = "?1 when the request brings all that is missing, ?0 when more will follow";
            header("Upload-Complete", json!({"type": "string", "enum": ["?0", "?1"], "description": said}))
        }
        "upload_offset" => header("Upload-Offset", json!({"type": "integer", "minimum": 0})),
        "upload_length" => header("Upload-Length", json!({"type": "integer", "minimum": 0})),
        "x_openstack_append" => header("X-Openstack-Append", json!({"type": "boolean"})),
        "x_image_cache_clear_target" => {
            header("X-Image-Cache-Clear-Target", json!({"type": "string", "enum": ["cache", "queue"]}))
        }
        _ => query(name, text()),
    }
}
