// SPDX-License-Identifier: Apache-2.0
//! Giving a volume free.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use sea_orm::sea_query::Expr;
use serde_json::{Value, json};

use crate::api::Shared;
use crate::api::caller::Caller;
use crate::api::fault::{Answer, Fault};
use crate::api::view;
use crate::db::attachments::{self, Attachment};
use crate::db::properties::{self, Space};
use crate::db::volumes::{self, Column};
use crate::work::resume;

/// `DELETE /attachments/{id}`
pub(crate) async fn delete(
    State(service): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<Value>> {
    caller.since(27)?;
    let attachment = caller.attachment(&service, &id).await?;
    let service_call = caller.by_service || caller.roles.iter().any(|role| role == "service");
    if let (false, Some(instance), Some(_)) =
        (service_call, &attachment.instance_uuid, &attachment.connection_info)
    {
        return Err(Fault::conflict(format!("Detach volume from instance {instance} using the Compute API")));
    }
    let left = remove(&service, &attachment).await?;
    let views: Vec<Value> = left.iter().map(|a| view::attachment(a, false)).collect();
    Ok(Json(json!({ "attachments": views })))
}

/// Removes the attachment; the volume's state follows from those that are left, which are answered.
pub(super) async fn remove(service: &Shared, attachment: &Attachment) -> Answer<Vec<Attachment>> {
    let tx = service.db.begin().await?;
    attachments::remove(&tx, &attachment.id).await?;
    let left = attachments::of_volume(&tx, &attachment.volume_id).await?;
    let (status, attached) = if left.iter().any(|a| a.attach_status == "attached") {
        ("in-use", "attached")
    } else if left.iter().any(|a| a.attach_status == "attaching") {
        ("attaching", "detached")
    } else if left.is_empty() {
        ("available", "detached")
    } else {
        ("reserved", "detached")
    };
    let set = [(Column::Status, Expr::value(status)), (Column::AttachStatus, Expr::value(attached))];
    // A volume that is being resized, uploaded or filled keeps its state, and goes back to a detached one.
    let from = ["reserved", "attaching", "in-use", "detaching"];
    if !volumes::change(&tx, &attachment.volume_id, &from, set).await? {
        let set = [
            (Column::AttachStatus, Expr::value(attached)),
            (
                Column::PreviousStatus,
                Expr::cust_with_values("CASE WHEN previous_status IS NULL THEN NULL ELSE ? END", [status]),
            ),
        ];
        volumes::change(&tx, &attachment.volume_id, &[], set).await?;
    }
    if left.is_empty() {
        properties::remove(&tx, &attachment.volume_id, Space::Admin, "attached_mode").await?;
    }
    tx.commit().await?;
    tracing::info!(volume.id = attachment.volume_id, attachment.id = attachment.id, "attachment deleted");
    if left.is_empty() {
        let (worker, id) = (Arc::clone(service), attachment.volume_id.clone());
        service.spawn(async move { resume::mend_after_detach(&worker, &id).await });
    }
    Ok(left)
}
