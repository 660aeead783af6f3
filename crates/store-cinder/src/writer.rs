// SPDX-License-Identifier: Apache-2.0
//! Writing an image into a new volume.

mod growth;
mod resume;
mod trim;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use scurry_connect::Access;
use scurry_store::{Operation, StoreError, StoreErrorKind, StoreWriter, StoredObject, WriteSpec};
use scurry_types::size::volume_gib;
use tokio::sync::RwLock;

use crate::attachments::Attached;
use crate::creation::{Fresh, create, first_gib};
use crate::failure::Failure;
use crate::location::VolumeLocation;
use crate::store::Shared;
use crate::touched::Touched;

/// A volume being filled.
#[derive(Debug)]
pub(crate) struct CinderWriter {
    core: Arc<WriterCore>,
    url: String,
}

#[derive(Debug)]
pub(crate) struct WriterCore {
    store: Arc<Shared>,
    spec: WriteSpec,
    volume: String,
    open: RwLock<Open>,
    touched: Touched,
}

/// The volume as it is now. Readers of the lock write to it; who takes it exclusively changes it.
#[derive(Debug)]
struct Open {
    /// Absent while it grows, and for good when that failed.
    attached: Option<Attached>,
    gib: u64,
}

impl CinderWriter {
    /// Makes the volume and opens it. When that fails, the volume is removed again.
    pub(crate) async fn begin(store: Arc<Shared>, spec: WriteSpec) -> Result<Self, Failure> {
        let volume =
            create(&store, &spec, first_gib(spec.len), None).await.map_err(|refused| refused.failure)?;
        match fill(&store, &volume).await {
            Ok(attached) => {
                let url = VolumeLocation::url(&store.config.id, &volume.id);
                let open = RwLock::new(Open { attached: Some(attached), gib: volume.gib });
                let touched = Touched::default();
                let core = WriterCore { store, spec, volume: volume.id, open, touched };
                Ok(Self { core: Arc::new(core), url })
            }
            Err(failure) => {
                let left = store.attachments.discard(&volume.id).await;
                Err(failure.leaving(left))
            }
        }
    }

    /// Removes what was begun for a caller that has gone.
    pub(crate) async fn discard(self) {
        if let Err(failure) = self.core.remove().await {
            let (store, image) = (&self.core.store.config.id, &self.core.spec.image);
            tracing::warn!(store.id = %store, image.id = %image, error = failure.message, "cannot remove a volume");
        }
    }

    fn error(&self, operation: Operation) -> impl Fn(Failure) -> StoreError + '_ {
        move |failure| failure.at(&self.core.store.config.id, operation)
    }
}

/// Waits for the volume and opens it for writing.
async fn fill(store: &Shared, volume: &Fresh) -> Result<Attached, Failure> {
    store.cinder.wait_available(&volume.id, "create").await?;
    open(store, &volume.id, volume.gib).await
}

async fn open(store: &Shared, volume: &str, gib: u64) -> Result<Attached, Failure> {
    let attached = store.attachments.attach(volume, Access::ReadWrite).await?;
    check_len(&attached, volume, gib).await?;
    Ok(attached)
}

async fn check_len(attached: &Attached, volume: &str, gib: u64) -> Result<(), Failure> {
    let (len, wanted) = (attached.device()?.len(), gib.saturating_mul(scurry_types::size::GIB));
    if len < wanted {
        let message = format!("volume {volume} of {gib} GiB opened with only {len} bytes");
        return Err(Failure::new(StoreErrorKind::Corrupt, message));
    }
    Ok(())
}

#[async_trait]
impl StoreWriter for CinderWriter {
    fn url(&self) -> &str {
        &self.url
    }

    async fn write_at(&self, offset: u64, data: Bytes) -> Result<(), StoreError> {
        let len = u64::try_from(data.len()).unwrap_or(u64::MAX);
        self.core.write(offset, len, Some(data)).await.map_err(self.error(Operation::Write))
    }

    async fn write_zeroes(&self, offset: u64, len: u64) -> Result<(), StoreError> {
        self.core.write(offset, len, None).await.map_err(self.error(Operation::Write))
    }

    async fn sync(&self) -> Result<(), StoreError> {
        self.core.flush().await.map_err(self.error(Operation::Sync))
    }

    async fn read_back(&self, offset: u64, len: usize) -> Result<Bytes, StoreError> {
        self.core.read_back(offset, len).await.map_err(self.error(Operation::Read))
    }

    async fn commit(self: Box<Self>, len: u64) -> Result<StoredObject, StoreError> {
        let core = Arc::clone(&self.core);
        let work = async move { core.commit(len).await };
        // Committed and not taken, the object stays: whoever clears up finds it.
        let committed = self.core.store.flights.run(&self.core.spec.image, work, |_| async {}).await;
        committed.map_err(self.error(Operation::Commit))
    }

