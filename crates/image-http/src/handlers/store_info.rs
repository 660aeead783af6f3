// SPDX-License-Identifier: Apache-2.0
//! `GET /v2/info/import`, `/v2/info/stores` and `/v2/info/stores/detail`.

use axum::Json;
use axum::extract::State;
use scurry_store::{Registry, StoreFacts};
use serde_json::{Map, Value, json};

use crate::api::{Api, Asker};
use crate::body::NoBody;
use crate::error::ApiError;

/// Ways to import an image.
pub(crate) async fn import_methods(State(api): State<Api>, _asker: Asker, _: NoBody) -> Json<Value> {
    Json(json!({
        "import-methods": {
            "description": "Import methods available.",
            "type": "array",
            "value": api.settings().enabled_import_methods,
        }
    }))
}

/// The stores as everybody may know them.
pub(crate) async fn list(State(api): State<Api>, _asker: Asker, _: NoBody) -> Json<Value> {
    Json(json!({"stores": each(api.service.stores(), |_, _| {})}))
}

/// The stores with what only operators and services may know.
pub(crate) async fn detail(State(api): State<Api>, asker: Asker, _: NoBody) -> Result<Json<Value>, ApiError> {
    api.require_own(&asker, "stores_info_detail")?;
    let stores = each(api.service.stores(), |view, facts| {
        view.insert("type".to_owned(), Value::from(facts.kind));
        view.insert("properties".to_owned(), Value::Object(facts.properties.clone()));
        view.insert("weight".to_owned(), Value::from(facts.weight));
    });
    Ok(Json(json!({"stores": stores})))
}

/// Booleans are words here, and there only when true: clients know them like this.
fn each(stores: &Registry, more: impl Fn(&mut Map<String, Value>, &StoreFacts)) -> Vec<Value> {
    let shown = stores.iter().map(|store| store.facts()).filter(|facts| !is_reserved(facts.id.as_str()));
    shown
        .map(|facts| {
            let mut view = Map::new();
            view.insert("id".to_owned(), Value::from(facts.id.as_str()));
            if let Some(text) = facts.description.as_ref().filter(|text| !text.is_empty()) {
                view.insert("description".to_owned(), Value::from(text.as_str()));
            }
            if facts.id == *stores.default_id() {
                view.insert("default".to_owned(), Value::from("true"));
            }
            if facts.read_only {
                view.insert("read-only".to_owned(), Value::from("true"));
            }
            more(&mut view, facts);
            Value::Object(view)
        })
        .collect()
}

/// Stores of the service itself (staging, tasks) are nobody's target.
pub(crate) fn is_reserved(id: &str) -> bool {
    id.starts_with("os_glance_")
}
