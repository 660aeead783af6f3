// SPDX-License-Identifier: Apache-2.0
//! Schemas of metadata definitions: the ten that are served, and what bodies are checked against.

mod definition;
mod fields;

use serde_json::{Map, Value, json};

use super::{collection, violation};
use crate::error::ApiError;
use crate::names;

/// A body a client sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MetadefBody {
    Namespace,
    Object,
    Property,
    Tag,
    Tags,
    Association,
}

/// All schemas of metadata definitions, made once at start.
#[derive(Debug)]
pub(crate) struct MetadefSchemas {
    documents: Map<String, Value>,
    namespace: Value,
    object: Value,
    property: Value,
    definition: Value,
    tag: Value,
    tags: Value,
    association: Value,
}

impl MetadefSchemas {
    pub(super) fn new() -> Self {
        let namespace = named("namespace", fields::namespace(), &["namespace"]);
        let object = named("object", fields::object(), &["name"]);
        let property = named("property", definition::fields(), &["type", "title", "name"]);
        let listed_property = named("property", definition::fields(), &["type", "title"]);
        let tag = named("tag", fields::tag(), &["name"]);
        let association = named("resource_type_association", fields::association(), &["name"]);
        let mut properties = collection("properties", &listed_property);
        properties["properties"]["properties"] =
            json!({"type": "object", "additionalProperties": listed_property});
        let shared = definition::shared();
        let own = definition::own();
        let documents = [
            ("namespaces", defining(collection("namespaces", &namespace), &shared)),
            ("objects", defining(collection("objects", &object), &shared)),
            ("properties", defining(properties, &own)),
            ("tags", collection("tags", &tag)),
            ("resource_types", collection("resource_type_associations", &association)),
            ("namespace", defining(namespace, &shared)),
            ("object", defining(object, &shared)),
            ("property", defining(property, &own)),
            ("tag", tag),
            ("resource_type", association),
        ];
        let documents: Map<String, Value> =
            documents.into_iter().map(|(name, document)| (name.to_owned(), document)).collect();
        let resolved = |name: &str| {
            let document = documents.get(name).cloned().unwrap_or_default();
            definition::resolve(&document, document.get("definitions").unwrap_or(&Value::Null))
        };
        Self {
            namespace: resolved("namespace"),
            object: resolved("object"),
            property: resolved("property"),
            definition: definition::strict(),
            tag: resolved("tag"),
            tags: fields::tag_list(),
            association: resolved("resource_type"),
            documents,
        }
    }

    /// A schema without references, for documents that have others in their place.
    pub(crate) fn resolved(&self, name: &str) -> Option<&Value> {
        match name {
            "namespace" => Some(&self.namespace),
            "object" => Some(&self.object),
            "property" => Some(&self.property),
            "tag" => Some(&self.tag),
            "tags" => Some(&self.tags),
            "resource_type" => Some(&self.association),
            _ => None,
        }
    }

    /// The schema served under a name.
    pub(crate) fn named(&self, name: &str) -> Option<&Value> {
        self.documents.get(name)
    }

    /// Refuses a body that is not what it should be, down to the definitions in it.
    pub(crate) fn check(&self, kind: MetadefBody, body: &Value) -> Result<(), ApiError> {
        let schema = match kind {
            MetadefBody::Namespace => &self.namespace,
            MetadefBody::Object => &self.object,
            MetadefBody::Property => &self.property,
            MetadefBody::Tag => &self.tag,
            MetadefBody::Tags => &self.tags,
            MetadefBody::Association => &self.association,
        };
        if !body.is_object() {
            return Err(names::no_match(name_of(schema), "an object is expected"));
        }
        conform(schema, body)?;
        match kind {
            MetadefBody::Namespace => self.check_contents(body)?,
            MetadefBody::Object => self.check_definitions(body)?,
            MetadefBody::Property => conform(&self.definition, body)?,
            MetadefBody::Tags => self.check_each(&self.tag, body, "tags")?,
            MetadefBody::Tag | MetadefBody::Association => {}
        }
        check_name(body, if kind == MetadefBody::Namespace { "namespace" } else { "name" })
    }

    /// What a new namespace brings along: the schema of namespaces leaves much of it open.
    fn check_contents(&self, body: &Value) -> Result<(), ApiError> {
        self.check_each(&self.object, body, "objects")?;
        for object in each(body, "objects") {
            self.check_definitions(object)?;
        }
        self.check_definitions(body)?;
        self.check_each(&self.tag, body, "tags")?;
        self.check_each(&self.association, body, "resource_type_associations")
    }

    fn check_each(&self, schema: &Value, body: &Value, field: &str) -> Result<(), ApiError> {
        for item in each(body, field) {
            conform(schema, item)?;
            check_name(item, "name")?;
        }
        Ok(())
    }

    fn check_definitions(&self, body: &Value) -> Result<(), ApiError> {
        if each(body, "required").any(|name| name.as_str().is_some_and(|name| name.contains(','))) {
            // They are kept as one text with commas between.
            return Err(ApiError::bad_request("Names of required properties can't contain commas."));
        }
        let definitions = body.get("properties").and_then(Value::as_object);
        for (name, definition) in definitions.into_iter().flatten() {
            conform(&self.definition, definition)?;
            conform(&fields::short_name(), &Value::from(name.as_str()))?;
        }
        Ok(())
    }
}

fn each<'a>(body: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    body.get(field).and_then(Value::as_array).into_iter().flatten()
}

fn name_of(schema: &Value) -> &str {
    schema.get("name").and_then(Value::as_str).unwrap_or_default()
}

fn conform(schema: &Value, value: &Value) -> Result<(), ApiError> {
    match violation(schema, value) {
        Some(reason) => Err(names::no_match(name_of(schema), &reason)),
        None => Ok(()),
    }
}

/// An empty name would make a thing without an address.
fn check_name(body: &Value, field: &str) -> Result<(), ApiError> {
    if body.get(field).and_then(Value::as_str) == Some("") {
        return Err(ApiError::bad_request(format!("Attribute '{field}' can't be empty.")));
    }
    Ok(())
}

fn named(name: &str, properties: Value, required: &[&str]) -> Value {
    json!({
        "name": name,
        "properties": properties,
        "additionalProperties": false,
        "required": required,
    })
}

fn defining(mut document: Value, definitions: &Value) -> Value {
    document["definitions"] = definitions.clone();
    document
}
