// SPDX-License-Identifier: Apache-2.0
//! A body on its way into one or several stores.

use std::error::Error;
use std::pin::pin;
use std::sync::Arc;

use futures::{Stream, StreamExt};
use scurry_types::{BlockHashes, Digests, HashAlgorithm};
use tokio::time::timeout_at;
use tokio_util::sync::CancellationToken;

use crate::fan::{Fan, Ruins};
use crate::piece::Part;
use crate::regroup::Regroup;
use crate::watchers::{Seen, Watchers};
use crate::{
    Chunk, Failed, IngestError, Inspection, MemoryBudget, OnFailure, Progress, Target, TargetOutcome,
};

/// What is to be done with a body.
#[derive(Debug, Clone)]
pub struct IngestSpec {
    /// The secure hash to compute besides MD5.
    pub algorithm: HashAlgorithm,
    /// Bytes the client announced; the body must have exactly as many.
    pub declared_len: Option<u64>,
    /// Bytes an image may have.
    pub max_len: u64,
    /// Whether the disk format inspectors look at the bytes.
    pub inspect: bool,
    /// What a failing target means for the others.
    pub on_target_failure: OnFailure,
    /// Where the progress is shown.
    pub progress: Arc<Progress>,
    /// Ends the transfer early.
    pub cancel: CancellationToken,
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
/// target was aborted. Dropped half way, the targets are aborted in the background. Without targets the body
/// is only looked at.
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
    let fan = Fan::start(targets, spec.on_target_failure);
    let watchers = match Watchers::start(&spec) {
        Ok(watchers) => watchers,
        Err(error) => return Err(give_up(fan, IngestError::Hashing(error)).await),
    };
    let len = match pour(body, &fan, &watchers, &spec, budget).await {
        Ok(len) => len,
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

async fn give_up(fan: Fan, error: IngestError) -> Failed<IngestError> {
    let Ruins { errors, left_behind } = fan.abort().await;
    let error = match error {
        IngestError::AllTargetsFailed(_) => IngestError::AllTargetsFailed(errors),
        error => error,
    };
    Failed { error, left_behind }
}

/// Reads the body to its end and hands it round; the answer is its length.
async fn pour<S, C, E>(
    body: S,
    fan: &Fan,
    watchers: &Watchers,
    spec: &IngestSpec,
    budget: &MemoryBudget,
) -> Result<u64, IngestError>
where
    S: Stream<Item = Result<C, E>> + Send,
    C: Into<Chunk>,
    E: Into<Box<dyn Error + Send + Sync>> + Send,
{
    if spec.declared_len.is_some_and(|declared| declared > spec.max_len) {
        return Err(IngestError::TooLarge { max: spec.max_len });
    }
    let mut body = pin!(body);
    let mut regroup = Regroup::new(budget);
    let mut received = 0_u64;
    loop {
        let next = match regroup.deadline() {
            Some(deadline) => guard(fan, spec, timeout_at(deadline, body.next())).await?,
            None => Ok(guard(fan, spec, body.next()).await?),
        };
        let chunk = match next {
            Ok(Some(Ok(chunk))) => chunk.into(),
            Ok(Some(Err(error))) => return Err(IngestError::Source(error.into())),
            Ok(None) => break,
            Err(_stalled) => {
                if let Some(part) = regroup.flush() {
                    guard(fan, spec, hand_round(fan, watchers, spec, part)).await?;
                }
                continue;
            }
        };
        received = received.saturating_add(chunk.len());
        match spec.declared_len {
            Some(declared) if received > declared => {
                return Err(IngestError::LongerThanDeclared { declared });
            }
            _ if received > spec.max_len => return Err(IngestError::TooLarge { max: spec.max_len }),
            _ => {}
        }
        match chunk {
            Chunk::Data(mut data) => {
                while let Some(part) = guard(fan, spec, regroup.take(&mut data)).await? {
                    guard(fan, spec, hand_round(fan, watchers, spec, part)).await?;
                }
            }
            Chunk::Zeroes(len) => {
                for part in regroup.skip(len) {
                    guard(fan, spec, hand_round(fan, watchers, spec, part)).await?;
                }
            }
        }
    }
    if let Some(declared) = spec.declared_len.filter(|declared| *declared != received) {
        return Err(IngestError::ShorterThanDeclared { declared, received });
    }
    if let Some(part) = regroup.flush() {
        guard(fan, spec, hand_round(fan, watchers, spec, part)).await?;
    }
    Ok(received)
}

async fn hand_round(fan: &Fan, watchers: &Watchers, spec: &IngestSpec, part: Part) {
    fan.send(&part).await;
    watchers.send(&part).await;
    spec.progress.advance(part.len());
}

/// Whatever is waited for, the transfer can be cancelled, and ends when its targets failed.
async fn guard<T>(fan: &Fan, spec: &IngestSpec, work: impl Future<Output = T>) -> Result<T, IngestError> {
    tokio::select! {
        biased;
        () = spec.cancel.cancelled() => Err(IngestError::Cancelled),
        () = fan.stopped() => Err(IngestError::AllTargetsFailed(Vec::new())),
        result = work => Ok(result),
    }
}
