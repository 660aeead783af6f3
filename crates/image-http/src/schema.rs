// SPDX-License-Identifier: Apache-2.0
//! JSON schemas: what clients are shown is also what request bodies are checked against.

mod custom;
mod image;
mod member;
mod metadef;
mod task;
mod validate;

use serde_json::{Map, Value, json};

use crate::settings::HttpSettings;
use scurry_image::ImageSettings;

pub use custom::{CustomSchema, CustomSchemaError};
pub(crate) use metadef::{MetadefBody, MetadefSchemas};
pub(crate) use validate::violation;

/// Pattern of image and task ids.
pub(crate) const UUID: &str =
    "^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$";

/// All schemas of a deployment, made once at start.
#[derive(Debug)]
pub(crate) struct Schemas {
    /// With `required`, for new images.
    pub(crate) image: Value,
    /// Without it, for single properties.
    pub(crate) partial_image: Value,
    images: Value,
    member: Value,
    members: Value,
    task: Value,
    tasks: Value,
    pub(crate) metadefs: MetadefSchemas,
    /// Body of `POST /v2/images/{id}/locations`; not served.
    pub(crate) location: Value,
}

impl Schemas {
    /// Builds them from the formats the deployment knows and the properties its operator declared.
    pub(crate) fn new(images: &ImageSettings, http: &HttpSettings) -> Self {
        let partial_image = image::schema(images, &http.custom_schema.properties);
        let mut image = partial_image.clone();
        if !http.custom_schema.required.is_empty() {
            image["required"] = json!(http.custom_schema.required);
        }
        let task = task::schema();
        let member = member::schema();
        Self {
            images: collection("images", &image),
            members: list("members", &member),
            tasks: list("tasks", &task::partial()), // lists of tasks have pages, their schema does not say so
            metadefs: MetadefSchemas::new(),
            location: image::new_location(),
            image,
            partial_image,
            member,
            task,
        }
    }

    /// Whether a property is none of those that every image has.
    pub(crate) fn is_additional(&self, name: &str) -> bool {
        let definition = self.partial_image["properties"].get(name);
        definition.is_none_or(|definition| definition.get("is_base") == Some(&Value::Bool(false)))
    }

    /// Whether an image must have the property.
    pub(crate) fn requires(&self, name: &str) -> bool {
        let required = self.image.get("required").and_then(Value::as_array);
        required.is_some_and(|names| names.iter().any(|one| one == name))
    }

    /// The schema served under a name.
    pub(crate) fn named(&self, name: &str) -> Option<&Value> {
        match name {
            "image" => Some(&self.image),
            "images" => Some(&self.images),
            "member" => Some(&self.member),
            "members" => Some(&self.members),
            "task" => Some(&self.task),
            "tasks" => Some(&self.tasks),
            _ => None,
        }
    }
}

/// A list of things of one schema.
fn list(name: &str, item: &Value) -> Value {
    let mut properties = Map::new();
    properties.insert(name.to_owned(), json!({"type": "array", "items": item}));
    properties.insert("schema".to_owned(), json!({"type": "string"}));
    json!({
        "name": name,
        "properties": properties,
        "links": [{"rel": "describedby", "href": "{schema}"}],
    })
}

/// A paged list of things of one schema.
fn collection(name: &str, item: &Value) -> Value {
    let mut properties = Map::new();
    properties.insert(name.to_owned(), json!({"type": "array", "items": item}));
    for link in ["first", "next", "schema"] {
        properties.insert(link.to_owned(), json!({"type": "string"}));
    }
    json!({
        "name": name,
        "properties": properties,
        "links": [
            {"rel": "first", "href": "{first}"},
            {"rel": "next", "href": "{next}"},
            {"rel": "describedby", "href": "{schema}"},
        ],
    })
}
