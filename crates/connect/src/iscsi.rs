// SPDX-License-Identifier: Apache-2.0
//! Volumes reached over iSCSI, by our own initiator.

mod connection;
mod failure;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use scurry_iscsi::{Disk, DiskError, Execute, Paths, PathsOptions, Sessions};
use scurry_types::{ExtentKind, Extents};
use scurry_volume_file::Access;
use serde_json::Value;
use tokio::sync::RwLock;

pub use failure::IscsiFailure;

use self::connection::Connection;
use crate::{BlockVolume, ConnectError, Connector};

/// Those of this process: volumes of one target share them.
static SESSIONS: Sessions = Sessions::new();

/// A disk with the sessions that lead to it.
#[derive(Debug)]
struct Open {
    disk: Disk,
    paths: Arc<Paths>,
}

/// A volume behind one or several iSCSI paths.
#[derive(Debug)]
pub(crate) struct IscsiVolume {
    /// Targets and portals, for messages.
    place: String,
    access: Access,
    fresh_is_zero: bool,
    /// As the disk said last: it may have grown.
    len: AtomicU64,
    /// Empty once closed; whoever uses the disk holds it for reading.
    open: RwLock<Option<Open>>,
}

impl IscsiVolume {
    /// Logs in as the connector and opens the LUN of a `connection_info`.
    pub(crate) async fn open(
        connector: &Connector,
        connection_info: &Value,
        access: Access,
    ) -> Result<Self, ConnectError> {
        let Connection { paths, login } = Connection::parse(connector, connection_info)?;
        let place = connection::place(&paths);
        let lun = paths.first().map(|path| path.lun).unwrap_or_default();
        if connector.multipath && connector.enforce_multipath && paths.len() < 2 {
            return Err(ConnectError::SinglePath(place));
        }
        let paths = SESSIONS.open(paths, PathsOptions::new(login)).await;
        let paths = Arc::new(paths.map_err(|error| IscsiFailure::session(&place, error))?);
        let disk = match Disk::open(Arc::clone(&paths) as Arc<dyn Execute>, lun).await {
            Ok(disk) if access == Access::ReadWrite && disk.is_write_protected() => {
                Err(DiskError::WriteProtected(lun))
            }
            opened => opened,
        };
        let disk = match disk {
            Ok(disk) => disk,
            Err(error) => {
                log_out(paths).await;
                return Err(IscsiFailure::disk(&place, error));
            }
        };
        Ok(Self {
            access,
            fresh_is_zero: disk.fresh_is_zero(),
            len: AtomicU64::new(disk.len()),
            open: RwLock::new(Some(Open { disk, paths })),
            place,
        })
    }

    /// Does something with the disk, if it may be done.
    async fn with<T>(
        &self,
        writes: bool,
        work: impl AsyncFnOnce(&Disk) -> Result<T, DiskError>,
    ) -> Result<T, ConnectError> {
        if writes && self.access == Access::ReadOnly {
            return Err(ConnectError::ReadOnly);
        }
        let open = self.open.read().await;
        let disk = &open.as_ref().ok_or(ConnectError::Closed)?.disk;
        let done = work(disk).await;
        self.len.store(disk.len(), Ordering::Relaxed);
        done.map_err(|error| match error {
            DiskError::OutOfBounds { offset, len, disk_len, .. } => {
                ConnectError::OutOfBounds { offset, len, volume_len: disk_len }
            }
            error => IscsiFailure::disk(&self.place, error),
        })
    }
}

async fn log_out(paths: Arc<Paths>) {
    if let Some(paths) = Arc::into_inner(paths) {
        paths.close().await;
    }
}

#[async_trait]
impl BlockVolume for IscsiVolume {
    fn len(&self) -> u64 {
        self.len.load(Ordering::Relaxed)
    }

    fn fresh_is_zero(&self) -> bool {
        self.fresh_is_zero
    }

    async fn read_at(&self, offset: u64, len: u64) -> Result<Bytes, ConnectError> {
        let Ok(size) = usize::try_from(len) else {
            return Err(ConnectError::OutOfBounds { offset, len, volume_len: self.len() });
        };
        self.with(false, async |disk| disk.read(offset, size).await).await
    }

    async fn write_at(&self, offset: u64, bytes: Bytes) -> Result<(), ConnectError> {
        self.with(true, async |disk| disk.write(offset, bytes).await).await
    }

    async fn write_zeroes(&self, offset: u64, len: u64) -> Result<(), ConnectError> {
        self.with(true, async |disk| disk.write_zeroes(offset, len).await).await
    }

    async fn extents(&self, range: Range<u64>) -> Result<Extents, ConnectError> {
        let told = self.with(false, async |disk| disk.extents(range).await).await?;
        let mut extents = Extents::new();
        for extent in told {
            extents.push(if extent.data { ExtentKind::Data } else { ExtentKind::Zero }, extent.len);
        }
        Ok(extents)
    }

    async fn flush(&self) -> Result<(), ConnectError> {
        if self.access == Access::ReadOnly {
            return Ok(());
        }
        self.with(false, async |disk| disk.flush().await).await
    }

    async fn close(&self) -> Result<(), ConnectError> {
        // Whatever is under way holds the lock.
        let Some(Open { disk, paths }) = self.open.write().await.take() else { return Ok(()) };
        let flushed = match self.access {
            Access::ReadOnly => Ok(()),
            Access::ReadWrite => disk.flush().await,
        };
        drop(disk);
        log_out(paths).await;
        flushed.map_err(|error| IscsiFailure::disk(&self.place, error))
    }
}
