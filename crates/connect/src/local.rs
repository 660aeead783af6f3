// SPDX-License-Identifier: Apache-2.0
//! Volumes this node's file system leads to: volume files, plain files and block devices.

use std::ops::Range;
use std::os::unix::fs::FileTypeExt;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use bytes::Bytes;
use scurry_store::Buffer;
use scurry_types::Extents;
use scurry_volume_file::{Access, LayerFormat, VolumeDescriptor, VolumeFile};
use tokio::sync::Semaphore;

use crate::block_device::BlockDevice;
use crate::{BlockVolume, ConnectError};

/// Operations of one volume that occupy a thread at the same time.
const PARALLEL: usize = 8;

#[derive(Debug)]
enum Backing {
    File(VolumeFile),
    Device(BlockDevice),
}

/// A volume behind blocking calls, each of which runs on a thread for such.
#[derive(Debug)]
pub(crate) struct LocalVolume {
    len: u64,
    fresh_is_zero: bool,
    /// Empty once closed.
    backing: Arc<RwLock<Option<Backing>>>,
    threads: Arc<Semaphore>,
}

impl LocalVolume {
    /// Opens a `device_path`. Links to it are followed, as `/dev/disk/by-id` is full of them; what they lead to
    /// must be a file or a block device.
    pub(crate) async fn open_path(path: PathBuf, access: Access) -> Result<Self, ConnectError> {
        if !path.is_absolute() {
            return Err(ConnectError::Malformed("device_path"));
        }
        Self::open(move || {
            let io = |source| ConnectError::Io { op: "find", path: path.clone(), source };
            let real = path.canonicalize().map_err(io)?;
            let stat = real.symlink_metadata().map_err(io)?;
            if stat.file_type().is_block_device() {
                return BlockDevice::open(real, access).map(Backing::Device);
            }
            if !stat.is_file() {
                return Err(ConnectError::OddFile(path));
            }
            let descriptor =
                VolumeDescriptor { path: real, format: LayerFormat::Flat, len: stat.len(), replica: None };
            Ok(Backing::File(VolumeFile::open(&descriptor, access)?))
        })
        .await
    }

    pub(crate) async fn open_descriptor(
        descriptor: VolumeDescriptor,
        access: Access,
    ) -> Result<Self, ConnectError> {
        Self::open(move || Ok(Backing::File(VolumeFile::open(&descriptor, access)?))).await
    }

    async fn open(
        backing: impl FnOnce() -> Result<Backing, ConnectError> + Send + 'static,
    ) -> Result<Self, ConnectError> {
        let backing = tokio::task::spawn_blocking(backing).await.map_err(ConnectError::Interrupted)??;
        let (len, fresh_is_zero) = match &backing {
            Backing::File(file) => (file.len(), true),
            Backing::Device(device) => (device.len(), false),
        };
        let backing = Arc::new(RwLock::new(Some(backing)));
        Ok(Self { len, fresh_is_zero, backing, threads: Arc::new(Semaphore::new(PARALLEL)) })
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Backing) -> Result<T, ConnectError> + Send + 'static,
    ) -> Result<T, ConnectError> {
        // The permit goes with the work: a caller that stops waiting does not free the thread.
        let Ok(permit) = Arc::clone(&self.threads).acquire_owned().await else {
            return Err(ConnectError::Closed);
        };
        let backing = Arc::clone(&self.backing);
        let run = move || {
            let _permit = permit;
            let backing = backing.read().unwrap_or_else(PoisonError::into_inner);
            work(backing.as_ref().ok_or(ConnectError::Closed)?)
        };
        tokio::task::spawn_blocking(run).await.map_err(ConnectError::Interrupted)?
    }

    fn check(&self, offset: u64, len: u64) -> Result<(), ConnectError> {
        match offset.checked_add(len) {
            Some(end) if end <= self.len => Ok(()),
            _ => Err(ConnectError::OutOfBounds { offset, len, volume_len: self.len }),
        }
    }
}

#[async_trait]
impl BlockVolume for LocalVolume {
    fn len(&self) -> u64 {
        self.len
    }

    fn fresh_is_zero(&self) -> bool {
        self.fresh_is_zero
    }

    async fn read_at(&self, offset: u64, len: u64) -> Result<Bytes, ConnectError> {
        self.check(offset, len)?;
        let size = usize::try_from(len).map_err(|_| ConnectError::OutOfBounds {
            offset,
            len,
            volume_len: self.len,
        })?;
        self.run(move |backing| {
            Buffer::filled(size, |buf| match backing {
                Backing::File(file) => Ok(file.read_at(buf, offset)?),
                Backing::Device(device) => device.read_at(buf, offset),
            })
        })
        .await
    }

    fn read_now(&self, offset: u64, len: u64) -> Option<Bytes> {
        let len = len.min(self.len.checked_sub(offset)?);
        // Only a close writes the lock; then there is nothing to read any more.
        match self.backing.try_read().ok()?.as_ref()? {
            Backing::File(file) => {
                let (file, at, run) = file.stretch(offset, len)?;
                Buffer::cached(file, at, usize::try_from(run).ok()?)
            }
            Backing::Device(device) => device.cached(offset, usize::try_from(len).ok()?),
        }
    }

    async fn write_at(&self, offset: u64, bytes: Bytes) -> Result<(), ConnectError> {
        self.check(offset, bytes.len() as u64)?;
        self.run(move |backing| match backing {
            Backing::File(file) => Ok(file.write_at(&bytes, offset)?),
            Backing::Device(device) => device.write_at(&bytes, offset),
        })
        .await
    }

    async fn write_zeroes(&self, offset: u64, len: u64) -> Result<(), ConnectError> {
        self.check(offset, len)?;
        self.run(move |backing| match backing {
            Backing::File(file) => Ok(file.write_zeroes(offset, len)?),
            Backing::Device(device) => device.write_zeroes(offset, len),
        })
        .await
    }

    async fn extents(&self, range: Range<u64>) -> Result<Extents, ConnectError> {
        let len = range.end.saturating_sub(range.start);
        self.check(range.start, len)?;
        self.run(move |backing| match backing {
            Backing::File(file) => Ok(file.extents(range)?),
            Backing::Device(_) => Ok(Extents::all_data(len)),
        })
        .await
    }

    async fn flush(&self) -> Result<(), ConnectError> {
        self.run(|backing| match backing {
            Backing::File(file) => Ok(file.flush()?),
            Backing::Device(device) => device.flush(),
        })
        .await
    }

    async fn close(&self) -> Result<(), ConnectError> {
        let backing = Arc::clone(&self.backing);
        let close = move || {
            let taken = backing.write().unwrap_or_else(PoisonError::into_inner).take();
            match taken {
                Some(Backing::File(file)) => Ok(file.close()?),
                Some(Backing::Device(device)) => device.flush(),
                None => Ok(()),
            }
        };
        tokio::task::spawn_blocking(close).await.map_err(ConnectError::Interrupted)?
    }
}
