// SPDX-License-Identifier: Apache-2.0
//! Making the volume larger while an image of unknown length comes in.
//!
//! The volume is detached, extended and attached again, which is right with every backend. It doubles each time,
//! so an image of n GiB costs log2(n) of these turns.

use scurry_connect::Access;
use scurry_store::StoreErrorKind;
use scurry_types::size::volume_gib;

use super::{Open, WriterCore, check_len};
use crate::failure::Failure;

impl WriterCore {
    /// Grows until `end` fits.
    pub(super) async fn grow(&self, end: u64) -> Result<(), Failure> {
        let mut open = self.open.write().await;
        if end <= self.attached(&open)?.device()?.len() {
            // Another write has done it.
            return Ok(());
        }
        let needed = volume_gib(end);
        let doubled = needed.max(open.gib.saturating_mul(2));
        self.resize_to_any(&mut open, doubled, needed).await
    }

    /// Grows to exactly `gib`.
    pub(super) async fn resize(&self, open: &mut Open, gib: u64) -> Result<(), Failure> {
        self.resize_to_any(open, gib, gib).await
    }

    /// Grows to `wished`, or to `needed` when a quota is in the way of more.
    async fn resize_to_any(&self, open: &mut Open, wished: u64, needed: u64) -> Result<(), Failure> {
        let (cinder, volume) = (&self.store.cinder, self.volume.as_str());
        let attached = open.attached.take().ok_or_else(|| self.lost())?;
        let flushed = attached.device()?.flush().await;
        flushed.map_err(|error| Failure::volume(format_args!("cannot flush volume {volume}"), error))?;
        attached.release_at_last().await?;
        cinder.wait_available(volume, "detach").await?;
        let gib = match self.extend(wished).await {
            Err(failure) if failure.kind == StoreErrorKind::Full && needed < wished => {
                self.extend(needed).await?;
                needed
            }
            extended => extended.map(|()| wished)?,
        };
        let grown = cinder.wait_available(volume, "extend").await?;
        if grown.size < gib {
            let message =
                format!("volume {volume} has {} GiB after it was extended to {gib} GiB", grown.size);
            return Err(Failure::new(StoreErrorKind::Other, message));
        }
        open.gib = gib;
        let attached = self.store.attachments.attach(volume, Access::ReadWrite).await?;
        check_len(&attached, volume, gib).await?;
        open.attached = Some(attached);
        tracing::info!(
            store.id = %self.store.config.id, image.id = %self.spec.image, volume.id = volume, gib, "volume has grown"
        );
        Ok(())
    }

    async fn extend(&self, gib: u64) -> Result<(), Failure> {
        self.store.cinder.client.extend(&self.volume, gib).await.map_err(|error| {
            Failure::call(format_args!("cannot extend volume {} to {gib} GiB", self.volume), error)
        })
    }
}
