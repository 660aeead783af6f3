// SPDX-License-Identifier: Apache-2.0
//! How far a transfer is, readable from anywhere while it runs.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts image bytes that went through; cheap enough to update with every piece.
#[derive(Debug, Default)]
pub struct Progress {
    total: AtomicU64,
    done: AtomicU64,
}

/// What [`Progress`] said at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snapshot {
    /// Bytes the image has, 0 while that is unknown.
    pub total: u64,
    /// Bytes that were taken from the source and handed to every target, zeroes included.
    pub done: u64,
}

impl Progress {
    /// Nothing done of nothing known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Both figures.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { total: self.total.load(Ordering::Relaxed), done: self.done.load(Ordering::Relaxed) }
    }

    /// Begins anew with a known (or, as 0, unknown) total.
    pub(crate) fn start(&self, total: u64) {
        self.done.store(0, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
    }

    pub(crate) fn advance(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
    }
}
