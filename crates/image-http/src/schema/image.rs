// SPDX-License-Identifier: Apache-2.0
//! Schema of an image, and of a location somebody wants to add to one.

use scurry_image::ImageSettings;
use scurry_types::{ImageStatus, Visibility};
use serde_json::{Map, Value, json};

use super::UUID;

/// Base properties, then those of `schema-image.json`; any other property is a string.
pub(super) fn schema(settings: &ImageSettings, custom: &Map<String, Value>) -> Value {
    let mut properties = base(settings);
    for (name, definition) in custom {
        if properties.contains_key(name) {
            tracing::warn!(property = %name, "schema-image.json redefines a base property; ignored");
            continue;
        }
        let mut definition = definition.clone();
        if let Some(object) = definition.as_object_mut() {
            object.insert("is_base".to_owned(), Value::Bool(false));
        }
        properties.insert(name.clone(), definition);
    }
    json!({
        "name": "image",
        "properties": properties,
        "additionalProperties": {"type": "string"},
        "links": [
            {"rel": "self", "href": "{self}"},
            {"rel": "enclosure", "href": "{file}"},
            {"rel": "describedby", "href": "{schema}"},
        ],
    })
}

fn words<T: Copy>(all: &[T], word: impl Fn(T) -> &'static str) -> Vec<&'static str> {
    all.iter().map(|value| word(*value)).collect()
}

/// A list of formats with `null` in front: an image may have none yet.
fn formats(known: &[String]) -> Vec<Value> {
    std::iter::once(Value::Null).chain(known.iter().map(|name| Value::from(name.as_str()))).collect()
}

fn base(settings: &ImageSettings) -> Map<String, Value> {
    let mut all = Map::new();
    let mut add = |name: &str, definition: Value| {
        all.insert(name.to_owned(), definition);
    };
    add("id", json!({"type": "string", "description": "UUID that names the image", "pattern": UUID}));
    add(
        "name",
        json!({"type": ["null", "string"], "description": "Name for people to read", "maxLength": 255}),
    );
    add(
        "status",
        json!({"type": "string", "readOnly": true, "description": "Where the image is in its life",
               "enum": words(ImageStatus::ALL, ImageStatus::as_str)}),
    );
    add(
        "visibility",
        json!({"type": "string", "description": "Who may see and use the image",
               "enum": words(Visibility::ALL, Visibility::as_str)}),
    );
    add("protected", json!({"type": "boolean", "description": "While true, the image cannot be deleted"}));
    add(
        "os_hidden",
        json!({"type": "boolean", "description": "While true, lists leave the image out unless asked for"}),
    );
    add(
        "checksum",
        json!({"type": ["null", "string"], "readOnly": true, "description": "MD5 of the data, in hex",
               "maxLength": 32}),
    );
    add(
        "os_hash_algo",
        json!({"type": ["null", "string"], "readOnly": true,
               "description": "Hash function behind os_hash_value", "maxLength": 64}),
    );
    add(
        "os_hash_value",
        json!({"type": ["null", "string"], "readOnly": true,
               "description": "Digest of the data by os_hash_algo, in hex", "maxLength": 128}),
    );
    add(
        "owner",
        json!({"type": ["null", "string"], "description": "Project the image belongs to", "maxLength": 255}),
    );
    add(
        "size",
        json!({"type": ["null", "integer"], "readOnly": true, "description": "Length of the data in bytes"}),
    );
    add(
        "virtual_size",
        json!({"type": ["null", "integer"], "readOnly": true,
               "description": "Length in bytes of the disk the data describes"}),
    );
    add(
        "container_format",
        json!({"type": ["null", "string"], "description": "What is wrapped around the disk",
               "enum": formats(&settings.container_formats)}),
    );
    add(
        "disk_format",
        json!({"type": ["null", "string"], "description": "How the data describes a disk",
               "enum": formats(&settings.disk_formats)}),
    );
    for (name, what) in
        [("created_at", "When the image was registered"), ("updated_at", "When the image last changed")]
    {
        add(name, json!({"type": "string", "readOnly": true, "description": what}));
    }
    add(
        "tags",
        json!({"type": "array", "description": "Words attached to the image",
               "items": {"type": "string", "maxLength": 255}}),
    );
    add(
        "direct_url",
        json!({"type": "string", "readOnly": true, "description": "Place of the data in its store"}),
    );
    add("min_ram", json!({"type": "integer", "description": "Memory in MB an instance needs at least"}));
    add("min_disk", json!({"type": "integer", "description": "Disk in GB an instance needs at least"}));
    add("self", json!({"type": "string", "readOnly": true, "description": "Link to this image"}));
    add("file", json!({"type": "string", "readOnly": true, "description": "Link to the data"}));
    add(
        "stores",
        json!({"type": "string", "readOnly": true,
               "description": "Identifiers of the stores that hold the data, separated by commas"}),
    );
    add("schema", json!({"type": "string", "readOnly": true, "description": "Link to this schema"}));
    add("locations", locations());
    all
}

fn locations() -> Value {
    json!({
        "type": "array",
        "description": "Places of the data in the stores",
        "items": {
            "type": "object",
            "properties": {
                "url": {"type": "string", "maxLength": 255},
                "metadata": {"type": "object"},
                "validation_data": {
                    "description": "Digests of the data: taken over by a queued image, compared with those of \
                                    any other",
                    "type": "object",
                    "writeOnly": true,
                    "additionalProperties": false,
                    "properties": {
                        "checksum": {"type": "string", "minLength": 32, "maxLength": 32},
                        "os_hash_algo": {"type": "string", "maxLength": 64},
                        "os_hash_value": {"type": "string", "maxLength": 128},
                    },
                    "required": ["os_hash_algo", "os_hash_value"],
                },
            },
            "required": ["url", "metadata"],
        },
    })
}

/// Body of `POST /v2/images/{id}/locations`.
pub(super) fn new_location() -> Value {
    json!({
        "name": "location",
        "type": "object",
        "properties": {
            "url": {"type": "string"},
            "validation_data": {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "os_hash_algo": {"type": "string", "maxLength": 64,
                                     "enum": ["sha1", "sha256", "sha512", "md5"]},
                    "os_hash_value": {"type": "string", "maxLength": 128},
                    // Where Cinder says which store its clone is in.
                    "store": {"type": "string"},
                },
            },
        },
        "required": ["url"],
    })
}
