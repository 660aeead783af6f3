// SPDX-License-Identifier: Apache-2.0
//! Reserving a volume, and connecting in the same call when a connector comes along.

use axum::Json;
use axum::extract::State;
use sea_orm::Set;
use serde_json::{Map, Value, json};

use super::update::connect;
use crate::api::Shared;
use crate::api::body::Body;
use crate::api::caller::Caller;
use crate::api::fault::{Answer, Fault};
use crate::api::view;
use crate::db::attachments::{self, ActiveModel, Attachment};
use crate::db::now;
use crate::db::properties::{self, Space};
use crate::db::volumes::{self, Volume};
use crate::service::Service;

/// `POST /attachments`
pub(crate) async fn create(State(service): State<Shared>, caller: Caller, body: Body) -> Answer<Json<Value>> {
    caller.since(27)?;
    let fields = body.inner("attachment")?;
    let known: &[&str] = if caller.from(54) {
        &["instance_uuid", "connector", "volume_uuid", "mode"]
    } else {
        &["instance_uuid", "connector", "volume_uuid"]
    };
    fields.only(known)?;
    let volume_id = fields.uuid("volume_uuid")?.ok_or_else(|| {
        Fault::bad_request(
            "Invalid input for field/attribute attachment. 'volume_uuid' is a required property",
        )
    })?;
    let instance = fields.uuid("instance_uuid")?;
    let mode = fields.text("mode")?;
    if let Some(mode) = mode
        && !["rw", "ro"].contains(&mode)
    {
        return Err(Fault::invalid_field(
            "mode",
            &mode.into(),
            format!("'{mode}' is not one of ['rw', 'ro']"),
        ));
    }
    let connector = match fields.get("connector") {
        None => None,
        Some(Value::Object(connector)) => Some(connector).filter(|connector| !connector.is_empty()),
        Some(value) => {
            return Err(Fault::invalid_field(
                "connector",
                value,
                format!("{value} is not of type 'object', 'null'"),
            ));
        }
    };
    let volume = caller.volume(&service, volume_id).await?;
    if let Some(connector) = connector {
        check_connector(connector)?;
    }
    let reserved = reserve(&service, &volume, instance, mode).await?;
    let attachment = match connector {
        None => reserved,
        Some(connector) => match connect(&service, &reserved.id, connector).await {
            Ok(attachment) => attachment,
            Err(fault) => {
                // Nobody would use or remove a reservation the client never heard of.
                super::release::remove(&service, &reserved).await?;
                return Err(fault);
            }
        },
    };
    tracing::info!(volume.id = volume_id, attachment.id = attachment.id, "volume attachment created");
    Ok(Json(json!({ "attachment": view::attachment(&attachment, true) })))
}

/// A connector that does not say who connects is no use to anybody who must clean up later.
pub(super) fn check_connector(connector: &Map<String, Value>) -> Answer<()> {
    let host = connector.get("host").and_then(Value::as_str).filter(|host| !host.is_empty());
    if host.is_some() {
        return Ok(());
    }
    Err(Fault::bad_request("Invalid input received: Connector doesn't have required information: host"))
}

/// Takes the volume, or says why it cannot be had.
async fn reserve(
    service: &Service,
    volume: &Volume,
    instance: Option<&str>,
    mode: Option<&str>,
) -> Answer<Attachment> {
    if volume.status.contains("error") {
        return Err(Fault::invalid_volume(format!(
            "Volume attachments can not be created if the volume is in an error state. The Volume {} currently has a \
             status of: {} ",
            volume.id, volume.status
        )));
    }
    // Not `downloading`, as Cinder lets its own copies do: ours need no attachment, and a user's would end them.
    let from: &[&str] = if volume.multiattach { &["available", "in-use"] } else { &["available"] };
    let tx = service.db.begin().await?;
    if !volumes::go(&tx, &volume.id, from, "reserved").await? {
        let now = volumes::find(&tx, &volume.id).await?.ok_or_else(|| Fault::no_volume(&volume.id))?;
        // An instance that moves to another host has its volume attached twice for a while.
        let moving = instance.is_some()
            && ["in-use", "reserved"].contains(&now.status.as_str())
            && attachments::of_volume(&tx, &volume.id)
                .await?
                .iter()
                .any(|a| a.instance_uuid.as_deref() == instance);
        if !moving {
            return Err(Fault::invalid_volume(format!(
                "Volume {} status must be {} to reserve, but the current status is {}.",
                volume.id,
                from.join(" or "),
                now.status
            )));
        }
    }
    let admin = properties::get(&tx, &volume.id, Space::Admin).await?;
    let read_only = admin.get("readonly").is_some_and(|flag| flag == "True");
    let row = ActiveModel {
        id: Set(uuid::Uuid::new_v4().to_string()),
        volume_id: Set(volume.id.clone()),
        project_id: Set(volume.project_id.clone()),
        instance_uuid: Set(instance.map(str::to_owned)),
        attach_status: Set("reserved".to_owned()),
        attach_mode: Set(Some(if read_only { "ro" } else { mode.unwrap_or("null") }.to_owned())),
        attached_host: Set(None),
        mountpoint: Set(None),
        connector: Set(None),
        connection_info: Set(None),
        attached_at: Set(None),
        detached_at: Set(None),
        created_at: Set(now()),
    };
    let row = attachments::insert(&tx, row).await?;
    tx.commit().await?;
    Ok(row)
}
