// SPDX-License-Identifier: Apache-2.0
//! What notifications of metadata definitions say.

use serde_json::{Map, Value, json};

use super::Event;
use super::payload::iso;
use crate::metadef::{Association, Namespace, Object, Property, Tag};

/// What is told of a thing in a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ItemEvent<'a> {
    Created,
    /// It had this name before.
    Updated(&'a str),
    Deleted,
}

/// Fields of a definition, in the order of Glance's message.
const FIELDS: [&str; 16] = [
    "type",
    "title",
    "description",
    "default",
    "minimum",
    "maximum",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "confidential",
    "items",
    "uniqueItems",
    "minItems",
    "maxItems",
    "additionalItems",
];

/// What became of a namespace: `metadef_namespace.create`, …; `old` is the name it had before.
#[must_use]
pub fn namespace_event(kind: &'static str, of: &Namespace, old: &str) -> Event {
    let payload = json!({
        "namespace": of.name,
        "namespace_old": old,
        "display_name": of.display_name,
        "protected": of.protected,
        "visibility": of.visibility(),
        "owner": of.owner,
        "description": of.description,
        "created_at": iso(of.created_at),
        "updated_at": iso(of.updated_at),
        "deleted": false,
        "deleted_at": null,
    });
    Event::info(kind, payload)
}

/// Something a namespace holds.
pub trait Told {
    /// What is said of it, with its name as the one before, and the events of its making, change and removal.
    #[doc(hidden)]
    fn told(&self, namespace: &str) -> (Value, [&'static str; 3]);
}

/// What became of a thing in a namespace.
#[must_use]
pub fn item_event(of: &impl Told, namespace: &str, what: ItemEvent<'_>) -> Event {
    let (mut payload, [created, updated, deleted]) = of.told(namespace);
    match what {
        ItemEvent::Created => Event::info(created, payload),
        ItemEvent::Updated(old) => {
            payload["name_old"] = json!(old);
            Event::info(updated, payload)
        }
        ItemEvent::Deleted => super::deletion(Event::info(deleted, payload), chrono::Utc::now()),
    }
}

impl Told for Object {
    fn told(&self, namespace: &str) -> (Value, [&'static str; 3]) {
        let properties: Vec<Value> =
            self.properties.iter().map(|(name, schema)| part(name, schema)).collect();
        let payload = json!({
            "namespace": namespace,
            "name": self.name,
            "name_old": self.name,
            "properties": properties,
            "required": self.required,
            "description": self.description,
            "created_at": iso(self.created_at),
            "updated_at": iso(self.updated_at),
            "deleted": false,
            "deleted_at": null,
        });
        (payload, ["metadef_object.create", "metadef_object.update", "metadef_object.delete"])
    }
}

/// A property of an object. What Python takes for false is null here, as Glance has it.
fn part(name: &str, schema: &Value) -> Value {
    let mut payload = Map::new();
    payload.insert("name".to_owned(), json!(name));
    for field in FIELDS {
        let value = schema.get(field).filter(|value| says_something(value)).cloned();
        payload.insert(field.to_owned(), value.unwrap_or_default());
    }
    payload.into()
}

fn says_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Bool(true) => true,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

impl Told for Property {
    fn told(&self, namespace: &str) -> (Value, [&'static str; 3]) {
        let mut payload = Map::new();
        payload.insert("namespace".to_owned(), json!(namespace));
        payload.insert("name".to_owned(), json!(self.name));
        payload.insert("name_old".to_owned(), json!(self.name));
        for field in FIELDS {
            payload.insert(field.to_owned(), self.schema.get(field).cloned().unwrap_or_default());
        }
        payload.insert("deleted".to_owned(), json!(false));
        payload.insert("deleted_at".to_owned(), Value::Null);
        (payload.into(), ["metadef_property.create", "metadef_property.update", "metadef_property.delete"])
    }
}

impl Told for Tag {
    fn told(&self, namespace: &str) -> (Value, [&'static str; 3]) {
        let payload = json!({
            "namespace": namespace,
            "name": self.name,
            "name_old": self.name,
            "created_at": iso(self.created_at),
            "updated_at": iso(self.updated_at),
            "deleted": false,
            "deleted_at": null,
        });
        (payload, ["metadef_tag.create", "metadef_tag.update", "metadef_tag.delete"])
    }
}

impl Told for Association {
    fn told(&self, namespace: &str) -> (Value, [&'static str; 3]) {
        let payload = json!({
            "namespace": namespace,
            "name": self.name,
            "name_old": self.name,
            "prefix": self.prefix,
            "properties_target": self.properties_target,
            "created_at": iso(self.created_at),
            "updated_at": iso(self.updated_at),
            "deleted": false,
            "deleted_at": null,
        });
        // An association is made and removed, not changed.
        let kinds =
            ["metadef_resource_type.create", "metadef_resource_type.create", "metadef_resource_type.delete"];
        (payload, kinds)
    }
}
