// SPDX-License-Identifier: Apache-2.0
//! A body on its way into one or several stores.

use std::error::Error;
use std::sync::Arc;

use futures::Stream;
use scurry_types::{BlockHashes, Digests, HashAlgorithm};
use tokio_util::sync::CancellationToken;

use self::pour::{End, Pour};
use crate::fan::{Fan, Ruins};
use crate::lane::Start;
use crate::watchers::{Seen, Watchers};
use crate::{
    Checkpoint, Checkpoints, Chunk, Failed, IngestError, Inspection, MemoryBudget, OnFailure, Progress,
    Target, TargetOutcome,
};

mod pour;
mod resume;

/// What is to be done with a body.
#[derive(Debug, Clone)]
pub struct IngestSpec {
    /// The secure hash to compute besides MD5; what is resumed keeps the one it has.
    pub algorithm: HashAlgorithm,
    /// Bytes the client announced; the image must have exactly as many.
    pub declared_len: Option<u64>,
    /// Bytes an image may have.
    pub max_len: u64,
    /// Whether the disk format inspectors look at the bytes; what is resumed is inspected if it was before.
    pub inspect: bool,
    /// What a failing target means for the others.
    pub on_target_failure: OnFailure,
    /// Where the progress is shown.
    pub progress: Arc<Progress>,
    /// Ends the transfer early.
    pub cancel: CancellationToken,
    /// Where an earlier transfer into these targets stopped; the body begins there. Checkpoints must be kept
    /// again, or this one be forgotten beforehand.
    pub resume: Option<Checkpoint>,
    /// Whether and where checkpoints are kept.
    pub checkpoints: Option<Checkpoints>,
    /// With checkpoints: a body that breaks off, ends before `declared_len`, or is cancelled ends in
    /// [`IngestError::Suspended`], its targets left as they are.
    pub suspendable: bool,
}

/// A body that was read to its end and written.
#[derive(Debug)]
pub struct Ingested {
    /// Length of the image in bytes.
    pub len: u64,
    /// MD5 and the secure hash.
    pub digests: Digests,
    /// What later copies are verified with.
    pub blocks: BlockHashes,
    /// What the disk format inspectors found, if they were asked.
    pub inspection: Option<Inspection>,
    /// One outcome a target, in their order; one at least is [`TargetOutcome::Written`].
    pub targets: Vec<TargetOutcome>,
}

/// Writes a body to all targets while hashing and inspecting it.
///
/// Targets are written but not committed: the caller looks at the inspection first. When this fails every
/// target was aborted, unless the error says otherwise. Dropped half way, the targets are aborted in the
/// background, or left as they are where checkpoints are kept. Without targets the body is only looked at.
pub async fn ingest<S, C, E>(
    body: S,
    targets: Vec<Target>,
    spec: IngestSpec,
    budget: &MemoryBudget,
) -> Result<Ingested, Failed<IngestError>>
where
    S: Stream<Item = Result<C, E>> + Send,
    C: Into<Chunk>,
    E: Into<Box<dyn Error + Send + Sync>> + Send,
{
    spec.progress.start(spec.declared_len.unwrap_or(0));
    let begun = resume::read_back(&targets, spec.resume.as_ref()).await;
    let fan = Fan::begin(targets, spec.on_target_failure, start(&spec));
    let watchers = match begun.and_then(|begun| watchers(&spec, &begun)) {
        Ok(watchers) => watchers,
        Err(error) => return Err(give_up(fan, error).await),
    };
    let mut pour = Pour::new(&fan, &watchers, &spec, budget);
    let len = match pour.run(body).await {
        Ok(End::Whole(len)) => len,
        Ok(End::Left(error)) => {
            fan.leave().await;
            return Err(Failed { error, left_behind: Vec::new() });
        }
        Err(error) => return Err(give_up(fan, error).await),
    };
    let seen = match watchers.finish().await {
        Ok(seen) => seen,
        Err(error) => return Err(give_up(fan, IngestError::Hashing(error)).await),
    };
    let Seen { digests, blocks, inspection } = seen;
    match fan.finish().await {
        Ok(targets) => Ok(Ingested { len, digests, blocks, inspection, targets }),
        Err(Ruins { errors, left_behind }) => {
            Err(Failed { error: IngestError::AllTargetsFailed(errors), left_behind })
        }
    }
}

fn start(spec: &IngestSpec) -> Start {
    Start {
        fresh_from: spec.resume.as_ref().map_or(0, |checkpoint| checkpoint.dirty_to),
        stays: spec.checkpoints.is_some(),
    }
}

fn watchers(spec: &IngestSpec, begun: &[u8]) -> Result<Watchers, IngestError> {
    match &spec.resume {
        Some(checkpoint) => Watchers::resume(checkpoint, begun),
        None => Watchers::start(spec),
    }
    .map_err(IngestError::Hashing)
}

async fn give_up(fan: Fan, error: IngestError) -> Failed<IngestError> {
    let Ruins { errors, left_behind } = fan.abort().await;
    let error = match error {
        IngestError::AllTargetsFailed(_) => IngestError::AllTargetsFailed(errors),
        error => error,
    };
    Failed { error, left_behind }
}
