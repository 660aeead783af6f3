// SPDX-License-Identifier: Apache-2.0
//! A finished object on its way into one or several other stores.

use std::pin::pin;
use std::sync::Arc;

use futures::StreamExt;
use scurry_store::StoreReader;
use scurry_types::{BlockHashes, Digests};
use tokio_util::sync::CancellationToken;

use crate::checks::Checks;
use crate::fan::{Fan, Ruins};
use crate::piece::Part;
use crate::plan::parts;
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
    spec.progress.start(source.len());
    let fan = Fan::start(targets, spec.on_target_failure);
    let run = Run { source, spec, budget, fan };
    match run.read_all().await {
        Ok(read) => match run.fan.finish().await {
            Ok(targets) => {
                let Read { blocks, bytes_data, bytes_zero } = read;
                Ok(Copied { targets, blocks, bytes_data, bytes_zero })
            }
            Err(Ruins { errors, left_behind }) => {
                Err(Failed { error: CopyError::AllTargetsFailed(errors), left_behind })
            }
        },
        Err(error) => {
            let Ruins { errors, left_behind } = run.fan.abort().await;
            let error = match error {
                CopyError::AllTargetsFailed(_) => CopyError::AllTargetsFailed(errors),
                error => error,
            };
            Err(Failed { error, left_behind })
        }
    }
}

/// One copy at work.
struct Run<'a> {
    source: Arc<dyn StoreReader>,
    spec: CopySpec,
    budget: &'a MemoryBudget,
    fan: Fan,
}

/// A source read to its end and found whole.
struct Read {
    blocks: BlockHashes,
    bytes_data: u64,
    bytes_zero: u64,
}

impl Run<'_> {
    async fn read_all(&self) -> Result<Read, CopyError> {
        let (actual, expected) = (self.source.len(), self.spec.expected.as_ref());
        if let Some(expected) = expected.map(|expected| expected.image_len).filter(|len| *len != actual) {
            return Err(CopyError::WrongLength { expected, actual });
        }
        let checks = Checks::start(&self.spec).map_err(CopyError::Hashing)?;
        match self.pour(&checks).await {
            Ok((bytes_data, bytes_zero)) => {
                let blocks = checks.finish().await?;
                Ok(Read { blocks, bytes_data, bytes_zero })
            }
            // The check knows which block it was.
            Err(CopyError::Corrupt { block, offset }) => {
                Err(checks.finish().await.err().unwrap_or(CopyError::Corrupt { block, offset }))
            }
            Err(error) => Err(error),
        }
    }

    /// Hands all parts round; the answer is how many bytes were read and how many were known to be zero.
    async fn pour(&self, checks: &Checks) -> Result<(u64, u64), CopyError> {
        let (mut bytes_data, mut bytes_zero) = (0, 0);
        let mut parts = pin!(parts(&self.source, self.budget));
        while let Some(part) = self.guard(checks, parts.next()).await? {
            let part = part.map_err(CopyError::Source)?;
            match &part {
                Part::Data(_) => bytes_data += part.len(),
                Part::Zero { .. } => bytes_zero += part.len(),
            }
            let hand_round = async {
                self.fan.send(&part).await;
                checks.send(&part).await;
            };
            self.guard(checks, hand_round).await?;
            self.spec.progress.advance(part.len());
        }
        Ok((bytes_data, bytes_zero))
    }

    /// Whatever is waited for, the copy can be cancelled, and ends when its targets or its source failed.
    async fn guard<T>(&self, checks: &Checks, work: impl Future<Output = T>) -> Result<T, CopyError> {
        tokio::select! {
            biased;
            () = self.spec.cancel.cancelled() => Err(CopyError::Cancelled),
            () = checks.failed() => Err(CopyError::Corrupt { block: 0, offset: 0 }),
            () = self.fan.stopped() => Err(CopyError::AllTargetsFailed(Vec::new())),
            result = work => Ok(result),
        }
    }
}
