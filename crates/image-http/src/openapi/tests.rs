// SPDX-License-Identifier: Apache-2.0
//! The document is whole and is the one that is checked in.

use std::collections::BTreeSet;

use super::*;

#[test]
fn every_route_is_described() {
    let document = openapi();
    let missing: Vec<_> = ROUTE_RULES
        .iter()
        .filter(|(method, path, _)| document["paths"][*path][method.to_lowercase()].is_null())
        .map(|(method, path, _)| format!("{method} {path}"))
        .collect();
    assert!(missing.is_empty(), "add to crates/image-http/src/openapi/operations: {missing:#?}");
}

#[test]
fn no_operation_is_described_twice() {
    let mut ids = BTreeSet::new();
    for operation in TABLES.iter().flat_map(|table| table.iter()) {
        assert!(ids.insert(operation.id()), "{}", operation.id());
    }
}

/// All `$ref`s lead somewhere, and nothing lies there that none leads to.
#[test]
fn references_and_components_match() {
    fn collect(value: &Value, into: &mut BTreeSet<String>) {
        match value {
            Value::Object(object) => {
                if let Some(Value::String(target)) = object.get("$ref") {
                    into.insert(target.clone());
                }
                object.values().for_each(|value| collect(value, into));
            }
            Value::Array(items) => items.iter().for_each(|value| collect(value, into)),
            _ => {}
        }
    }
    let document = openapi();
    let mut referred = BTreeSet::new();
    collect(&document, &mut referred);
    assert!(referred.len() > 40, "{referred:?}");
    for target in &referred {
        assert!(document.pointer(target.trim_start_matches('#')).is_some(), "{target}");
    }
    for kind in ["parameters", "schemas"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            assert!(referred.contains(&format!("#/components/{kind}/{name}")), "{kind} {name}");
        }
    }
}

#[test]
fn the_document_in_docs_is_this_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let written: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(
        written == openapi(),
        "docs/openapi.json is stale: cargo run -p scurry-image-http --example openapi > docs/openapi.json"
    );
}
