// SPDX-License-Identifier: Apache-2.0
//! Reading an image from its volume.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use scurry_connect::BlockVolume;
use scurry_openstack_client::block::Volume;
use scurry_store::{Operation, StoreError, StoreErrorKind, StoreReader};
use scurry_types::size::GIB;
use scurry_types::{Extents, StoreId};

use crate::cinder::{IMAGE_SIZE, WRITING, failed};
use crate::failure::Failure;
use crate::reads::Share;
use crate::store::Shared;

/// One reader of a volume.
#[derive(Debug)]
pub(crate) struct CinderReader {
    store: StoreId,
    volume: String,
    len: u64,
    /// Taken by close.
    share: Mutex<Option<Share>>,
}

impl CinderReader {
    pub(crate) async fn open(store: &Arc<Shared>, volume: &str) -> Result<Self, Failure> {
        let measure = async {
            let shown = store.image_volume(volume).await?;
            image_len(&shown)
        };
        let share = Box::pin(store.reads.open(volume, measure)).await?;
        let len = share.len;
        if share.device.len() < len {
            let message = format!("volume {volume} has {} bytes, its image {len}", share.device.len());
            share.close().await?;
            return Err(Failure::new(StoreErrorKind::Corrupt, message));
        }
        let store = store.config.id.clone();
        Ok(Self { store, volume: volume.to_owned(), len, share: Mutex::new(Some(share)) })
    }

    fn device(&self) -> Result<Arc<dyn BlockVolume>, StoreError> {
        let share = self.share.lock().unwrap_or_else(PoisonError::into_inner);
        share.as_ref().map(|share| Arc::clone(&share.device)).ok_or_else(|| {
            let message = format!("the reader of volume {} has been closed", self.volume);
            Failure::new(StoreErrorKind::Other, message).at(&self.store, Operation::Read)
        })
    }

    /// The attachment may be broken.
    async fn doubt(&self) {
        let doubt = {
            let share = self.share.lock().unwrap_or_else(PoisonError::into_inner);
            share.as_ref().map(Share::doubt)
        };
        if let Some(doubt) = doubt {
            doubt.await;
        }
    }

    fn beyond(&self, offset: u64, end: Option<u64>) -> StoreError {
        let end = end.map_or("nowhere".to_owned(), |end| end.to_string());
        let message =
            format!("volume {}: {offset}..{end} was asked for, the image ends at {}", self.volume, self.len);
        Failure::new(StoreErrorKind::Corrupt, message).at(&self.store, Operation::Read)
    }
}

/// The image's length: what its metadata says, and for volumes of others without it, the whole volume.
fn image_len(volume: &Volume) -> Result<u64, Failure> {
    let id = &volume.id;
    if volume.metadata.contains_key(WRITING) {
        let message = format!("volume {id} is not complete: its upload or copy has not ended");
        return Err(Failure::new(StoreErrorKind::NotFound, message));
    }
    if failed(&volume.status) {
        let message = format!("volume {id} is in status {}; see the log of cinder-volume", volume.status);
        // Its data may be whole: the operator resets the status, as after a failed detach.
        return Err(Failure::new(StoreErrorKind::Unavailable, message));
    }
    let whole = volume.size.saturating_mul(GIB);
    match volume.metadata.get(IMAGE_SIZE) {
        None => Ok(whole),
        Some(text) => match text.parse() {
            Ok(len) if len <= whole => Ok(len),
            _ => {
                let message =
                    format!("volume {id} of {} GiB has {IMAGE_SIZE} {text:?} in its metadata", volume.size);
                Err(Failure::new(StoreErrorKind::Corrupt, message))
            }
        },
    }
}

#[async_trait]
impl StoreReader for CinderReader {
    fn len(&self) -> u64 {
        self.len
    }

    async fn read_at(&self, offset: u64, len: usize) -> Result<Bytes, StoreError> {
        let end = u64::try_from(len).ok().and_then(|len| offset.checked_add(len));
        if end.is_none_or(|end| end > self.len) {
            return Err(self.beyond(offset, end));
        }
        let device = self.device()?;
        let wanted = end.map_or(0, |end| end - offset);
        let data = match device.read_at(offset, wanted).await {
            Ok(data) => data,
            Err(error) => {
                self.doubt().await;
                let doing = format!("cannot read {len} bytes at {offset} of volume {}", self.volume);
                return Err(Failure::volume(doing, error).at(&self.store, Operation::Read));
            }
        };
        if data.len() != len {
            return Err(self.beyond(offset, end));
        }
        Ok(data)
    }

    fn read_now(&self, offset: u64, len: usize) -> Option<Bytes> {
        let len = self.len.checked_sub(offset)?.min(len as u64);
        self.device().ok()?.read_now(offset, len)
    }

    async fn extents(&self, range: Range<u64>) -> Result<Extents, StoreError> {
        if range.start > range.end || range.end > self.len {
            return Err(self.beyond(range.start, Some(range.end)));
        }
        let device = self.device()?;
        device.extents(range).await.map_err(|error| {
            let doing = format!("cannot see what of volume {} holds data", self.volume);
            Failure::volume(doing, error).at(&self.store, Operation::Read)
        })
    }

    async fn close(&self) -> Result<(), StoreError> {
        let share = self.share.lock().unwrap_or_else(PoisonError::into_inner).take();
        match share {
            Some(share) => share.close().await.map_err(|failure| failure.at(&self.store, Operation::Read)),
            None => Ok(()),
        }
    }
}
