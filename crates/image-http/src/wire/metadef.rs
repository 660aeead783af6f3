// SPDX-License-Identifier: Apache-2.0
//! Metadata definitions as clients are shown them.

mod body;
mod definition;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use scurry_image::metadef::{Association, Contents, Namespace, Object, Property, ResourceType, Tag};
use serde_json::{Map, Value, json};

pub(crate) use body::{
    check_characters, new_association, new_contents, new_namespace, new_object, new_property, new_tag,
    new_tags, read_body,
};

use super::time;

/// What cannot stand in a path as it is.
const SEGMENT: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'/').add(b'<').add(b'>').add(b'?');

fn segment(name: &str) -> String {
    utf8_percent_encode(name, SEGMENT).to_string()
}

/// Path of a namespace.
pub(crate) fn namespace_href(name: &str) -> String {
    format!("/v2/metadefs/namespaces/{}", segment(name))
}

/// A namespace as lists show it.
pub(crate) fn namespace(namespace: &Namespace, associations: &[Association]) -> Value {
    let mut view = fields(namespace);
    insert_some(&mut view, "resource_type_associations", associations.iter().map(association).collect());
    Value::Object(closed(view, namespace))
}

/// A namespace with all it holds; empty parts are left out.
pub(crate) fn whole_namespace(namespace: &Namespace, contents: &Contents) -> Value {
    let mut view = fields(namespace);
    let associations = contents.associations.iter().map(association).collect();
    insert_some(&mut view, "resource_type_associations", associations);
    if !contents.properties.is_empty() {
        view.insert("properties".to_owned(), properties(&contents.properties));
    }
    let objects = contents.objects.iter().map(|one| object(&namespace.name, one)).collect();
    insert_some(&mut view, "objects", objects);
    insert_some(&mut view, "tags", contents.tags.iter().map(tag_name).collect());
    Value::Object(closed(view, namespace))
}

/// A namespace just made: what it holds is repeated as it was sent.
pub(crate) fn new_namespace_view(namespace: &Namespace, body: &Value) -> Value {
    let mut view = fields(namespace);
    for part in ["resource_type_associations", "properties", "objects", "tags"] {
        if let Some(sent) = body.get(part) {
            view.insert(part.to_owned(), sent.clone());
        }
    }
    Value::Object(closed(view, namespace))
}

fn fields(namespace: &Namespace) -> Map<String, Value> {
    let mut view = Map::new();
    let mut add = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            view.insert(name.to_owned(), value);
        }
    };
    add("namespace", Some(json!(namespace.name)));
    add("display_name", namespace.display_name.as_deref().map(Value::from));
    add("description", namespace.description.as_deref().map(Value::from));
    add("visibility", Some(json!(namespace.visibility())));
    add("protected", Some(json!(namespace.protected)));
    add("owner", Some(json!(namespace.owner)));
    add("created_at", Some(json!(time(namespace.created_at))));
    add("updated_at", Some(json!(time(namespace.updated_at))));
    view
}

fn closed(mut view: Map<String, Value>, namespace: &Namespace) -> Map<String, Value> {
    view.insert("self".to_owned(), Value::from(namespace_href(&namespace.name)));
    view.insert("schema".to_owned(), Value::from("/v2/schemas/metadefs/namespace"));
    view
}

fn insert_some(view: &mut Map<String, Value>, name: &str, items: Vec<Value>) {
    if !items.is_empty() {
        view.insert(name.to_owned(), Value::Array(items));
    }
}

/// An object of a namespace.
pub(crate) fn object(namespace: &str, object: &Object) -> Value {
    let properties: Map<String, Value> = object
        .properties
        .iter()
        .map(|(name, value)| {
            let shown = value.as_object().map_or_else(|| value.clone(), definition::shown);
            (name.clone(), shown)
        })
        .collect();
    let mut view = json!({"name": object.name, "required": object.required});
    if let Some(description) = &object.description {
        view["description"] = Value::from(description.as_str());
    }
    view["properties"] = Value::Object(properties);
    view["created_at"] = Value::from(time(object.created_at));
    view["updated_at"] = Value::from(time(object.updated_at));
    view["self"] = Value::from(format!("{}/objects/{}", namespace_href(namespace), segment(&object.name)));
    view["schema"] = Value::from("/v2/schemas/metadefs/object");
    view
}

/// An object just written: `required` and `properties` are shown when they were sent.
pub(crate) fn new_object_view(namespace: &str, new: &Object, body: &Value) -> Value {
    let mut view = object(namespace, new);
    if let Some(view) = view.as_object_mut() {
        view.retain(|name, _| {
            !matches!(name.as_str(), "required" | "properties") || body.get(name).is_some()
        });
    }
    view
}

/// Properties of a namespace by name.
pub(crate) fn properties(properties: &[Property]) -> Value {
    let by_name: Map<String, Value> = properties
        .iter()
        .map(|property| (property.name.clone(), definition::shown(&property.schema)))
        .collect();
    Value::Object(by_name)
}

/// One property, its name among its fields.
pub(crate) fn property(property: &Property) -> Value {
    let mut view = definition::shown(&property.schema);
    view["name"] = Value::from(property.name.as_str());
    view
}

/// A tag in a list.
pub(crate) fn tag_name(tag: &Tag) -> Value {
    json!({"name": tag.name})
}

/// A tag.
pub(crate) fn tag(tag: &Tag) -> Value {
    json!({
        "name": tag.name,
        "created_at": time(tag.created_at),
        "updated_at": time(tag.updated_at),
    })
}

/// A resource type as a namespace is associated with it.
pub(crate) fn association(association: &Association) -> Value {
    let mut view = json!({"name": association.name});
    if let Some(prefix) = &association.prefix {
        view["prefix"] = Value::from(prefix.as_str());
    }
    if let Some(target) = &association.properties_target {
        view["properties_target"] = Value::from(target.as_str());
    }
    view["created_at"] = Value::from(time(association.created_at));
    view["updated_at"] = Value::from(time(association.updated_at));
    view
}

/// A resource type.
pub(crate) fn resource_type(resource_type: &ResourceType) -> Value {
    json!({
        "name": resource_type.name,
        "created_at": time(resource_type.created_at),
        "updated_at": time(resource_type.updated_at),
    })
}

/// Puts a resource type's prefix before the names of all properties.
pub(crate) fn with_prefix(mut contents: Contents, prefix: &str) -> Contents {
    let prefixed = |name: &str| format!("{prefix}{name}");
    for property in &mut contents.properties {
        property.name = prefixed(&property.name);
    }
    for object in &mut contents.objects {
        let properties = std::mem::take(&mut object.properties);
        object.properties = properties.into_iter().map(|(name, value)| (prefixed(&name), value)).collect();
        for name in &mut object.required {
            *name = prefixed(name);
        }
    }
    contents
}
