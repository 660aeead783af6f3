// SPDX-License-Identifier: Apache-2.0
//! When the next checkpoint is due, and how far targets may be written before it is kept.

use tokio::task::JoinHandle;

use super::{Checkpoint, Checkpoints};

/// Checkpoints of a large image are so many at most, about: each has the hashes of all blocks so far.
const MOST: u64 = 64;

/// The checkpoints of one transfer.
///
/// A kept checkpoint says how far the targets may have been written beyond it. That promise is held: nothing is
/// written beyond it until the next checkpoint is kept.
#[derive(Debug)]
pub(crate) struct Marks {
    spec: Checkpoints,
    last: u64,
    promised: u64,
    pending: Option<Pending>,
}

#[derive(Debug)]
struct Pending {
    dirty_to: u64,
    kept: JoinHandle<bool>,
}

/// The checkpoint could not be kept, or was another's to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotKept;

impl Marks {
    pub(crate) fn new(spec: Checkpoints, resumed: Option<&Checkpoint>) -> Self {
        let last = resumed.map_or(0, |checkpoint| checkpoint.offset);
        // Without a checkpoint nobody goes on, so nothing has to be promised.
        let promised = resumed.map_or(u64::MAX, |checkpoint| checkpoint.dirty_to);
        Self { spec, last, promised, pending: None }
    }

    /// Whether a checkpoint is to be begun at `offset`, where all parts before were handed round.
    pub(crate) fn due(&self, offset: u64) -> bool {
        self.pending.is_none() && offset >= self.last.saturating_add(self.step(self.last))
    }

    /// Whether data up to `end` may be written now.
    pub(crate) fn allows(&self, end: u64) -> bool {
        end <= self.promised
    }

    /// How far targets may be written beyond a checkpoint at `offset`.
    pub(crate) fn reach(&self, offset: u64) -> u64 {
        offset.saturating_add(self.step(offset).saturating_mul(2))
    }

    fn step(&self, offset: u64) -> u64 {
        self.spec.every.max(offset / MOST).max(1)
    }

    /// A checkpoint was begun that promises nothing is written beyond `dirty_to`; `make` waits until it is whole.
    pub(crate) fn begin(
        &mut self,
        offset: u64,
        dirty_to: u64,
        make: impl Future<Output = Option<Checkpoint>> + Send + 'static,
    ) {
        if self.promised == u64::MAX {
            self.promised = dirty_to;
        }
        self.last = offset;
        let keep = std::sync::Arc::clone(&self.spec.keep);
        let kept = tokio::spawn(async move {
            match make.await {
                Some(checkpoint) => keep.keep(checkpoint).await,
                // One of the threads that look at the bytes died.
                None => false,
            }
        });
        self.pending = Some(Pending { dirty_to, kept });
    }

    /// Looks whether the checkpoint under way is kept, without waiting for it.
    pub(crate) async fn look(&mut self) -> Result<(), NotKept> {
        match &self.pending {
            Some(pending) if pending.kept.is_finished() => self.settle().await,
            _ => Ok(()),
        }
    }

    /// Waits for the checkpoint under way, if there is one. May be dropped half way and called again.
    pub(crate) async fn settle(&mut self) -> Result<(), NotKept> {
        let Some(pending) = &mut self.pending else { return Ok(()) };
        let kept = (&mut pending.kept).await;
        self.promised = pending.dirty_to;
        self.pending = None;
        if matches!(kept, Ok(true)) { Ok(()) } else { Err(NotKept) }
    }

    /// Keeps the last checkpoint of a transfer that stops here.
    pub(crate) async fn keep_last(&mut self, checkpoint: Checkpoint) -> Result<(), NotKept> {
        self.settle().await?;
        if self.spec.keep.keep(checkpoint).await { Ok(()) } else { Err(NotKept) }
    }
}
