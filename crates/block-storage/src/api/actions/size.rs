// SPDX-License-Identifier: Apache-2.0
//! Longer, and (an extension of ours) shorter.

use std::sync::Arc;

use sea_orm::sea_query::Expr;

use super::Action;
use crate::api::fault::{Answer, Fault};
use crate::api::volumes::change;
use crate::db::types;
use crate::db::volumes::{self, Column};
use crate::quota::{self, Wanted};
use crate::work::resize;

/// `os-extend`
pub(super) async fn extend(action: Action<'_>) -> Answer<()> {
    let Action { service, caller, volume, fields } = action;
    let new_size = fields.gib("new_size")?;
    if new_size <= volume.size {
        return Err(Fault::invalid_input(format!(
            "New size for extend must be greater than current size. (current: {}, extended: {new_size}).",
            volume.size
        )));
    }
    let from = if caller.from(42) && volume.status == "in-use" { "in-use" } else { "available" };
    if from == "in-use" {
        caller.may("volume:extend_attached_volume")?;
    }
    let tx = service.db.begin().await?;
    let kind = types::find(&tx, &volume.volume_type_id).await?;
    let kind_name = kind.as_ref().map_or("", |kind| kind.name.as_str());
    let per_volume = quota::limits(&tx, &service.conf, &volume.project_id).await?.per_volume;
    if per_volume >= 0 && new_size > per_volume && volume.project_id != service.internal_project {
        return Err(Fault::over_quota(
            "VolumeSizeExceedsLimit",
            format!("Requested volume size {new_size}G is larger than maximum allowed limit {per_volume}G."),
        ));
    }
    let now = volumes::find(&tx, &volume.id).await?.ok_or_else(|| Fault::no_volume(&volume.id))?;
    if now.status == from {
        quota::check(
            &tx,
            &service.conf,
            &service.internal_project,
            &volume.project_id,
            (&volume.volume_type_id, kind_name),
            Wanted { gigabytes: new_size - volume.size, ..Wanted::default() },
        )
        .await?;
    }
    let begun = begin(&tx, volume, from, new_size).await?;
    tx.commit().await?;
    if !begun {
        return Err(wrong_state(action, &format!("'{{'status': '{from}'}}' to extend, currently")).await?);
    }
    service.start_resize(&volume.id);
    Ok(())
}

/// `os-scurry-shrink`: cuts the volume to `new_size` GiB; what lay beyond is gone.
///
/// An in-use volume may be cut as long as nobody has its files open for writing (409 otherwise): a writer would
/// go on by the old length. Snapshots and clones keep theirs. The volume has its new size when this answers.
pub(super) async fn shrink(action: Action<'_>) -> Answer<()> {
    let Action { service, volume, fields, .. } = action;
    fields.only(&["new_size"])?;
    let new_size = fields.gib("new_size")?;
    if new_size >= volume.size {
        return Err(Fault::invalid_input(format!(
            "New size for shrink must be less than current size. (current: {}, shrunk: {new_size}).",
            volume.size
        )));
    }
    let from = if volume.status == "in-use" { "in-use" } else { "available" };
    let tx = service.db.begin().await?;
    let begun = begin(&tx, volume, from, new_size).await?;
    tx.commit().await?;
    if !begun {
        return Err(wrong_state(action, "available or in-use to shrink, currently").await?);
    }
    // On its own task: a client that hangs up must not leave the work half done.
    let (worker, id) = (Arc::clone(service), volume.id.clone());
    let work = service.tasks.spawn(async move { resize::run(&worker, &id).await });
    match work.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) if resize::is_busy(&error) => Err(Fault::conflict(format!(
            "Volume {} is open for writing: close it before it is shrunk.",
            volume.id
        ))),
        Ok(Err(error)) => Err(Fault::internal(error)),
        Err(error) => Err(Fault::internal(error)),
    }
}

/// Marks the volume as on its way to another size; false when it is in another state or has another size by now.
async fn begin(
    tx: &sea_orm::DatabaseTransaction,
    volume: &volumes::Volume,
    from: &str,
    new_size: i64,
) -> Answer<bool> {
    let now = volumes::find(tx, &volume.id).await?;
    if now.is_none_or(|now| now.size != volume.size) {
        return Ok(false);
    }
    Ok(volumes::change(
        tx,
        &volume.id,
        &[from],
        [
            (Column::Status, Expr::value("extending")),
            (Column::PreviousStatus, Expr::value(Some(from.to_owned()))),
            (Column::TargetSize, Expr::value(Some(new_size))),
        ],
    )
    .await?)
}

async fn wrong_state(action: Action<'_>, expected: &str) -> Answer<Fault> {
    let id = &action.volume.id;
    let now = change::state(action.service, id).await?;
    Ok(Fault::invalid_volume(format!("Volume {id} status must be {expected} {now}.")))
}
