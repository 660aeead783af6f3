// SPDX-License-Identifier: Apache-2.0
//! Attachments, one a volume.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, Query, State as Extract};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::routes::{Shared, not_found, refuse, take};
use super::{Att, State};

pub(super) async fn create(Extract(state): Shared, Json(body): Json<Value>) -> Response {
    let mut state = state.lock().unwrap();
    let wanted = &body["attachment"];
    let volume = wanted["volume_uuid"].as_str().unwrap().to_owned();
    let Some(status) = state.volumes.get(&volume).map(|volume| volume.status.clone()) else {
        return not_found("Volume", &volume);
    };
    if status != "available" || take(&mut state.faults.attach_400) {
        let message = format!(
            "Invalid volume: Volume {volume} status must be available or downloading to reserve, \
             but the current status is {status}."
        );
        return refuse(StatusCode::BAD_REQUEST, &message);
    }
    let id = uuid::Uuid::new_v4().to_string();
    let att = Att {
        id: id.clone(),
        volume: volume.clone(),
        host: wanted["connector"]["host"].as_str().unwrap().to_owned(),
        mode: wanted["mode"].as_str().unwrap().to_owned(),
        instance: None,
        attached: false,
    };
    let broken = take(&mut state.faults.attach_500);
    let attachment = Att { attached: broken, ..att };
    state.log.push(format!("attach {}", attachment.mode));
    state.attachments.insert(id.clone(), attachment);
    state.volumes.get_mut(&volume).unwrap().status = "attaching".to_owned();
    if broken {
        return refuse(StatusCode::INTERNAL_SERVER_ERROR, "Unable to create attachment for volume.");
    }
    Json(json!({ "attachment": view(&state, &id, true) })).into_response()
}

fn view(state: &State, id: &str, connection: bool) -> Value {
    let att = &state.attachments[id];
    let mut view = json!({
        "id": id, "volume_id": att.volume, "instance": att.instance, "attach_mode": att.mode,
        "status": if att.attached { "attached" } else { "attaching" }, "connection_info": {},
    });
    if connection {
        view["connection_info"] = json!({
            "driver_volume_type": "local", "device_path": state.file(&att.volume), "access_mode": att.mode,
            "volume_id": att.volume, "attachment_id": id, "encrypted": false,
        });
    }
    view
}

pub(super) async fn list(
    Extract(state): Shared,
    Query(query): Query<HashMap<String, String>>,
) -> Json<Value> {
    let state = state.lock().unwrap();
    // Who is no administrator is shown the attachments of every host.
    let host = query.get("attached_host").filter(|_| !state.faults.not_admin);
    let found = state
        .attachments
        .values()
        .filter(|each| query.get("volume_id").is_none_or(|volume| *volume == each.volume))
        .filter(|each| host.is_none_or(|host| *host == each.host));
    let found: Vec<_> = found.map(|each| view(&state, &each.id, false)).collect();
    Json(json!({ "attachments": found }))
}

pub(super) async fn show(Extract(state): Shared, Path(id): Path<String>) -> Response {
    let state = state.lock().unwrap();
    if !state.attachments.contains_key(&id) {
        return not_found("Attachment", &id);
    }
    Json(json!({ "attachment": view(&state, &id, true) })).into_response()
}

pub(super) async fn complete(Extract(state): Shared, Path(id): Path<String>) -> Response {
    let mut state = state.lock().unwrap();
    if take(&mut state.faults.complete_500) {
        return refuse(StatusCode::INTERNAL_SERVER_ERROR, "The server has either erred or is incapable");
    }
    let Some(att) = state.attachments.get_mut(&id) else { return not_found("Attachment", &id) };
    att.attached = true;
    let volume = att.volume.clone();
    state.volumes.get_mut(&volume).unwrap().status = "in-use".to_owned();
    StatusCode::NO_CONTENT.into_response()
}

pub(super) async fn delete(Extract(state): Shared, Path(id): Path<String>) -> Response {
    let mut state = state.lock().unwrap();
    let Some(att) = state.attachments.remove(&id) else { return not_found("Attachment", &id) };
    state.log.push("detach".to_owned());
    let held = state.attachments.values().any(|each| each.volume == att.volume);
    if let Some(volume) = state.volumes.get_mut(&att.volume)
        && !held
    {
        volume.status = "available".to_owned();
    }
    Json(json!({ "attachments": [] })).into_response()
}
