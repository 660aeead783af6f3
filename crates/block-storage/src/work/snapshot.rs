// SPDX-License-Identifier: Apache-2.0
//! Taking a snapshot: a clone that nobody writes to.

use std::sync::Arc;

use scurry_types::VolumeId;
use sea_orm::sea_query::Expr;

use super::WorkError;
use super::clone::writers_of;
use super::create::bytes;
use crate::backend::snapshot_file;
use crate::db::messages;
use crate::db::properties::{self, Space};
use crate::db::snapshots::{self, Column, Snapshot};
use crate::service::Service;
use scurry_types::with_causes;

/// Makes the snapshot of row `id`; a row in another state than `creating` is left alone.
pub(crate) async fn create(service: &Arc<Service>, id: &str) {
    let snapshot = match snapshots::find(service.db.pool(), id).await {
        Ok(Some(snapshot)) if snapshot.status == "creating" => snapshot,
        Ok(_) => return,
        Err(error) => {
            return tracing::error!(snapshot.id = id, error = %with_causes(&error), "cannot read snapshot");
        }
    };
    let _alone = service.lock(&snapshot.volume_id).await;
    if let Err(error) = take(service, &snapshot).await {
        tracing::error!(snapshot.id = id, error = %with_causes(&error), "snapshot could not be taken");
        let recorded = async {
            if let Some(backend) = service.backends.at(&snapshot.host) {
                backend.remove(&snapshot_file(id)).await?;
            }
            // The state last: who sees it looks for the message.
            messages::record(
                &service.db,
                &snapshot.project_id,
                ("VOLUME_SNAPSHOT", id),
                "VOLUME_VOLUME_SNAPSHOT_009_013",
                "create snapshot:Snapshot failed to create.",
            )
            .await?;
            snapshots::go(service.db.pool(), id, &["creating"], "error").await.map_err(WorkError::from)
        };
        if let Err(error) = recorded.await {
            tracing::error!(snapshot.id = id, error = %with_causes(&error), "cannot record a failed snapshot");
        }
    }
}

async fn take(service: &Service, snapshot: &Snapshot) -> Result<(), WorkError> {
    let _permit = service.quick.acquire().await.map_err(|_| WorkError::Thread)?;
    let backend = service
        .backends
        .at(&snapshot.host)
        .ok_or_else(|| WorkError::Gone(format!("{} is not in enabled_backends any more", snapshot.host)))?;
    let (source, target) = (VolumeId::new(snapshot.volume_id.as_str()), snapshot_file(&snapshot.id));
    backend.remove(&target).await?;
    let writers = writers_of(service, &snapshot.volume_id).await?;
    let len = bytes(snapshot.size);
    let cloned = backend.run(move |pool| pool.clone_volume(&source, &target, len, writers)).await?;
    let image_metadata = properties::get(service.db.pool(), &snapshot.volume_id, Space::Image).await?;
    let tx = service.db.begin().await?;
    properties::merge(&tx, &snapshot.id, Space::Image, &image_metadata).await?;
    let set = [(Column::Status, Expr::value("available")), (Column::Progress, Expr::value("100%"))];
    let done = snapshots::change(&tx, &snapshot.id, &["creating"], set).await?;
    tx.commit().await?;
    tracing::info!(snapshot.id = snapshot.id, how = ?cloned.how, done, "snapshot taken");
    Ok(())
}
