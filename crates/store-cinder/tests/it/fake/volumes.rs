// SPDX-License-Identifier: Apache-2.0
//! Volumes and their states.

use std::collections::{BTreeMap, HashMap};

use axum::Json;
use axum::extract::{Path, Query, State as Extract};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::routes::{Shared, not_found, refuse, take};
use super::{PROJECT, State, Vol};

pub(super) fn host(backend: &str) -> String {
    format!("controller@driver-{backend}#pool")
}

pub(super) async fn create(Extract(state): Shared, Json(body): Json<Value>) -> Response {
    let mut state = state.lock().unwrap();
    let wanted = &body["volume"];
    let volume_type = wanted["volume_type"].as_str().unwrap_or("gold").to_owned();
    let Some(backend) = state.types.get(&volume_type).cloned() else {
        return not_found("Volume type with name", &volume_type);
    };
    let size = wanted["size"].as_u64().unwrap();
    if state.faults.quota.is_some_and(|quota| size > quota) {
        return refuse(StatusCode::PAYLOAD_TOO_LARGE, "VolumeSizeExceedsAvailableQuota: too much");
    }
    let id = uuid::Uuid::new_v4().to_string();
    let mut on = host(&backend);
    let mut next = "available";
    if let Some(source) = wanted["source_volid"].as_str() {
        if state.faults.clone_refused {
            return refuse(StatusCode::BAD_REQUEST, "Invalid volume_type provided: gold");
        }
        copy_start(&state.file(source), &state.file(&id));
        on = state.volumes[source].host.clone();
        if state.faults.clone_to_error {
            next = "error";
        }
    }
    state.set_len(&id, size);
    if take(&mut state.faults.create_to_error) {
        next = "error";
    }
    let metadata: BTreeMap<String, String> =
        serde_json::from_value(wanted["metadata"].clone()).unwrap_or_default();
    let volume = Vol {
        id: id.clone(),
        name: wanted["name"].as_str().unwrap_or_default().to_owned(),
        size,
        status: "creating".to_owned(),
        volume_type,
        metadata,
        readonly: false,
        host: on,
        project: PROJECT.to_owned(),
        snapshots: 0,
        next: Some((state.faults.slow, next.to_owned())),
    };
    state.log.push(format!("create {size}"));
    state.volumes.insert(id.clone(), volume);
    if take(&mut state.faults.create_unanswered) {
        return refuse(StatusCode::INTERNAL_SERVER_ERROR, "The server has either erred or is incapable");
    }
    (StatusCode::ACCEPTED, Json(json!({ "volume": view(&state, &id) }))).into_response()
}

/// The first MiBs: no test clones an image with data further on, and whole GiBs take seconds.
fn copy_start(from: &std::path::Path, to: &std::path::Path) {
    let start = std::io::Read::take(std::fs::File::open(from).unwrap(), 4 << 20);
    std::io::copy(&mut { start }, &mut std::fs::File::create(to).unwrap()).unwrap();
}

/// Passing states take a few looks.
fn look(state: &mut State, id: &str) {
    let Some(volume) = state.volumes.get_mut(id) else { return };
    match &mut volume.next {
        Some((0, next)) if next == "gone" => {
            state.volumes.remove(id);
            let _ = std::fs::remove_file(state.file(id));
        }
        Some((0, next)) => {
            volume.status = std::mem::take(next);
            volume.next = None;
        }
        Some((looks, _)) => *looks -= 1,
        None => {}
    }
}

pub(super) async fn show(Extract(state): Shared, Path(id): Path<String>) -> Response {
    let mut state = state.lock().unwrap();
    look(&mut state, &id);
    if !state.volumes.contains_key(&id) {
        return not_found("Volume", &id);
    }
    Json(json!({ "volume": view(&state, &id) })).into_response()
}

fn view(state: &State, id: &str) -> Value {
    let volume = &state.volumes[id];
    let attached = state.attachments.values().filter(|each| each.volume == id && each.attached);
    let attachments: Vec<_> = attached
        .map(|each| {
            let host = (!state.faults.not_admin).then_some(&each.host);
            json!({ "attachment_id": each.id, "server_id": each.instance, "host_name": host })
        })
        .collect();
    let mut view = json!({
        "id": id, "name": volume.name, "size": volume.size, "status": volume.status,
        "volume_type": volume.volume_type, "metadata": volume.metadata, "attachments": attachments,
        "bootable": "false", "encrypted": false, "multiattach": false,
    });
    if !state.faults.not_admin {
        view["os-vol-host-attr:host"] = json!(volume.host);
        view["os-vol-tenant-attr:tenant_id"] = json!(volume.project);
    }
    view
}

