// SPDX-License-Identifier: Apache-2.0
//! The attachment actions of old: changes of state that clients without the attachments API make.

use sea_orm::Set;
use sea_orm::sea_query::Expr;
use serde_json::{Value, json};

use super::Action;
use crate::api::fault::{Answer, Fault};
use crate::api::volumes::change;
use crate::connection;
use crate::db::attachments::{self, ActiveModel};
use crate::db::now;
use crate::db::properties::{self, Properties, Space};
use crate::db::volumes::{self, Column};

/// `os-reserve`
pub(super) async fn reserve(action: Action<'_>) -> Answer<()> {
    let from: &[&str] = if action.volume.multiattach { &["available", "in-use"] } else { &["available"] };
    if volumes::go(action.service.db.pool(), &action.volume.id, from, "attaching").await? {
        return Ok(());
    }
    let now = change::state(action.service, &action.volume.id).await?;
    Err(Fault::invalid_volume(format!(
        "Volume status must be {} to reserve, but the status is {now}.",
        from.join(" or ")
    )))
}

/// `os-unreserve`: nothing to do for a volume that is not reserved.
pub(super) async fn unreserve(action: Action<'_>) -> Answer<()> {
    let attached = !attachments::of_volume(action.service.db.pool(), &action.volume.id).await?.is_empty();
    let to = if attached { "in-use" } else { "available" };
    volumes::go(action.service.db.pool(), &action.volume.id, &["attaching"], to).await?;
    Ok(())
}

/// `os-begin_detaching`
pub(super) async fn begin_detaching(action: Action<'_>) -> Answer<()> {
    let attached = action.volume.attach_status == "attached";
    if attached && volumes::go(action.service.db.pool(), &action.volume.id, &["in-use"], "detaching").await? {
        return Ok(());
    }
    Err(Fault::invalid_volume(
        "Unable to detach volume. Volume status must be 'in-use' and attach_status must be 'attached' to detach.",
    ))
}

/// `os-roll_detaching`
pub(super) async fn roll_detaching(action: Action<'_>) -> Answer<()> {
    volumes::go(action.service.db.pool(), &action.volume.id, &["detaching"], "in-use").await?;
    Ok(())
}

/// `os-attach`: records who has the volume.
pub(super) async fn attach(action: Action<'_>) -> Answer<()> {
    let Action { service, volume, fields, .. } = action;
    let (instance, host) = (fields.uuid("instance_uuid")?, fields.text("host_name")?);
    if instance.is_none() && host.is_none() {
        return Err(Fault::bad_request(
            "Invalid input for field/attribute os-attach. One of instance_uuid, host_name is required",
        ));
    }
    let mountpoint = fields.required_text("mountpoint")?;
    let mode = fields.text("mode")?.unwrap_or("rw");
    if !["rw", "ro"].contains(&mode) {
        return Err(Fault::invalid_field(
            "mode",
            &mode.into(),
            format!("'{mode}' is not one of ['rw', 'ro']"),
        ));
    }
    let tx = service.db.begin().await?;
    let admin = properties::get(&tx, &volume.id, Space::Admin).await?;
    if mode == "rw" && admin.get("readonly").is_some_and(|flag| flag == "True") {
        return Err(Fault::bad_request(format!("Invalid attaching mode 'rw' for volume {}.", volume.id)));
    }
    let set = [(Column::Status, Expr::value("in-use")), (Column::AttachStatus, Expr::value("attached"))];
    if !volumes::change(&tx, &volume.id, &["attaching", "available"], set).await? {
        return Err(Fault::invalid_volume("volume is already attached or not ready"));
    }
    let row = ActiveModel {
        id: Set(uuid::Uuid::new_v4().to_string()),
        volume_id: Set(volume.id.clone()),
        project_id: Set(volume.project_id.clone()),
        instance_uuid: Set(instance.map(str::to_owned)),
        attach_status: Set("attached".to_owned()),
        attach_mode: Set(Some(mode.to_owned())),
        attached_host: Set(host.map(str::to_owned)),
        mountpoint: Set(Some(mountpoint.to_owned())),
        connector: Set(None),
        connection_info: Set(None),
        attached_at: Set(Some(now())),
        detached_at: Set(None),
        created_at: Set(now()),
    };
    attachments::insert(&tx, row).await?;
    let set = Properties::from([("attached_mode".to_owned(), mode.to_owned())]);
    properties::merge(&tx, &volume.id, Space::Admin, &set).await?;
    tx.commit().await?;
    Ok(())
}

