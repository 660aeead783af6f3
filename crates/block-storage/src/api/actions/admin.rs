// SPDX-License-Identifier: Apache-2.0
//! What administrators do to volumes that got stuck.

use sea_orm::sea_query::Expr;

use super::Action;
use crate::api::fault::{Answer, Fault};
use crate::api::volumes::change;
use crate::db::attachments;
use crate::db::properties::{self, Space};
use crate::db::volumes::{self, Column};

/// States a volume may be said to be in.
const STATES: &[&str] = &[
    "creating",
    "available",
    "deleting",
    "error",
    "error_deleting",
    "error_managing",
    "managing",
    "attaching",
    "in-use",
    "detaching",
    "maintenance",
    "restoring-backup",
    "error_restoring",
    "reserved",
    "awaiting-transfer",
    "backing-up",
    "error_backing-up",
    "error_extending",
    "downloading",
    "uploading",
    "retyping",
    "extending",
];

/// `os-reset_status`
pub(super) async fn reset_status(action: Action<'_>) -> Answer<()> {
    let Action { service, volume, fields, .. } = action;
    let lower = |key: &str| fields.text(key).map(|text| text.map(str::to_ascii_lowercase));
    let (status, attach, migration) = (lower("status")?, lower("attach_status")?, lower("migration_status")?);
    if status.is_none() && attach.is_none() && migration.is_none() {
        return Err(Fault::bad_request(
            "Invalid input for field/attribute os-reset_status. One of status, attach_status, migration_status is \
             required",
        ));
    }
    let mut set = Vec::new();
    if let Some(status) = status {
        if !STATES.contains(&status.as_str()) {
            return Err(Fault::invalid_field("status", &status.as_str().into(), "It is not a volume status"));
        }
        if ["deleting", "error_deleting", "detaching"].contains(&status.as_str()) {
            return Err(Fault::bad_request(format!("Cannot reset-state to {status}")));
        }
        if status == "in-use" && attachments::of_volume(service.db.pool(), &volume.id).await?.is_empty() {
            return Err(Fault::bad_request(
                "Cannot reset-state to in-use because volume does not have any attachments.",
            ));
        }
        // A restart makes volumes that are being created from scratch: not this one, whose state is only said.
        let filling = ["creating", "downloading"];
        let said = filling.contains(&status.as_str()) && !filling.contains(&volume.status.as_str());
        set.push((Column::PreviousStatus, Expr::value(said.then(|| volume.status.clone()))));
        set.push((Column::Status, Expr::value(status)));
        set.push((Column::TargetSize, Expr::value(None::<i64>)));
    }
    let detach = attach.as_deref() == Some("detached");
    if let Some(attach) = attach {
        if !["attached", "detached"].contains(&attach.as_str()) {
            return Err(Fault::invalid_field("attach_status", &attach.as_str().into(), "It is not known"));
        }
        set.push((Column::AttachStatus, Expr::value(attach)));
    }
    // A resize is short, and must not end after its row was changed under it; other work is not waited for.
    let _alone = match volume.status.as_str() {
        "extending" => Some(service.lock(&volume.id).await),
        _ => None,
    };
    let tx = service.db.begin().await?;
    if !volumes::change(&tx, &volume.id, &[], set).await? {
        return Err(Fault::no_volume(&volume.id));
    }
    if detach {
        for attachment in attachments::of_volume(&tx, &volume.id).await? {
            attachments::remove(&tx, &attachment.id).await?;
        }
        properties::remove(&tx, &volume.id, Space::Admin, "attached_mode").await?;
    }
    tx.commit().await?;
    Ok(())
}

/// `os-force_delete`
pub(super) async fn force_delete(action: Action<'_>) -> Answer<()> {
    change::begin(action.service, action.caller, &action.volume.id, false, true).await
}