pub(super) async fn list(
    Extract(state): Shared,
    Query(query): Query<HashMap<String, String>>,
) -> Json<Value> {
    let state = state.lock().unwrap();
    let metadata: BTreeMap<String, String> =
        query.get("metadata").map_or_else(BTreeMap::new, |text| serde_json::from_str(text).unwrap());
    let fits = |volume: &&Vol| {
        query.get("name").is_none_or(|name| *name == volume.name)
            && metadata.iter().all(|(key, value)| volume.metadata.get(key) == Some(value))
            && volume.project == PROJECT
    };
    let found: Vec<_> = state.volumes.values().filter(fits).map(|volume| view(&state, &volume.id)).collect();
    Json(json!({ "volumes": found }))
}

pub(super) async fn delete(Extract(state): Shared, Path(id): Path<String>) -> Response {
    let mut state = state.lock().unwrap();
    let attached = state.attachments.values().any(|each| each.volume == id);
    let (slow, to_error) = (state.faults.slow, state.faults.delete_to_error);
    let Some(volume) = state.volumes.get_mut(&id) else { return not_found("Volume", &id) };
    let deletable = ["available", "error"].contains(&volume.status.as_str());
    if !deletable || attached || volume.snapshots > 0 {
        return refuse(
            StatusCode::BAD_REQUEST,
            "Invalid volume: Volume status must be available or error and must not be attached or have snapshots",
        );
    }
    volume.status = "deleting".to_owned();
    volume.next = Some((slow, if to_error { "error_deleting" } else { "gone" }.to_owned()));
    state.log.push("delete".to_owned());
    StatusCode::ACCEPTED.into_response()
}

pub(super) async fn action(
    Extract(state): Shared,
    Path(id): Path<String>,
    Json(body): Json<Value>,
) -> Response {
    let mut state = state.lock().unwrap();
    let faults = state.faults.clone();
    let Some(volume) = state.volumes.get_mut(&id) else { return not_found("Volume", &id) };
    let (name, argument) = body.as_object().unwrap().iter().next().unwrap();
    let gib = argument["new_size"].as_u64().unwrap_or(0);
    match name.as_str() {
        "os-update_readonly_flag" => {
            volume.readonly = argument["readonly"].as_bool().unwrap();
        }
        "os-extend" | "os-scurry-shrink" if volume.status != "available" => {
            return refuse(StatusCode::BAD_REQUEST, "Invalid volume: status must be available");
        }
        "os-extend" if faults.quota.is_some_and(|quota| gib > quota) => {
            return refuse(StatusCode::PAYLOAD_TOO_LARGE, "VolumeSizeExceedsAvailableQuota: too much");
        }
        "os-scurry-shrink" if faults.shrink_400 => {
            return refuse(StatusCode::BAD_REQUEST, "Invalid volume: it has children");
        }
        "os-extend" | "os-scurry-shrink" => {
            volume.size = gib;
            volume.status = "extending".to_owned();
            volume.next = Some((faults.slow, "available".to_owned()));
            state.set_len(&id, gib);
            state.log.push(format!("{} {gib}", name.rsplit('-').next().unwrap()));
        }
        _ => return refuse(StatusCode::BAD_REQUEST, "There is no such action"),
    }
    StatusCode::ACCEPTED.into_response()
}

pub(super) async fn set_metadata(
    Extract(state): Shared,
    Path(id): Path<String>,
    Json(body): Json<Value>,
) -> Response {
    let mut state = state.lock().unwrap();
    if take(&mut state.faults.metadata_500) {
        return refuse(StatusCode::INTERNAL_SERVER_ERROR, "The server has either erred or is incapable");
    }
    let Some(volume) = state.volumes.get_mut(&id) else { return not_found("Volume", &id) };
    let new: BTreeMap<String, String> = serde_json::from_value(body["metadata"].clone()).unwrap();
    volume.metadata.extend(new);
    Json(json!({ "metadata": volume.metadata })).into_response()
}

pub(super) async fn delete_metadata(
    Extract(state): Shared,
    Path((id, key)): Path<(String, String)>,
) -> Response {
    let mut state = state.lock().unwrap();
    let Some(volume) = state.volumes.get_mut(&id) else { return not_found("Volume", &id) };
    match volume.metadata.remove(&key) {
        Some(_) => StatusCode::OK.into_response(),
        None => not_found("Metadata key", &key),
    }
}
