// SPDX-License-Identifier: Apache-2.0
//! Creating a volume: choose a backend, fill it from its source, make it available.

use std::sync::Arc;

use scurry_openstack_client::Secret;
use scurry_types::VolumeId;
use scurry_types::size::GIB;
use sea_orm::sea_query::Expr;

use super::clone::{Source, copy_from, location_of, writers_of};
use super::{WorkError, image};
use crate::backend::{Backend, snapshot_file};
use crate::db::properties::{self, Properties, Space};
use crate::db::volumes::{self, Column, Volume};
use crate::db::{messages, snapshots};
use crate::scheduler::{self, ScheduleError};
use crate::service::Service;
use scurry_types::with_causes;

/// What the finished volume inherits from its source.
#[derive(Debug, Default)]
pub(crate) struct Inherited {
    pub(crate) bootable: bool,
    pub(crate) image_metadata: Properties,
}

/// Makes the volume of row `id`; a row in any other state than `creating` or `downloading` is left alone.
pub(crate) async fn run(service: &Arc<Service>, id: &str, token: Option<Secret>) {
    let _alone = service.lock(id).await;
    let volume = match volumes::find(service.db.pool(), id).await {
        Ok(Some(volume)) if ["creating", "downloading"].contains(&volume.status.as_str()) => volume,
        Ok(_) => return,
        Err(error) => {
            return tracing::error!(volume.id = id, error = %with_causes(&error), "cannot read volume");
        }
    };
    let outcome = match build(service, volume.clone(), token.as_ref()).await {
        Ok(inherited) => finish(service, &volume, inherited).await,
        Err(error) => Err(error),
    };
    if let Err(error) = outcome {
        fail(service, &volume, &error).await;
    }
}

async fn build(
    service: &Arc<Service>,
    volume: Volume,
    token: Option<&Secret>,
) -> Result<Inherited, WorkError> {
    let volume = place(service, volume).await?;
    // What an earlier process left half done.
    discard_files(service, &volume).await?;
    let target = VolumeId::new(volume.id.as_str());
    if let Some(source_id) = &volume.source_volid {
        let _source_alone = service.lock(source_id).await;
        let source = volumes::find(service.db.pool(), source_id)
            .await?
            .ok_or_else(|| WorkError::Gone(format!("source volume {source_id} is gone")))?;
        let from = Source {
            file: VolumeId::new(source_id.as_str()),
            host: source.host.clone(),
            replica_host: source.replica_host.clone(),
            writers: writers_of(service, source_id).await?,
        };
        copy_from(service, &from, &volume).await?;
        let image_metadata = properties::get(service.db.pool(), source_id, Space::Image).await?;
        return Ok(Inherited { bootable: source.bootable, image_metadata });
    }
    if let Some(snapshot_id) = &volume.snapshot_id {
        let snapshot = snapshots::find(service.db.pool(), snapshot_id)
            .await?
            .ok_or_else(|| WorkError::Gone(format!("snapshot {snapshot_id} is gone")))?;
        let from = Source {
            file: snapshot_file(snapshot_id),
            host: Some(snapshot.host.clone()),
            replica_host: None,
            writers: scurry_volume_file::Writers::None,
        };
        copy_from(service, &from, &volume).await?;
        let image_metadata = properties::get(service.db.pool(), snapshot_id, Space::Image).await?;
        let of_bootable =
            volumes::find(service.db.pool(), &snapshot.volume_id).await?.is_some_and(|v| v.bootable);
        return Ok(Inherited { bootable: of_bootable || !image_metadata.is_empty(), image_metadata });
    }
    if let Some(image_id) = &volume.image_id {
        return image::fill(service, &volume, image_id, token).await;
    }
    let (backend, replica) = backends_of(service, &volume)?;
    let len = bytes(volume.size);
    for backend in [Some(backend), replica].into_iter().flatten() {
        let target = target.clone();
        backend.run(move |pool| pool.create(&target, len)).await?;
    }
    Ok(Inherited::default())
}