/// `os-detach`
pub(super) async fn detach(action: Action<'_>) -> Answer<()> {
    let Action { service, volume, fields, .. } = action;
    let asked = fields.uuid("attachment_id")?;
    let tx = service.db.begin().await?;
    let all = attachments::of_volume(&tx, &volume.id).await?;
    let gone = match (asked, all.as_slice()) {
        (Some(id), all) => all.iter().find(|a| a.id == id).ok_or_else(|| Fault::no_attachment(id))?,
        (None, [one]) => one,
        (None, []) => {
            volumes::change(&tx, &volume.id, &["detaching", "in-use"], detached()).await?;
            tx.commit().await?;
            return Ok(());
        }
        (None, _) => {
            return Err(Fault::invalid_volume(
                "Detach volume failed: More than one attachment, but no attachment_id provided.",
            ));
        }
    };
    attachments::remove(&tx, &gone.id).await?;
    if all.len() == 1 {
        volumes::change(&tx, &volume.id, &["detaching", "in-use", "attaching", "reserved"], detached())
            .await?;
        properties::remove(&tx, &volume.id, Space::Admin, "attached_mode").await?;
    } else {
        volumes::go(&tx, &volume.id, &["detaching"], "in-use").await?;
    }
    tx.commit().await?;
    Ok(())
}

fn detached() -> [(Column, sea_orm::sea_query::SimpleExpr); 2] {
    [(Column::Status, Expr::value("available")), (Column::AttachStatus, Expr::value("detached"))]
}

/// `os-initialize_connection`: the way to the data, without an attachment.
pub(super) async fn initialize_connection(action: Action<'_>) -> Answer<Value> {
    let Action { service, volume, fields, .. } = action;
    let connector = fields.get("connector").and_then(Value::as_object);
    let host = connector.and_then(|c| c.get("host")).and_then(Value::as_str);
    if host.is_none() {
        return Err(Fault::invalid_input("Connector doesn't have required information: host"));
    }
    if !["available", "in-use", "attaching", "reserved", "detaching"].contains(&volume.status.as_str()) {
        return Err(Fault::invalid_volume(format!(
            "Volume {} cannot be connected while it is {}.",
            volume.id, volume.status
        )));
    }
    let admin = properties::get(service.db.pool(), &volume.id, Space::Admin).await?;
    let read_only = admin.get("readonly").is_some_and(|flag| flag == "True")
        || connector.and_then(|c| c.get("mode")).and_then(Value::as_str) == Some("ro");
    let _alone = service.lock(&volume.id).await;
    let mut data = connection::info(service, volume, "", read_only).await.map_err(Fault::internal)?;
    let kind = data.as_object_mut().and_then(|data| {
        data.remove("attachment_id");
        data.remove("driver_volume_type")
    });
    Ok(json!({ "connection_info": { "driver_volume_type": kind, "data": data } }))
}

/// `os-terminate_connection`: files need nothing to be disconnected.
pub(super) async fn terminate_connection(action: Action<'_>) -> Answer<()> {
    match action.fields.get("connector") {
        Some(Value::Object(_)) => Ok(()),
        _ => Err(Fault::bad_request(
            "Invalid input for field/attribute body. 'connector' is a required property",
        )),
    }
}
