// SPDX-License-Identifier: Apache-2.0
//! The bound on image bytes held in memory by all transfers of the process together.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes a piece of an image has at most: what one write or read moves.
const PIECE: usize = 1 << 20;
/// Bytes a piece has at least, and what pieces are aligned to.
const GRAIN: usize = 4096;

/// How many bytes of images may be in memory at a time; clones share the bound.
///
/// A quarter is set aside for reading ahead of downloads, so that clients which do not read what they asked
/// for never hold up uploads and copies.
#[derive(Debug, Clone)]
pub struct MemoryBudget {
    work: Arc<Semaphore>,
    ahead: Arc<Semaphore>,
    work_bytes: usize,
    ahead_bytes: usize,
}

/// A share of the budget; dropped, it is free again.
#[derive(Debug)]
pub struct Reservation {
    _permit: Option<OwnedSemaphorePermit>,
}

impl MemoryBudget {
    /// A budget of `bytes`, at least 64 KiB and at most 1 TiB.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        let bytes = usize::try_from(bytes.clamp(64 << 10, 1 << 40)).unwrap_or(usize::MAX >> 4);
        let ahead_bytes = bytes / 4;
        let work_bytes = bytes - ahead_bytes;
        Self {
            work: Arc::new(Semaphore::new(work_bytes)),
            ahead: Arc::new(Semaphore::new(ahead_bytes)),
            work_bytes,
            ahead_bytes,
        }
    }

    /// Waits until `bytes` may be held. More than uploads and copies may hold in total is cut down to that,
    /// so that the wait always ends.
    pub async fn reserve(&self, bytes: usize) -> Reservation {
        let wanted = u32::try_from(bytes.min(self.work_bytes)).unwrap_or(u32::MAX);
        // The semaphore is never closed, so there always is a permit.
        let permit = Arc::clone(&self.work).acquire_many_owned(wanted).await.ok();
        Reservation { _permit: permit }
    }

    /// A share for reading ahead, if there is one at once.
    pub(crate) fn try_ahead(&self, bytes: usize) -> Option<Reservation> {
        let wanted = u32::try_from(bytes).ok()?;
        let permit = Arc::clone(&self.ahead).try_acquire_many_owned(wanted).ok()?;
        Some(Reservation { _permit: Some(permit) })
    }

    /// Bytes held at the moment.
    #[must_use]
    pub fn in_use(&self) -> u64 {
        let work = self.work_bytes - self.work.available_permits();
        let ahead = self.ahead_bytes - self.ahead.available_permits();
        (work + ahead) as u64
    }

    /// Size of the pieces images are moved in: several must fit, or nothing would overlap.
    pub(crate) fn piece_len(&self) -> usize {
        (self.work_bytes / 4 / GRAIN * GRAIN).clamp(GRAIN, PIECE)
    }
}