/// Writes into the row where the volume lives, unless it is there already.
async fn place(service: &Service, volume: Volume) -> Result<Volume, WorkError> {
    if volume.host.is_some() {
        return Ok(volume);
    }
    let specs = properties::get(service.db.pool(), &volume.volume_type_id, Space::Specs).await?;
    let backend = match location_of(service, &volume).await? {
        Some((host, replica_host)) => [Some(host), replica_host]
            .into_iter()
            .flatten()
            .filter_map(|host| service.backends.at(&host))
            .find(|backend| scheduler::fits(service, backend, &specs).is_ok())
            .ok_or_else(|| {
                ScheduleError::NoBackend(vec!["the type excludes the backend of the source".to_owned()])
            })?,
        None => scheduler::place(service, &specs, u64::try_from(volume.size).unwrap_or(1)).await?,
    };
    let replica = scheduler::is_replicated(&specs).then(|| service.backends.replica_of(backend)).flatten();
    let (host, replica_host) = (backend.host.clone(), replica.map(|b| b.host.clone()));
    volumes::change(
        service.db.pool(),
        &volume.id,
        &["creating"],
        [
            (Column::Host, Expr::value(host.clone())),
            (Column::ReplicaHost, Expr::value(replica_host.clone())),
            (Column::ReplicationStatus, Expr::value(replica.map(|_| "enabled".to_owned()))),
        ],
    )
    .await?;
    tracing::info!(volume.id = volume.id, host, replica_host, "volume scheduled");
    Ok(Volume { host: Some(host), replica_host, ..volume })
}

async fn finish(service: &Service, volume: &Volume, inherited: Inherited) -> Result<(), WorkError> {
    let tx = service.db.begin().await?;
    properties::merge(&tx, &volume.id, Space::Image, &inherited.image_metadata).await?;
    let done = volumes::change(
        &tx,
        &volume.id,
        &["creating", "downloading"],
        [(Column::Status, Expr::value("available")), (Column::Bootable, Expr::value(inherited.bootable))],
    )
    .await?;
    tx.commit().await?;
    if done {
        tracing::info!(volume.id = volume.id, "volume is available");
    }
    Ok(())
}

async fn fail(service: &Service, volume: &Volume, error: &WorkError) {
    tracing::error!(volume.id = volume.id, error = %with_causes(error), "volume could not be created");
    let (event, text) = match error {
        WorkError::Schedule(_) => (
            "VOLUME_VOLUME_001_003",
            "schedule allocate volume:Could not find any available weighted backend.",
        ),
        WorkError::Image(_) | WorkError::Unusable { .. } => {
            ("VOLUME_VOLUME_005_001", "copy image to volume:An unknown error occurred.")
        }
        _ => (
            "VOLUME_VOLUME_008_012",
            "create volume from backend storage:Driver failed to create the volume.",
        ),
    };
    // Half-filled files take space and nobody can use them.
    if let Ok(Some(now)) = volumes::find(service.db.pool(), &volume.id).await
        && let Err(error) = discard_files(service, &now).await
    {
        tracing::warn!(volume.id = volume.id, error = %with_causes(&error), "files of a failed volume stay behind");
    }
    let recorded = async {
        // The state last: who sees it looks for the message.
        messages::record(&service.db, &volume.project_id, ("VOLUME", &volume.id), event, text).await?;
        volumes::go(service.db.pool(), &volume.id, &["creating", "downloading"], "error").await
    };
    if let Err(error) = recorded.await {
        tracing::error!(volume.id = volume.id, error = %with_causes(&error), "cannot record a failed volume");
    }
}

/// Removes what there is of a volume's files.
pub(crate) async fn discard_files(service: &Service, volume: &Volume) -> Result<(), WorkError> {
    let id = VolumeId::new(volume.id.as_str());
    for host in [&volume.host, &volume.replica_host].into_iter().flatten() {
        let backend = service.backends.at(host).ok_or_else(|| unknown_backend(host))?;
        backend.remove(&id).await?;
    }
    Ok(())
}

/// The backend of a placed volume, and that of its second copy.
pub(crate) fn backends_of<'a>(
    service: &'a Service,
    volume: &Volume,
) -> Result<(&'a Backend, Option<&'a Backend>), WorkError> {
    let at = |host: &str| service.backends.at(host).ok_or_else(|| unknown_backend(host));
    let host = volume
        .host
        .as_deref()
        .ok_or_else(|| WorkError::Gone(format!("volume {} was never scheduled", volume.id)))?;
    Ok((at(host)?, volume.replica_host.as_deref().map(at).transpose()?))
}

fn unknown_backend(host: &str) -> WorkError {
    WorkError::Gone(format!("{host} is not in enabled_backends any more: add it to cinder.conf again"))
}

/// GiB in bytes.
pub(crate) fn bytes(gib: i64) -> u64 {
    u64::try_from(gib).unwrap_or(0).saturating_mul(GIB)
}
