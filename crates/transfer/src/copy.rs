// SPDX-License-Identifier: Apache-2.0
//! A finished object on its way into one or several other stores.

mod block;
mod by_blocks;
mod checks;
mod in_order;
mod kept;
mod lanes;
mod parts;
pub(crate) mod walk;

use std::collections::BTreeMap;
use std::sync::Arc;

use scurry_store::StoreReader;
use scurry_types::{BlockHashes, Digests, Ranges, StoreId};
use tokio_util::sync::CancellationToken;

use crate::{CopyError, Failed, MemoryBudget, OnFailure, Progress, Target, TargetOutcome};

pub use kept::{CopyCheckpoints, KeepCopied};

/// What is known of the image and wanted of its copies.
#[derive(Debug, Clone)]
pub struct CopySpec {
    /// Block hashes recorded when the image was taken in: each block is compared before it is written.
    pub expected: Option<BlockHashes>,
    /// The image's digests, compared when there are no block hashes.
    pub digests: Option<Digests>,
    /// Blocks that targets have from an earlier attempt, for those whose writer goes on there.
    pub written: BTreeMap<StoreId, Ranges>,
    /// Where it is kept how far the copy is, so that a cancelled one is left to be gone on with instead of being taken
    /// back. Only with block hashes.
    pub checkpoints: Option<CopyCheckpoints>,
    /// What a failing target means for the others.
    pub on_target_failure: OnFailure,
    /// Where the progress is shown.
    pub progress: Arc<Progress>,
    /// Ends the transfer early.
    pub cancel: CancellationToken,
}

/// An object that was read once, found to be whole, and written to the targets.
#[derive(Debug)]
pub struct Copied {
    /// One outcome a target, in their order; at least one is [`TargetOutcome::Written`].
    pub targets: Vec<TargetOutcome>,
    /// Block hashes of what was copied.
    pub blocks: BlockHashes,
    /// Bytes that were read from the source.
    pub bytes_data: u64,
    /// Bytes the source knew to be zero, so that nothing was read.
    pub bytes_zero: u64,
}

/// A source read to its end and found whole.
struct Read {
    blocks: BlockHashes,
    bytes_data: u64,
    bytes_zero: u64,
}

impl Read {
    fn copied(self, targets: Vec<TargetOutcome>) -> Copied {
        let Self { blocks, bytes_data, bytes_zero } = self;
        Copied { targets, blocks, bytes_data, bytes_zero }
    }
}

/// Copies an object to all targets, reading it once and its data only.
///
/// Targets are written but not committed. When this fails every target was aborted, unless the error is
/// [`CopyError::Suspended`]. Dropped half way, the targets are left with checkpoints, else aborted in the background. The reader is left open.
pub async fn copy(
    source: Arc<dyn StoreReader>,
    targets: Vec<Target>,
    mut spec: CopySpec,
    budget: &MemoryBudget,
) -> Result<Copied, Failed<CopyError>> {
    spec.progress.start(source.len());
    match spec.expected.take() {
        Some(expected) => by_blocks::copy(source, targets, spec, expected, budget).await,
        None => in_order::copy(source, targets, spec, budget).await,
    }
}
