// SPDX-License-Identifier: Apache-2.0
//! The API described for machines: OpenAPI 3.1, made of the table of operations and the schemas requests are checked by.

mod bodies;
mod operations;
mod parameters;
mod replies;

use std::collections::BTreeSet;

use scurry_image::ImageSettings;
use serde_json::{Map, Value, json};

use self::operations::{Operation, TABLES};
use crate::access::ROUTE_RULES;
use crate::schema::Schemas;
use crate::settings::HttpSettings;

/// The document of a service with Glance's default options, as `docs/openapi.json` holds it.
#[must_use]
pub fn openapi() -> Value {
    document(&Schemas::new(&ImageSettings::default(), &HttpSettings::default()))
}

/// The document of a deployment: its formats and its operator's properties are in the schemas.
pub(crate) fn document(schemas: &Schemas) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    let mut parameters = BTreeSet::new();
    let mut used = BTreeSet::new();
    for operation in offered() {
        parameters.extend(operation.parameters.iter().copied());
        used.extend(operation.schemas());
        let item = paths.entry(operation.path.to_owned()).or_insert_with(|| path_item(operation.path));
        if let Some(item) = item.as_object_mut() {
            item.insert(operation.method.to_lowercase(), describe(operation));
        }
    }
    let schema = |name: &str| (bodies::component(name), bodies::schema(name, schemas));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Image API",
            "version": "2",
            "description": "The Image API v2 as Scurry serves it.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"}},
            "parameters": parameters.into_iter().map(|name| (name.to_owned(), parameters::named(name)))
                .collect::<Map<_, _>>(),
            "headers": replies::headers(),
            "responses": replies::refusals(),
            "schemas": used.into_iter().map(schema).collect::<Map<_, _>>(),
        },
    })
}

/// Operations of the table whose route is there.
fn offered() -> impl Iterator<Item = &'static Operation> {
    TABLES.iter().flat_map(|table| table.iter()).filter(|operation| {
        operation.is_open()
            || ROUTE_RULES
                .iter()
                .any(|(method, path, _)| *method == operation.method && *path == operation.path)
    })
}

/// The names in a path are parameters of all its operations.
fn path_item(path: &str) -> Value {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let parameters: Vec<Value> = names.map(|name| parameters::in_path(path, name)).collect();
    json!({ "parameters": parameters })
}

fn describe(operation: &Operation) -> Value {
    let mut described = Map::new();
    described.insert("operationId".to_owned(), Value::from(operation.id()));
    described.insert("summary".to_owned(), Value::from(operation.summary));
    described.insert("tags".to_owned(), json!([operation.tag()]));
    if operation.is_open() {
        described.insert("security".to_owned(), json!([]));
    }
    if !operation.parameters.is_empty() {
        let refer = |name: &&str| json!({"$ref": format!("#/components/parameters/{name}")});
        described.insert("parameters".to_owned(), operation.parameters.iter().map(refer).collect());
    }
    if let Some(body) = bodies::request(operation) {
        described.insert("requestBody".to_owned(), body);
    }
    described.insert("responses".to_owned(), replies::of(operation));
    Value::Object(described)
}

/// The operations one can go on with once an image is there.
fn operations_of_an_image() -> impl Iterator<Item = &'static Operation> {
    offered().filter(|operation| operation.path.starts_with("/v2/images/{id}"))
}

#[cfg(test)]
mod tests;
