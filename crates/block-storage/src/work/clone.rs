// SPDX-License-Identifier: Apache-2.0
//! Filling a volume from another volume or a snapshot.

use scurry_types::VolumeId;
use scurry_volume_file::{Access, Cloned, Pool, VolumeFile, Writers, copy_sparse};

use super::WorkError;
use super::create::{backends_of, bytes};
use crate::backend::Backend;
use crate::db::volumes::{self, Volume};
use crate::db::{attachments, snapshots};
use crate::service::Service;

/// What is cloned, and where copies of it are.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) file: VolumeId,
    pub(crate) host: Option<String>,
    pub(crate) replica_host: Option<String>,
    pub(crate) writers: Writers,
}

impl Source {
    /// Whether `backend` has a copy of the source that is not behind.
    pub(crate) async fn is_on(&self, backend: &Backend) -> Result<bool, WorkError> {
        if self.host.as_deref() == Some(&backend.host) {
            return Ok(true);
        }
        if self.replica_host.as_deref() != Some(&backend.host) {
            return Ok(false);
        }
        let file = self.file.clone();
        let lagging = backend.run(Pool::lagging_replicas).await?;
        Ok(!lagging.contains(&file))
    }
}

/// Makes the files of the placed volume `target` a clone of `source`; answers how its first copy was made.
pub(crate) async fn copy_from(
    service: &Service,
    source: &Source,
    target: &Volume,
) -> Result<Cloned, WorkError> {
    let (backend, replica) = backends_of(service, target)?;
    if !source.is_on(backend).await? {
        return Err(WorkError::Gone(format!("{} has no copy of {} to clone", backend.host, source.file)));
    }
    let (id, len) = (VolumeId::new(target.id.as_str()), bytes(target.size));
    let cloned = clone_on(backend, source, &id, len).await?;
    if let Some(replica) = replica {
        // Two clones of a volume that is being written would not be alike.
        if source.writers == Writers::None && source.is_on(replica).await? {
            clone_on(replica, source, &id, len).await?;
        } else {
            build_replica(service, backend, replica, &id, len).await?;
        }
    }
    tracing::info!(
        volume.id = target.id, source = %source.file, how = ?cloned.how, bytes = cloned.bytes_copied,
        "volume cloned"
    );
    Ok(cloned)
}

async fn clone_on(
    backend: &Backend,
    source: &Source,
    target: &VolumeId,
    len: u64,
) -> Result<Cloned, WorkError> {
    let (from, to, writers) = (source.file.clone(), target.clone(), source.writers);
    Ok(backend.run(move |pool| pool.clone_volume(&from, &to, len, writers)).await?)
}

/// Copies the data of a volume into a new second copy.
async fn build_replica(
    service: &Service,
    from: &Backend,
    to: &Backend,
    id: &VolumeId,
    len: u64,
) -> Result<(), WorkError> {
    let _permit = service.bulk.acquire().await.map_err(|_| WorkError::Thread)?;
    let (source, id) = (from.pool().clone(), id.clone());
    Ok(to
        .run(move |pool| {
            pool.create(&id, len)?;
            let reader = VolumeFile::open(&source.descriptor(&id, None)?, Access::ReadOnly)?;
            let writer = VolumeFile::open(&pool.descriptor(&id, None)?, Access::ReadWrite)?;
            copy_sparse(&reader, &writer)?;
            writer.close()
        })
        .await?)
}

/// Whether somebody may write to a volume now.
pub(crate) async fn writers_of(service: &Service, volume: &str) -> Result<Writers, WorkError> {
    let attached = attachments::of_volume(service.db.pool(), volume).await?;
    let connected =
        |a: &attachments::Attachment| a.connection_info.is_some() || a.attach_status == "attached";
    let writing = attached.iter().any(|a| connected(a) && a.attach_mode.as_deref() != Some("ro"));
    // Whoever uses the actions of old may be connected without an attachment.
    let manual = attached.is_empty()
        && volumes::find(service.db.pool(), volume)
            .await?
            .is_some_and(|v| ["attaching", "in-use", "detaching"].contains(&v.status.as_str()));
    Ok(if writing || manual { Writers::Present } else { Writers::None })
}

/// Where the source of a volume lies, when it is made from a volume or a snapshot.
pub(crate) async fn location_of(
    service: &Service,
    volume: &Volume,
) -> Result<Option<(String, Option<String>)>, WorkError> {
    if let Some(source) = &volume.source_volid {
        let source = volumes::find(service.db.pool(), source).await?;
        return Ok(source.and_then(|v| v.host.map(|host| (host, v.replica_host))));
    }
    if let Some(snapshot) = &volume.snapshot_id {
        let snapshot = snapshots::find(service.db.pool(), snapshot).await?;
        return Ok(snapshot.map(|s| (s.host, None)));
    }
    Ok(None)
}
