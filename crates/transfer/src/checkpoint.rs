// SPDX-License-Identifier: Apache-2.0
//! How far a body was taken in: all it takes to go on from there, on whatever node.

use std::fmt;

use async_trait::async_trait;
use scurry_types::{BLOCK_SIZE, HashAlgorithm};
use serde::{Deserialize, Serialize};

mod blob;
mod marks;

pub(crate) use self::blob::Blob;
pub(crate) use self::marks::Marks;

/// Everything known of the first [`Checkpoint::offset`] bytes of a body, which every target has durably.
///
/// Small enough for a database row: it grows by 32 bytes for each 4 MiB of the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    pub(crate) offset: u64,
    /// Targets may have been written up to here by the transfer that kept this, so that what lies beyond
    /// `offset` is not fresh there.
    pub(crate) dirty_to: u64,
    pub(crate) algorithm: HashAlgorithm,
    pub(crate) md5: Blob,
    /// `None` where the secure hash is MD5 too.
    pub(crate) secure: Option<Blob>,
    /// Hashes of the full blocks, one after another.
    pub(crate) blocks: Blob,
    /// Hash of the last block as far as it was filled: what is read back must have it.
    pub(crate) partial: Option<Blob>,
    pub(crate) inspector: Option<Blob>,
}

impl Checkpoint {
    /// Bytes of the image that need not be sent again.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Where the last block that is not full begins.
    pub(crate) const fn block_start(&self) -> u64 {
        self.offset - self.offset % BLOCK_SIZE
    }
}

/// Where checkpoints are kept.
#[async_trait]
pub trait KeepCheckpoint: fmt::Debug + Send + Sync + 'static {
    /// Keeps a checkpoint durably in place of the last one, in one step. `false` when the transfer is not this
    /// caller's any more, or it cannot be kept: the transfer stops then and leaves its targets as they are.
    async fn keep(&self, checkpoint: Checkpoint) -> bool;
}

/// How often checkpoints are made, and who keeps them.
#[derive(Debug, Clone)]
pub struct Checkpoints {
    /// Bytes from one to the next at least; large images have no more than some hundred checkpoints.
    pub every: u64,
    /// Who keeps them.
    pub keep: std::sync::Arc<dyn KeepCheckpoint>,
}
