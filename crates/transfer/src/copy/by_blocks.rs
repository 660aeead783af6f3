// SPDX-License-Identifier: Apache-2.0
//! Copying by blocks, in whatever order they come: read, compared with their hashes, and only then written.

use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;

use futures::stream::FuturesUnordered;
use futures::{StreamExt, TryStreamExt};
use scurry_store::StoreReader;
use scurry_types::{BLOCK_SIZE, BlockHashes, Ranges};

use super::block::{Op, Piece, first_not_zero, is_block, ops};
use super::kept::Due;
use super::lanes::Lanes;
use super::walk::{Step, steps};
use super::{Copied, CopySpec, Read};
use crate::{CopyError, Failed, MemoryBudget, Target};

/// Blocks under way at a time: also how far a target gets ahead of the slowest one.
const WORKERS: usize = 4;

/// Copies an object whose block hashes are known.
pub(super) async fn copy(
    source: Arc<dyn StoreReader>,
    targets: Vec<Target>,
    spec: CopySpec,
    expected: BlockHashes,
    budget: &MemoryBudget,
) -> Result<Copied, Failed<CopyError>> {
    let lanes = Lanes::new(targets, spec.on_target_failure, &spec.written, spec.checkpoints.is_some());
    let mut run = Run { source, spec, expected, budget, lanes, done: Ranges::new() };
    match run.pour().await {
        Ok((bytes_data, bytes_zero)) => match run.lanes.finish().await {
            Ok(targets) => {
                let read = Read { blocks: run.expected, bytes_data, bytes_zero };
                Ok(read.copied(targets))
            }
            Err(ruins) => Err(ruins.of_copy(CopyError::AllTargetsFailed(Vec::new()))),
        },
        Err(CopyError::Cancelled) if run.spec.checkpoints.is_some() => Err(run.suspend().await),
        Err(error @ CopyError::Suspended) => {
            run.lanes.leave();
            Err(Failed { error, left_behind: Vec::new() })
        }
        Err(error) => Err(run.lanes.abort().await.of_copy(error)),
    }
}

/// One copy at work.
struct Run<'a> {
    source: Arc<dyn StoreReader>,
    spec: CopySpec,
    expected: BlockHashes,
    budget: &'a MemoryBudget,
    lanes: Lanes,
    /// Blocks every living target has got in this run.
    done: Ranges,
}

/// A step that was taken.
struct Taken {
    blocks: Range<u64>,
    data: u64,
    zero: u64,
}

impl Run<'_> {
    /// Takes all steps; the answer is how many bytes were read and how many were known to be zero.
    async fn pour(&mut self) -> Result<(u64, u64), CopyError> {
        let Self { source, spec, expected, budget, lanes, done } = self;
        let actual = source.len();
        if expected.image_len != actual {
            return Err(CopyError::WrongLength { expected: expected.image_len, actual });
        }
        let lanes = &*lanes;
        let worker = Worker { source, expected, budget, lanes };
        let mut taken = pin!(
            steps(source)
                .map_err(CopyError::Source)
                .map_ok(|step| worker.take(step))
                .try_buffer_unordered(WORKERS)
        );
        let mut due = Due::new(spec.checkpoints.clone());
        let mut keeping = FuturesUnordered::new();
        let (mut bytes_data, mut bytes_zero) = (0, 0);
        loop {
            let taken = tokio::select! {
                biased;
                () = spec.cancel.cancelled() => return Err(CopyError::Cancelled),
                () = lanes.stopped() => return Err(CopyError::AllTargetsFailed(Vec::new())),
                Some(ours) = keeping.next(), if !keeping.is_empty() => {
                    if ours { continue } else { return Err(CopyError::Suspended) }
                }
                taken = taken.try_next() => match taken? {
                    Some(taken) => taken,
                    None => break,
                },
            };
            bytes_data += taken.data;
            bytes_zero += taken.zero;
            spec.progress.advance(bytes_of(&taken.blocks, actual));
            done.insert(taken.blocks);
            if let Some(keep) = due.after(taken.data, !keeping.is_empty()) {
                // What is done now is written; synced after this moment, it is durable.
                let done = done.clone();
                keeping.push(async move {
                    lanes.sync().await;
                    keep.keep(lanes.written(&done)).await
                });
            }
        }
        // Nothing may say how far a copy is that has ended.
        while let Some(ours) = keeping.next().await {
            if !ours {
                return Err(CopyError::Suspended);
            }
        }
        Ok((bytes_data, bytes_zero))
    }

    /// Makes durable what is there, keeps how much that is, and leaves it.
    async fn suspend(self) -> Failed<CopyError> {
        self.lanes.sync().await;
        if let Some(keep) = Due::new(self.spec.checkpoints).last() {
            // Somebody else's by now, it is not touched either.
            let _ours = keep.keep(self.lanes.written(&self.done)).await;
        }
        self.lanes.leave();
        Failed { error: CopyError::Suspended, left_behind: Vec::new() }
    }
}

