// SPDX-License-Identifier: Apache-2.0
//! Giving back what the volume has grown too much.
//!
//! Cinder refuses to make a boot volume smaller than the image volume it is cloned from, so an image volume must
//! have exactly the size its bytes need. The embedded service shrinks in place; with real Cinder the data moves
//! to a volume of the right size.

use std::sync::Arc;

use futures::{TryStreamExt, stream};
use scurry_connect::{Access, BlockVolume};
use scurry_openstack_client::ErrorKind;
use scurry_store::StoreErrorKind;
use scurry_types::size::{MIB, volume_gib};
use scurry_types::{Extent, ExtentKind, Extents};

use super::{Open, WriterCore, fill};
use crate::attachments::Attached;
use crate::creation::create;
use crate::failure::Failure;

/// Bytes of one read and write, and how many of them go on at once.
const CHUNK: u64 = 4 * MIB;
const IN_FLIGHT: usize = 4;
/// Bytes whose extents are asked for at once.
const WINDOW: u64 = 1 << 34;

impl WriterCore {
    /// Brings the image to a volume of the right size, detached, and gives its id.
    pub(super) async fn trim(
        &self,
        attached: Attached,
        open: &mut Open,
        len: u64,
    ) -> Result<String, Failure> {
        let (wanted, cinder) = (volume_gib(len), &self.store.cinder);
        // What follows is no call that could be repeated: it begins when the service is there.
        let there = cinder.outlast(&self.volume, || cinder.client.volume(&self.volume)).await;
        there.map_err(|error| Failure::call(format_args!("cannot see volume {}", self.volume), error))?;
        if !self.store.cinder.can_shrink().await {
            return self.move_to_smaller(attached, len).await;
        }
        attached.release_at_last().await?;
        self.store.cinder.wait_available(&self.volume, "detach").await?;
        if self.shrink(wanted).await? {
            open.gib = wanted;
            return Ok(self.volume.clone());
        }
        let attached = self.store.attachments.attach(&self.volume, Access::ReadOnly).await?;
        self.move_to_smaller(attached, len).await
    }

    /// Whether the service has made the volume smaller in place.
    async fn shrink(&self, gib: u64) -> Result<bool, Failure> {
        let (cinder, id) = (&self.store.cinder, self.volume.as_str());
        match cinder.client.shrink(id, gib).await {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::BadRequest => {
                tracing::info!(volume.id = id, %error, "the volume cannot shrink in place");
                return Ok(false);
            }
            Err(error) => {
                return Err(Failure::call(format_args!("cannot shrink volume {id} to {gib} GiB"), error));
            }
        }
        let shrunk = cinder.wait_available(id, "shrink").await?;
        if shrunk.size != gib {
            let message = format!("volume {id} has {} GiB after it was shrunk to {gib} GiB", shrunk.size);
            return Err(Failure::new(StoreErrorKind::Other, message));
        }
        tracing::info!(image.id = %self.spec.image, volume.id = id, gib, "volume has been trimmed");
        Ok(true)
    }

    /// Copies the data to a new volume of the right size and deletes the large one.
    async fn move_to_smaller(&self, from: Attached, len: u64) -> Result<String, Failure> {
        let fresh = create(&self.store, &self.spec, volume_gib(len), None).await;
        let fresh = fresh.map_err(|refused| refused.failure)?;
        let id = fresh.id.clone();
        tracing::info!(
            store.id = %self.store.config.id, image.id = %self.spec.image, volume.id = self.volume, to = id,
            bytes = len, "moving the image to a volume of its size"
        );
        let moved = async {
            let to = fill(&self.store, &fresh).await?;
            let copied = copy(from.device()?, to.device()?, len).await;
            copied.map_err(|failure| {
                failure.during(format_args!("cannot copy volume {} to {id}", self.volume))
            })?;
            to.release_at_last().await?;
            from.release_at_last().await?;
            match self.store.attachments.discard(&self.volume).await {
                None => Ok(()),
                Some(left) => Err(Failure::new(StoreErrorKind::Other, format!("left behind: {left}"))),
            }
        };
        match moved.await {
            Ok(()) => Ok(fresh.id),
            Err(failure) => {
                let left = self.store.attachments.discard(&fresh.id).await;
                Err(failure.leaving(left))
            }
        }
    }
}

/// Copies the first `len` bytes, leaving out what is zero on both sides.
async fn copy(from: &Arc<dyn BlockVolume>, to: &Arc<dyn BlockVolume>, len: u64) -> Result<(), Failure> {
    let mut start = 0;
    while start < len {
        let end = len.min(start.saturating_add(WINDOW));
        let extents = from.extents(start..end).await.map_err(|error| Failure::volume("extents", error))?;
        stream::iter(chunks(extents, start).map(Ok))
            .try_for_each_concurrent(IN_FLIGHT, |chunk| copy_chunk(from, to, chunk))
            .await?;
        start = end;
    }
    to.flush().await.map_err(|error| Failure::volume("flush", error))
}

/// Data in pieces of bounded length, zeroes as they are; offsets counted from the start of the volume.
fn chunks(extents: Extents, start: u64) -> impl Iterator<Item = Extent> {
    extents.into_iter().flat_map(move |extent| {
        let step = if extent.kind == ExtentKind::Data { CHUNK } else { extent.len.max(1) };
        let pieces = (0..extent.len).step_by(usize::try_from(step).unwrap_or(usize::MAX));
        pieces.map(move |at| Extent {
            offset: start + extent.offset + at,
            len: step.min(extent.len - at),
            kind: extent.kind,
        })
    })
}

async fn copy_chunk(
    from: &Arc<dyn BlockVolume>,
    to: &Arc<dyn BlockVolume>,
    chunk: Extent,
) -> Result<(), Failure> {
    let at = chunk.offset;
    if chunk.kind == ExtentKind::Zero {
        return write_zeroes(to, at, chunk.len).await;
    }
    let data = from.read_at(at, chunk.len).await;
    let data = data.map_err(|error| Failure::volume(format_args!("read at {at}"), error))?;
    if data.iter().all(|byte| *byte == 0) {
        return write_zeroes(to, at, chunk.len).await;
    }
    to.write_at(at, data).await.map_err(|error| Failure::volume(format_args!("write at {at}"), error))
}

async fn write_zeroes(to: &Arc<dyn BlockVolume>, at: u64, len: u64) -> Result<(), Failure> {
    if to.fresh_is_zero() {
        return Ok(());
    }
    to.write_zeroes(at, len).await.map_err(|error| Failure::volume(format_args!("zeroes at {at}"), error))
}
