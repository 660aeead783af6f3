// SPDX-License-Identifier: Apache-2.0
//! `user_storage_quota`: how many bytes a project's images may take up in the stores, every copy counted.
//!
//! It counts where Keystone's limits do not. An image is its owner's, whoever uploads it.

use scurry_types::ProjectId;

use super::reservation::Incoming;
use crate::error::ImageError;
use crate::image::Image;
use crate::service::Answer;
use crate::service::core::Core;

/// What an image may still take up, with its copies. Bytes announced to it count for others as long as it is there.
#[derive(Debug)]
pub(in crate::service) struct Room {
    owner: ProjectId,
    /// Negative when the quota was lowered.
    left: i64,
    copies: u64,
    announced: Incoming,
}

fn bytes(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn exceeded(size: &str, left: i64) -> ImageError {
    ImageError::TooLarge(format!(
        "Image exceeds the storage quota: The size of the data {size} will exceed the limit. {left} bytes remaining."
    ))
}

impl Room {
    /// Longest image of unknown length that fits, below `cap`.
    pub(in crate::service) fn longest(&self, cap: u64) -> u64 {
        cap.min(u64::try_from(self.left).unwrap_or(0) / self.copies.max(1))
    }

    /// What is said of an image that turned out longer.
    pub(in crate::service) fn too_long(&self, read: u64) -> ImageError {
        exceeded(&read.to_string(), self.left)
    }
}

impl Core {
    /// Room for `copies` of an image of `len` bytes beside what its owner has; refuses when there is none. `None`
    /// without a quota.
    pub(in crate::service) async fn room(
        &self,
        image: &Image,
        len: Option<u64>,
        copies: usize,
    ) -> Answer<Option<Room>> {
        let quota = self.settings.user_storage_quota.filter(|_| self.limits.is_none());
        let (Some(quota), Some(owner)) = (quota, &image.owner) else { return Ok(None) };
        let copies = copies as u64;
        let _turn = self.reservations.turn(Some(owner)).await;
        let stored = self.images.stored_bytes_beside(owner, &image.id).await?;
        let coming = self.reservations.incoming(owner);
        let left = bytes(quota).saturating_sub(bytes(stored)).saturating_sub(bytes(coming));
        let wanted = len.unwrap_or(0).saturating_mul(copies);
        if bytes(wanted) > left || (len.is_none() && left <= 0) {
            let size = len.map_or_else(|| "None".to_owned(), |_| wanted.to_string());
            return Err(exceeded(&size, left));
        }
        let announced = self.reservations.hold(owner, wanted);
        Ok(Some(Room { owner: owner.clone(), left, copies, announced }))
    }

    /// Looks again once the length of an image is known: others may have taken the room meanwhile.
    pub(in crate::service) async fn still_fits(
        &self,
        room: &mut Room,
        image: &Image,
        len: u64,
    ) -> Answer<()> {
        let Some(quota) = self.settings.user_storage_quota else { return Ok(()) };
        let _turn = self.reservations.turn(Some(&room.owner)).await;
        let stored = self.images.stored_bytes_beside(&room.owner, &image.id).await?;
        let others = self.reservations.incoming(&room.owner).saturating_sub(room.announced.bytes());
        let left = bytes(quota).saturating_sub(bytes(stored)).saturating_sub(bytes(others));
        let wanted = len.saturating_mul(room.copies);
        if bytes(wanted) > left {
            return Err(exceeded(&wanted.to_string(), left));
        }
        room.announced.grow_to(wanted);
        Ok(())
    }
}