fn bytes_of(blocks: &Range<u64>, len: u64) -> u64 {
    (blocks.end * BLOCK_SIZE).min(len) - (blocks.start * BLOCK_SIZE).min(len)
}

/// What all workers share.
struct Worker<'a> {
    source: &'a Arc<dyn StoreReader>,
    expected: &'a BlockHashes,
    budget: &'a MemoryBudget,
    lanes: &'a Lanes,
}

impl Worker<'_> {
    async fn take(&self, step: Step) -> Result<Taken, CopyError> {
        let blocks = step.blocks();
        if self.lanes.had(&blocks) {
            return Ok(Taken { blocks, data: 0, zero: 0 });
        }
        match step {
            Step::Zeroes { blocks } => self.zeroes(blocks).await,
            Step::Block { index, len, data } => self.block(index, len, data).await,
        }
    }

    async fn zeroes(&self, blocks: Range<u64>) -> Result<Taken, CopyError> {
        if let Some(block) = first_not_zero(self.expected, blocks.clone()) {
            return Err(corrupt(block));
        }
        let (offset, len) = (blocks.start * BLOCK_SIZE, (blocks.end - blocks.start) * BLOCK_SIZE);
        if self.lanes.want_zeroes() {
            self.lanes.write(blocks.clone(), &[Op::Zeroes { offset, len }]).await;
        }
        Ok(Taken { blocks, data: 0, zero: len })
    }

    async fn block(&self, index: u64, len: u64, data: Vec<Range<u64>>) -> Result<Taken, CopyError> {
        let bytes: u64 = data.iter().map(|range| range.end - range.start).sum();
        let _share = self.budget.reserve(usize::try_from(bytes).unwrap_or(usize::MAX)).await;
        let mut pieces = Vec::with_capacity(data.len());
        for range in data {
            let wanted = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
            let read = self.source.read_at(range.start, wanted).await.map_err(CopyError::Source)?;
            pieces.push((range.start, read));
        }
        let ops = self.check(index, len, pieces).await?;
        self.lanes.write(index..index + 1, &ops).await;
        Ok(Taken { blocks: index..index + 1, data: bytes, zero: len - bytes })
    }

    /// Compares the block, and finds its zeroes, away from the runtime's own threads.
    async fn check(&self, index: u64, len: u64, pieces: Vec<Piece>) -> Result<Vec<Op>, CopyError> {
        // One hash, not the whole tree, goes to the other thread.
        let at = usize::try_from(index).unwrap_or(usize::MAX);
        let Some(expected) = self.expected.hashes.get(at).copied() else { return Err(corrupt(index)) };
        let checked = tokio::task::spawn_blocking(move || {
            is_block(&expected, index, len, &pieces).then(|| ops(index, len, &pieces))
        });
        match checked.await {
            Ok(Some(ops)) => Ok(ops),
            Ok(None) => Err(corrupt(index)),
            // Only a runtime that shuts down cancels it: nothing is to be taken back then.
            Err(error) if error.is_cancelled() => std::future::pending().await,
            Err(error) => Err(CopyError::Hashing(std::io::Error::other(error))),
        }
    }
}

fn corrupt(block: u64) -> CopyError {
    CopyError::Corrupt { block, offset: block * BLOCK_SIZE }
}
