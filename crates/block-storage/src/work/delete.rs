// SPDX-License-Identifier: Apache-2.0
//! Deleting volumes and snapshots: files first, the row last.

use std::sync::Arc;

use super::WorkError;
use super::create::discard_files;
use crate::backend::snapshot_file;
use crate::db::{snapshots, volumes};
use crate::service::Service;
use scurry_types::with_causes;

/// Removes a volume in state `deleting`, with those of its snapshots that are in that state too.
pub(crate) async fn volume(service: &Arc<Service>, id: &str) {
    let _alone = service.lock(id).await;
    if let Err(error) = remove_volume(service, id).await {
        tracing::error!(volume.id = id, error = %with_causes(&error), "volume could not be deleted");
        if let Err(error) = volumes::go(service.db.pool(), id, &["deleting"], "error_deleting").await {
            tracing::error!(volume.id = id, error = %with_causes(&error), "cannot record a failed deletion");
        }
    }
}

async fn remove_volume(service: &Service, id: &str) -> Result<(), WorkError> {
    let _permit = service.quick.acquire().await.map_err(|_| WorkError::Thread)?;
    let Some(volume) = volumes::find(service.db.pool(), id).await? else { return Ok(()) };
    if volume.status != "deleting" {
        return Ok(());
    }
    for snapshot in snapshots::of_volume(service.db.pool(), id).await? {
        if snapshot.status == "deleting" {
            remove_snapshot(service, &snapshot).await?;
        }
    }
    discard_files(service, &volume).await?;
    let tx = service.db.begin().await?;
    volumes::remove(&tx, id).await?;
    tx.commit().await?;
    tracing::info!(volume.id = id, "volume deleted");
    Ok(())
}

/// Removes a snapshot in state `deleting`.
pub(crate) async fn snapshot(service: &Arc<Service>, id: &str) {
    let _alone = service.lock(id).await;
    let outcome = async {
        let _permit = service.quick.acquire().await.map_err(|_| WorkError::Thread)?;
        match snapshots::find(service.db.pool(), id).await? {
            Some(snapshot) if snapshot.status == "deleting" => remove_snapshot(service, &snapshot).await,
            _ => Ok(()),
        }
    };
    if let Err(error) = outcome.await {
        tracing::error!(snapshot.id = id, error = %with_causes(&error), "snapshot could not be deleted");
        if let Err(error) = snapshots::go(service.db.pool(), id, &["deleting"], "error_deleting").await {
            tracing::error!(snapshot.id = id, error = %with_causes(&error), "cannot record a failed deletion");
        }
    }
}

async fn remove_snapshot(service: &Service, snapshot: &snapshots::Snapshot) -> Result<(), WorkError> {
    if let Some(backend) = service.backends.at(&snapshot.host) {
        backend.remove(&snapshot_file(&snapshot.id)).await?;
    }
    let tx = service.db.begin().await?;
    snapshots::remove(&tx, &snapshot.id).await?;
    tx.commit().await?;
    tracing::info!(snapshot.id = snapshot.id, "snapshot deleted");
    Ok(())
}
