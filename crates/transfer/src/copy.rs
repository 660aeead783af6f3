// SPDX-License-Identifier: Apache-2.0
//! A finished object on its way into one or several other stores.

use std::sync::Arc;

use scurry_store::StoreReader;
use scurry_types::{BlockHashes, Digests};
use tokio_util::sync::CancellationToken;

use crate::{CopyError, Failed, MemoryBudget, OnFailure, Progress, Target, TargetOutcome};

/// What is known of the image and wanted of its copies.
#[derive(Debug, Clone)]
pub struct CopySpec {
    /// Block hashes recorded when the image was taken in: each block is compared as it passes.
    pub expected: Option<BlockHashes>,
    /// The image's digests, compared when there are no block hashes.
    pub digests: Option<Digests>,
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

/// Copies an object to all targets, reading it once and its data only.
///
/// Targets are written but not committed. When this fails every target was aborted. Dropped half way, the
/// targets are aborted in the background. The reader is left open.
pub async fn copy(
    source: Arc<dyn StoreReader>,
    targets: Vec<Target>,
    spec: CopySpec,
    budget: &MemoryBudget,
) -> Result<Copied, Failed<CopyError>> {
    let _ = (source, targets, spec, budget);
    Err(Failed { error: CopyError::Cancelled, left_behind: Vec::new() })
}
