// SPDX-License-Identifier: Apache-2.0
//! Looking at volume types.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use serde_json::{Value, json};

use crate::api::Shared;
use crate::api::caller::Caller;
use crate::api::fault::{Answer, Fault};
use crate::api::paging::{Key, Page, Query, truth};
use crate::api::view::collection;
use crate::api::volumes::create::usable_type;
use crate::db::properties::{self, Properties, Space};
use crate::db::types::{self, VolumeType};

/// Extra specs everyone may see; the rest name backends and are the administrator's.
const VISIBLE: &[&str] = &["RESKEY:availability_zones", "multiattach", "replication_enabled"];

/// Extra specs as far as the caller may see them.
pub(super) fn visible(caller: &Caller, specs: &Properties) -> Properties {
    if caller.is_admin {
        return specs.clone();
    }
    specs.iter().filter(|(k, _)| VISIBLE.contains(&k.as_str())).map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// A type on the wire.
pub(super) fn view(caller: &Caller, kind: &VolumeType, specs: &Properties) -> Value {
    let mut view = json!({
        "id": kind.id,
        "name": kind.name,
        "is_public": kind.is_public,
        "description": kind.description,
        "extra_specs": visible(caller, specs),
    });
    if let Some(view) = view.as_object_mut() {
        if caller.is_admin {
            view.insert("qos_specs_id".to_owned(), Value::Null);
        }
        view.insert("os-volume-type-access:is_public".to_owned(), kind.is_public.into());
    }
    view
}

/// `GET /types`
pub(crate) async fn list(
    State(service): State<Shared>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answer<Json<Value>> {
    let query = Query::parse(query.as_deref().unwrap_or_default());
    let page = Page::of(&query)?;
    let db = service.db.pool();
    let mut kinds = types::all(db).await?;
    let ids: Vec<String> = kinds.iter().map(|kind| kind.id.clone()).collect();
    let access = properties::of_many(db, &ids, Space::Access).await?;
    let specs = properties::of_many(db, &ids, Space::Specs).await?;
    // `is_public=None` lists all; without the key, and for everyone else, what the project may use.
    let public = query.get("is_public").filter(|_| caller.is_admin);
    kinds.retain(|kind| match public {
        Some(text) => truth(text).is_none_or(|flag| kind.is_public == flag),
        None => kind.is_public || access.get(&kind.id).is_some_and(|set| set.contains_key(&caller.project)),
    });
    if let Some(name) = query.get("name") {
        kinds.retain(|kind| kind.name == name);
    }
    if caller.from(52)
        && let Some(text) = query.get("extra_specs")
    {
        let wanted = wanted_specs(text)?;
        kinds.retain(|kind| {
            let seen = specs.get(&kind.id).map(|set| visible(&caller, set)).unwrap_or_default();
            wanted.iter().all(|(key, value)| seen.get(key) == Some(value))
        });
    }
    let cut = page.cut(kinds, |kind| &kind.id, sort_key, Fault::no_type)?;
    let none = Properties::new();
    let views: Vec<Value> =
        cut.items.iter().map(|kind| view(&caller, kind, specs.get(&kind.id).unwrap_or(&none))).collect();
    let mut answer = json!({ "volume_types": views });
    if let Some(links) = cut.links(&collection(&service, &caller.project, "types"), &query) {
        answer["volume_type_links"] = links;
    }
    Ok(Json(answer))
}

fn wanted_specs(text: &str) -> Answer<HashMap<String, String>> {
    serde_json::from_str(text)
        .or_else(|_| serde_json::from_str(&text.replace('\'', "\"")))
        .map_err(|_| Fault::invalid_input(format!("'extra_specs = {text}'")))
}

/// `GET /types/{id}`, where `default` is the default type.
pub(crate) async fn show(
    State(service): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<Value>> {
    let kind = if id == "default" {
        types::find(service.db.pool(), &service.conf.default_volume_type)
            .await?
            .ok_or_else(|| Fault::not_found("Default volume type can not be found."))?
    } else {
        by_id(&service, &caller, &id).await?
    };
    let specs = properties::get(service.db.pool(), &kind.id, Space::Specs).await?;
    Ok(Json(json!({ "volume_type": view(&caller, &kind, &specs) })))
}

/// A type by its id alone.
pub(super) async fn by_id(service: &Shared, caller: &Caller, id: &str) -> Answer<VolumeType> {
    let kind = usable_type(service, caller, id).await?;
    if kind.id == id { Ok(kind) } else { Err(Fault::no_type(id)) }
}

/// `GET /types/{id}/encryption`: no type encrypts.
pub(crate) async fn encryption(
    State(service): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<Value>> {
    by_id(&service, &caller, &id).await?;
    Ok(Json(json!({})))
}

fn sort_key(kind: &VolumeType, key: &str) -> Option<Key> {
    Some(match key {
        "id" => kind.id.as_str().into(),
        "name" => kind.name.as_str().into(),
        "created_at" => kind.created_at.into(),
        "updated_at" => kind.updated_at.into(),
        _ => return None,
    })
}
