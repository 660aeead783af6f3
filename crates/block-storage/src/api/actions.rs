// SPDX-License-Identifier: Apache-2.0
//! `POST /volumes/{id}/action`: one key in the body says which.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::Value;

use super::Shared;
use super::body::{Body, Fields};
use super::caller::Caller;
use super::fault::{Answer, Fault};
use crate::db::volumes::Volume;

mod admin;
mod attach;
mod flags;
mod image_metadata;
mod retype;
pub(crate) mod size;
mod upload;

/// Each action and the rule that guards it.
pub(crate) const ACTIONS: &[(&str, &str)] = &[
    ("os-extend", "volume:extend"),
    ("os-scurry-shrink", "volume_extension:scurry_shrink"),
    ("os-set_bootable", "volume:update"),
    ("os-update_readonly_flag", "volume:update_readonly_flag"),
    ("os-reset_status", "volume_extension:volume_admin_actions:reset_status"),
    ("os-force_delete", "volume_extension:volume_admin_actions:force_delete"),
    ("os-set_image_metadata", "volume_extension:volume_image_metadata:set"),
    ("os-unset_image_metadata", "volume_extension:volume_image_metadata:remove"),
    ("os-show_image_metadata", "volume_extension:volume_image_metadata:show"),
    ("os-volume_upload_image", "volume_extension:volume_actions:upload_image"),
    ("os-retype", "volume:retype"),
    ("os-attach", "volume_extension:volume_actions:attach"),
    ("os-detach", "volume_extension:volume_actions:detach"),
    ("os-reserve", "volume_extension:volume_actions:reserve"),
    ("os-unreserve", "volume_extension:volume_actions:unreserve"),
    ("os-begin_detaching", "volume_extension:volume_actions:begin_detaching"),
    ("os-roll_detaching", "volume_extension:volume_actions:roll_detaching"),
    ("os-initialize_connection", "volume_extension:volume_actions:initialize_connection"),
    ("os-terminate_connection", "volume_extension:volume_actions:terminate_connection"),
];

/// One action on one volume.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Action<'a> {
    service: &'a Shared,
    caller: &'a Caller,
    volume: &'a Volume,
    fields: Fields<'a>,
}

/// Finds the action, checks its rule, does it.
pub(crate) async fn act(
    State(service): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Answer {
    let mut keys = body.0.iter();
    let (Some((name, value)), None) = (keys.next(), keys.next()) else {
        return Err(Fault::bad_request("Malformed request body"));
    };
    let (_, rule) = ACTIONS
        .iter()
        .find(|(action, _)| action == name)
        .ok_or_else(|| Fault::bad_request(format!("There is no such action: {name}")))?;
    caller.may(rule)?;
    let volume = caller.volume(&service, &id).await?;
    let empty = serde_json::Map::new();
    let fields = match value {
        Value::Object(map) => Fields { map },
        Value::Null => Fields { map: &empty },
        _ => return Err(Fault::invalid_field(name, value, format!("{value} is not of type 'object'"))),
    };
    let action = Action { service: &service, caller: &caller, volume: &volume, fields };
    match name.as_str() {
        "os-extend" => accepted(size::extend(action).await?),
        "os-scurry-shrink" => accepted(size::shrink(action).await?),
        "os-set_bootable" => ok(flags::set_bootable(action).await?),
        "os-update_readonly_flag" => accepted(flags::update_readonly(action).await?),
        "os-reset_status" => accepted(admin::reset_status(action).await?),
        "os-force_delete" => accepted(admin::force_delete(action).await?),
        "os-set_image_metadata" => json(image_metadata::set(action).await?),
        "os-unset_image_metadata" => ok(image_metadata::unset(action).await?),
        "os-show_image_metadata" => json(image_metadata::show(action).await?),
        "os-volume_upload_image" => {
            Ok((StatusCode::ACCEPTED, Json(upload::upload(action).await?)).into_response())
        }
        "os-retype" => accepted(retype::retype(action).await?),
        "os-attach" => accepted(attach::attach(action).await?),
        "os-detach" => accepted(attach::detach(action).await?),
        "os-reserve" => accepted(attach::reserve(action).await?),
        "os-unreserve" => accepted(attach::unreserve(action).await?),
        "os-begin_detaching" => accepted(attach::begin_detaching(action).await?),
        "os-roll_detaching" => accepted(attach::roll_detaching(action).await?),
        "os-initialize_connection" => json(attach::initialize_connection(action).await?),
        "os-terminate_connection" => accepted(attach::terminate_connection(action).await?),
        _ => Err(Fault::bad_request(format!("There is no such action: {name}"))),
    }
}

#[allow(clippy::unnecessary_wraps, reason = "the shape every action answers in")]
fn accepted((): ()) -> Answer {
    Ok(StatusCode::ACCEPTED.into_response())
}

#[allow(clippy::unnecessary_wraps, reason = "the shape every action answers in")]
fn ok((): ()) -> Answer {
    Ok(StatusCode::OK.into_response())
}

#[allow(clippy::unnecessary_wraps, reason = "the shape every action answers in")]
fn json(value: Value) -> Answer<Response> {
    Ok(Json(value).into_response())
}
