// SPDX-License-Identifier: Apache-2.0
//! The ways an image may get into a store, and which of them a store has to offer.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A way to get an image into a store, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// The backend makes the object out of one it has; no bytes move.
    BackendClone,
    /// The backend makes it out of a snapshot of one it has; no bytes move.
    SnapshotClone,
    /// The backend moves the bytes, unseen by this service.
    ServerSideCopy,
    /// Files share blocks until one of them is written to; no bytes move.
    Reflink,
    /// Data extents are read once, verified, and written to the targets.
    ExtentCopy,
}

impl Strategy {
    /// The word for it in plans.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BackendClone => "backend clone",
            Self::SnapshotClone => "snapshot clone",
            Self::ServerSideCopy => "server-side copy",
            Self::Reflink => "reflink",
            Self::ExtentCopy => "extent copy",
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a store says to one of those ways, asked beforehand. A hint: [`crate::Store::clone_from`] may still refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Which.
    pub strategy: Strategy,
    /// Why not, without the source's address; `None` when it can be expected to work.
    pub refused: Option<String>,
}

impl Offer {
    /// A way that can be expected to work.
    #[must_use]
    pub const fn of(strategy: Strategy) -> Self {
        Self { strategy, refused: None }
    }

    /// A way that does not work here.
    #[must_use]
    pub fn refused(strategy: Strategy, reason: impl Into<String>) -> Self {
        Self { strategy, refused: Some(reason.into()) }
    }
}
