// SPDX-License-Identifier: Apache-2.0
//! Bringing a volume to another size. The row says which one, so that a restart ends what was begun.

use std::sync::Arc;

use scurry_types::VolumeId;
use scurry_volume_file::VolumeError;
use sea_orm::sea_query::Expr;

use super::WorkError;
use super::create::{backends_of, bytes};
use crate::backend::PoolError;
use crate::db::messages;
use crate::db::volumes::{self, Column, Volume};
use crate::service::Service;
use scurry_types::with_causes;

/// Resizes a volume in state `extending` to its `target_size`; any other is left alone.
///
/// A volume somebody has open for writing returns to its state and size of before. Any other failure ends in
/// `error_extending`, as in Cinder.
pub(crate) async fn run(service: &Arc<Service>, id: &str) -> Result<(), WorkError> {
    let _alone = service.lock(id).await;
    let Some(volume) = volumes::find(service.db.pool(), id).await? else { return Ok(()) };
    let (true, Some(target)) = (volume.status == "extending", volume.target_size) else { return Ok(()) };
    let outcome = match resize(service, &volume, target).await {
        Ok(()) => {
            let back = Expr::cust("COALESCE(previous_status, 'available')");
            volumes::change(
                service.db.pool(),
                id,
                &["extending"],
                [
                    (Column::Size, Expr::value(target)),
                    (Column::Status, back),
                    (Column::TargetSize, Expr::value(None::<i64>)),
                    (Column::PreviousStatus, Expr::value(None::<String>)),
                ],
            )
            .await
            .map(|_| ())
            .map_err(WorkError::from)
        }
        Err(error) => Err(error),
    };
    match &outcome {
        Ok(()) => tracing::info!(volume.id = id, from = volume.size, to = target, "volume resized"),
        Err(error) => {
            tracing::error!(volume.id = id, error = %with_causes(error), "volume could not be resized");
            if let Err(error) = give_up(service, &volume, is_busy(error)).await {
                tracing::error!(volume.id = id, error = %with_causes(&error), "cannot record a failed resize");
            }
        }
    }
    outcome
}

/// Whether somebody had the volume open for writing.
pub(crate) fn is_busy(error: &WorkError) -> bool {
    matches!(error, WorkError::Pool(PoolError::Volume { source: VolumeError::Busy(_), .. }))
}

async fn resize(service: &Service, volume: &Volume, target: i64) -> Result<(), WorkError> {
    let _permit = service.quick.acquire().await.map_err(|_| WorkError::Thread)?;
    let (backend, replica) = backends_of(service, volume)?;
    let id = VolumeId::new(volume.id.as_str());
    backend.run(move |pool| pool.resize(&id, bytes(target))).await?;
    if let Some(replica) = replica {
        let id = VolumeId::new(volume.id.as_str());
        // Not passed on as it is: after the first copy has changed, `Busy` is no reason to go back.
        replica.run(move |pool| pool.resize(&id, bytes(target))).await.map_err(|error| {
            WorkError::Gone(format!("the second copy cannot be resized: {}", with_causes(&error)))
        })?;
    }
    Ok(())
}

async fn give_up(service: &Service, volume: &Volume, busy: bool) -> Result<(), WorkError> {
    // The state last: who sees it looks for the message.
    messages::record(
        &service.db,
        &volume.project_id,
        ("VOLUME", &volume.id),
        "VOLUME_VOLUME_007_010",
        "extend volume:Volume Driver failed to extend volume.",
    )
    .await?;
    if busy {
        volumes::go_back(service.db.pool(), &volume.id, "extending").await?;
    } else {
        volumes::change(
            service.db.pool(),
            &volume.id,
            &["extending"],
            [
                (Column::Status, Expr::value("error_extending")),
                (Column::TargetSize, Expr::value(None::<i64>)),
                (Column::PreviousStatus, Expr::value(None::<String>)),
            ],
        )
        .await?;
    }
    Ok(())
}
