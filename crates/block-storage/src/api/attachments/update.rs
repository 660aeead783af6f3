// SPDX-License-Identifier: Apache-2.0
//! Connecting a reserved attachment, and saying that it is in use.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use sea_orm::Set;
use sea_orm::sea_query::Expr;
use serde_json::{Map, Value, json};

use super::create::check_connector;
use crate::api::Shared;
use crate::api::body::Body;
use crate::api::caller::Caller;
use crate::api::fault::{Answer, Fault};
use crate::api::view;
use crate::connection;
use crate::db::attachments::{self, ActiveModel, Attachment};
use crate::db::now;
use crate::db::properties::{self, Properties, Space};
use crate::db::volumes::{self, Column};
use crate::service::Service;

/// `PUT /attachments/{id}`
pub(crate) async fn update(
    State(service): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Answer<Json<Value>> {
    caller.since(27)?;
    let fields = body.inner("attachment")?;
    fields.only(&["connector"])?;
    let connector = match fields.get("connector") {
        Some(Value::Object(connector)) if !connector.is_empty() => connector,
        Some(value) => {
            return Err(Fault::invalid_field("connector", value, "It does not have enough properties"));
        }
        None => {
            return Err(Fault::bad_request(
                "Invalid input for field/attribute attachment. 'connector' is a required property",
            ));
        }
    };
    check_connector(connector)?;
    let attachment = caller.attachment(&service, &id).await?;
    let volume = volumes::find(service.db.pool(), &attachment.volume_id)
        .await?
        .ok_or_else(|| Fault::no_volume(&attachment.volume_id))?;
    if volume.status.contains("error") {
        return Err(Fault::conflict(format!(
            "Resource conflict: Volume attachments can not be updated if the volume is in an error state. The Volume \
             {} currently has a status of: {} ",
            volume.id, volume.status
        )));
    }
    let others = attachments::of_volume(service.db.pool(), &volume.id).await?;
    if others.len() > 1 && !volume.multiattach && others.iter().any(|a| a.connection_info.is_some()) {
        return Err(Fault::conflict(format!(
            "Resource conflict: duplicate connectors detected on volume {}",
            volume.id
        )));
    }
    let attachment = connect(&service, &id, connector).await?;
    Ok(Json(json!({ "attachment": view::attachment(&attachment, true) })))
}

/// Works out the way to the data for this connector and keeps it.
pub(super) async fn connect(
    service: &Service,
    id: &str,
    connector: &Map<String, Value>,
) -> Answer<Attachment> {
    let gone = || Fault::no_attachment(id);
    let attachment = attachments::find(service.db.pool(), id).await?.ok_or_else(gone)?;
    // Clones of the volume wait: its files change hands now.
    let _alone = service.lock(&attachment.volume_id).await;
    let volume = volumes::find(service.db.pool(), &attachment.volume_id)
        .await?
        .ok_or_else(|| Fault::no_volume(&attachment.volume_id))?;
    let admin = properties::get(service.db.pool(), &volume.id, Space::Admin).await?;
    let forced = admin.get("readonly").is_some_and(|flag| flag == "True");
    let text = |key: &str| connector.get(key).and_then(Value::as_str);
    let mode = match (forced, text("mode"), attachment.attach_mode.as_deref()) {
        (true, ..) => "ro",
        (false, Some(mode @ ("ro" | "rw")), _) | (false, None, Some(mode @ ("ro" | "rw"))) => mode,
        _ => "rw",
    };
    let info = connection::info(service, &volume, id, mode == "ro").await.map_err(Fault::internal)?;
    let (info, connector_text) = (info.to_string(), Value::Object(connector.clone()).to_string());
    let tx = service.db.begin().await?;
    let attachment = attachments::find(&tx, id).await?.ok_or_else(gone)?;
    let completed = attachment.attach_status == "attached";
    let mut row: ActiveModel = attachment.into();
    row.attach_mode = Set(Some(mode.to_owned()));
    row.attached_host = Set(text("host").map(str::to_owned));
    if let Some(mountpoint) = text("mountpoint") {
        row.mountpoint = Set(Some(mountpoint.to_owned()));
    }
    row.connector = Set(Some(connector_text));
    row.connection_info = Set(Some(info));
    if !completed {
        row.attach_status = Set("attaching".to_owned());
        row.attached_at = Set(Some(now()));
    }
    let attachment = attachments::update(&tx, row).await?;
    let set = Properties::from([("attached_mode".to_owned(), mode.to_owned())]);
    properties::merge(&tx, &volume.id, Space::Admin, &set).await?;
    if !completed {
        volumes::go(&tx, &volume.id, &["reserved"], "attaching").await?;
    }
    tx.commit().await?;
    Ok(attachment)
}

/// `POST /attachments/{id}/action` with `os-complete`
pub(crate) async fn complete(
    State(service): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Answer<StatusCode> {
    caller.since(44)?;
    if body.0.len() != 1 || !body.0.contains_key("os-complete") {
        return Err(Fault::bad_request("There is no such action"));
    }
    caller.attachment(&service, &id).await?;
    let tx = service.db.begin().await?;
    let attachment = attachments::find(&tx, &id).await?.ok_or_else(|| Fault::no_attachment(&id))?;
    let volume = attachment.volume_id.clone();
    let mut row: ActiveModel = attachment.into();
    row.attach_status = Set("attached".to_owned());
    attachments::update(&tx, row).await?;
    let set = [(Column::Status, Expr::value("in-use")), (Column::AttachStatus, Expr::value("attached"))];
    volumes::change(&tx, &volume, &["reserved", "attaching", "in-use", "available", "detaching"], set)
        .await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