    async fn abort(self: Box<Self>) -> Result<(), StoreError> {
        let core = Arc::clone(&self.core);
        let work = async move { core.remove().await };
        let removed = self.core.store.flights.run(&self.core.spec.image, work, |()| async {}).await;
        removed.map_err(self.error(Operation::Abort))
    }
}

impl WriterCore {
    /// Writes `data`, or `len` zeroes without data, growing the volume when they do not fit.
    async fn write(self: &Arc<Self>, offset: u64, len: u64, data: Option<Bytes>) -> Result<(), Failure> {
        let end = offset.checked_add(len).ok_or_else(|| {
            Failure::new(StoreErrorKind::Invalid, format!("a write of {len} bytes at {offset} ends nowhere"))
        })?;
        let failed = |error| {
            let doing = format!("cannot write {len} bytes at {offset} to volume {}", self.volume);
            Failure::volume(doing, error)
        };
        loop {
            let open = self.open.read().await;
            let device = self.attached(&open)?.device()?;
            if end > device.len() {
                drop(open);
                let core = Arc::clone(self);
                // In a task: a caller that goes away must not leave the volume half grown.
                self.store
                    .flights
                    .run(&self.spec.image, async move { core.grow(end).await }, |()| async {})
                    .await?;
                continue;
            }
            return match data {
                Some(data) => {
                    self.touched.mark(offset..end);
                    device.write_at(offset, data).await.map_err(failed)
                }
                None if device.fresh_is_zero() && !self.touched.any(offset..end) => Ok(()),
                None => device.write_zeroes(offset, len).await.map_err(failed),
            };
        }
    }

    async fn flush(&self) -> Result<(), Failure> {
        let open = self.open.read().await;
        let flushed = self.attached(&open)?.device()?.flush().await;
        flushed.map_err(|error| Failure::volume(format_args!("cannot flush volume {}", self.volume), error))
    }

    async fn read_back(&self, offset: u64, len: usize) -> Result<Bytes, Failure> {
        let open = self.open.read().await;
        let wanted = u64::try_from(len).unwrap_or(u64::MAX);
        self.attached(&open)?.device()?.read_at(offset, wanted).await.map_err(|error| {
            Failure::volume(format!("cannot read {len} bytes at {offset} of volume {}", self.volume), error)
        })
    }

    fn attached<'a>(&self, open: &'a Open) -> Result<&'a Attached, Failure> {
        open.attached.as_ref().ok_or_else(|| self.lost())
    }

    fn lost(&self) -> Failure {
        Failure::new(
            StoreErrorKind::Other,
            format!("volume {} is not open any more after an earlier failure", self.volume),
        )
    }

    async fn commit(self: Arc<Self>, len: u64) -> Result<StoredObject, Failure> {
        match self.finish(len).await {
            Ok(volume) => {
                let store = &self.store.config.id;
                tracing::info!(
                    store.id = %store, image.id = %self.spec.image, volume.id = volume, bytes = len, "volume is complete"
                );
                Ok(StoredObject { url: VolumeLocation::url(store, &volume), len })
            }
            Err(failure) => {
                let left = self.remove().await.err().map(|failure| failure.message);
                Err(failure.leaving(left))
            }
        }
    }

    /// Gives the id of the volume that holds the image in the end.
    async fn finish(&self, len: u64) -> Result<String, Failure> {
        let wanted = volume_gib(len);
        let mut open = self.open.write().await;
        if self.attached(&open)?.device()?.len() < len {
            self.resize(&mut open, wanted).await?;
        }
        let attached = open.attached.take().ok_or_else(|| self.lost())?;
        let flushed = attached.device()?.flush().await;
        flushed
            .map_err(|error| Failure::volume(format_args!("cannot flush volume {}", self.volume), error))?;
        let volume = if open.gib > wanted {
            self.trim(attached, &mut open, len).await?
        } else {
            attached.release_at_last().await?;
            self.volume.clone()
        };
        if let Err(failure) = self.store.cinder.finalize(&volume, len).await {
            let left =
                if volume == self.volume { None } else { self.store.attachments.discard(&volume).await };
            return Err(failure.leaving(left));
        }
        Ok(volume)
    }

    /// Lets go of the volume and deletes it.
    async fn remove(&self) -> Result<(), Failure> {
        let attached = self.open.write().await.attached.take();
        if let Some(attached) = attached
            && let Err(failure) = attached.release().await
        {
            // The delete below finds the attachment and tries again.
            tracing::debug!(volume.id = self.volume, error = failure.message, "cannot let go of the volume");
        }
        match self.store.attachments.discard(&self.volume).await {
            None => Ok(()),
            Some(left) => Err(Failure::new(StoreErrorKind::Other, format!("left behind: {left}"))),
        }
    }
}
