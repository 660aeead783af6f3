// SPDX-License-Identifier: Apache-2.0
//! Where a transfer writes to, and what became of it.

use scurry_store::{Capability, StoreError, StoreWriter, StoredObject};
use scurry_types::StoreId;

/// A store that is to receive the image, its object already begun.
#[derive(Debug)]
pub struct Target {
    /// The store.
    pub store: StoreId,
    /// The object on its way.
    pub writer: Box<dyn StoreWriter>,
    /// What the store can do.
    pub capability: Capability,
}

/// What a failing target means for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// The transfer ends and every target is taken back.
    AbortAll,
    /// The target is taken back, the others go on while there are any.
    DropTarget,
}

/// A target with all bytes written, waiting for the word to make it count.
///
/// Dropped without either, the object stays behind for [`scurry_store::Store::find`].
#[derive(Debug)]
#[must_use = "a written target is neither finished nor removed until it is told so"]
pub struct OpenTarget {
    store: StoreId,
    writer: Box<dyn StoreWriter>,
}

impl OpenTarget {
    pub(crate) fn new(store: StoreId, writer: Box<dyn StoreWriter>) -> Self {
        Self { store, writer }
    }

    /// The store.
    pub fn store(&self) -> &StoreId {
        &self.store
    }

    /// Url of the object as it was when the write began.
    pub fn url(&self) -> &str {
        self.writer.url()
    }

    /// Makes the object durable and final at `len` bytes.
    pub async fn commit(self, len: u64) -> Result<StoredObject, StoreError> {
        self.writer.commit(len).await
    }

    /// Removes the object; an error means that it was left behind.
    pub async fn abort(self) -> Result<(), StoreError> {
        self.writer.abort().await
    }
}

/// What became of one target, in the order in which the targets were given.
#[derive(Debug)]
pub enum TargetOutcome {
    /// All bytes are there.
    Written(OpenTarget),
    /// The target failed and was taken back.
    Failed {
        /// The store.
        store: StoreId,
        /// Url of the object that was begun.
        url: String,
        /// What failed first.
        error: StoreError,
        /// Removing the object failed as well: it is still there.
        left_behind: bool,
    },
}

impl TargetOutcome {
    /// The store.
    pub fn store(&self) -> &StoreId {
        match self {
            Self::Written(open) => open.store(),
            Self::Failed { store, .. } => store,
        }
    }
}
