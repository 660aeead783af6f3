// SPDX-License-Identifier: Apache-2.0
//! Everything that looks at an upload besides its targets: digests, block hashes, inspectors.

use std::io;

use scurry_types::{BlockHashes, Digests};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::blocks::{Blocks, BlocksState, WrongBlock};
use crate::checkpoint::{Blob, Checkpoint};
use crate::digests::{self, Digesting};
use crate::inspect::Inspecting;
use crate::piece::Part;
use crate::side::Side;
use crate::{IngestSpec, Inspection};

/// The threads at work on one upload.
#[derive(Debug)]
pub(crate) struct Watchers {
    digests: Digesting,
    looks: Side<Inspecting>,
}

/// What they have to say in the end.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) digests: Digests,
    pub(crate) blocks: BlockHashes,
    pub(crate) inspection: Option<Inspection>,
}

/// What they were asked for half way.
#[derive(Debug)]
pub(crate) struct States {
    digests: digests::States,
    looks: oneshot::Receiver<(BlocksState, Option<Blob>)>,
}

impl Watchers {
    pub(crate) fn start(spec: &IngestSpec) -> io::Result<Self> {
        let blocks = Blocks::new(None, CancellationToken::new());
        Ok(Self {
            digests: Digesting::start(spec.algorithm)?,
            looks: Side::start("blake3", Inspecting::new(blocks, spec.inspect))?,
        })
    }

    /// Goes on from a checkpoint; `begun` is what the last, unfinished block has.
    pub(crate) fn resume(from: &Checkpoint, begun: &[u8]) -> io::Result<Self> {
        let unreadable = || io::Error::other("a checkpoint cannot be read");
        let mut blocks = Blocks::resumed(&from.blocks).ok_or_else(unreadable)?;
        blocks.data(begun);
        let looks = Inspecting::resumed(blocks, from.inspector.as_ref()).ok_or_else(unreadable)?;
        Ok(Self { digests: Digesting::resumed(from)?, looks: Side::start("blake3", looks)? })
    }

    pub(crate) async fn send(&self, part: &Part) {
        self.digests.send(part).await;
        self.looks.send(part).await;
    }

    /// Asks for all states after the parts that were sent.
    pub(crate) async fn ask(&self) -> States {
        let digests = self.digests.ask().await;
        let looks = self.looks.ask().await;
        States { digests, looks }
    }

    pub(crate) async fn finish(self) -> io::Result<Seen> {
        let digests = self.digests.finish().await?;
        let (blocks, inspection) = self.looks.finish().await?;
        // Nothing was expected of the blocks, so none can be wrong.
        let blocks =
            blocks.map_err(|WrongBlock(block)| io::Error::other(format!("block {block} is wrong")))?;
        Ok(Seen { digests, blocks, inspection })
    }
}

impl States {
    /// The checkpoint at `offset`, once all have answered; `None` when a thread died.
    pub(crate) async fn gather(self, at: Position) -> Option<Checkpoint> {
        let Position { offset, dirty_to, algorithm } = at;
        let (md5, secure) = self.digests.gather().await?;
        let (BlocksState { full, partial }, inspector) = self.looks.await.ok()?;
        Some(Checkpoint { offset, dirty_to, algorithm, md5, secure, blocks: full, partial, inspector })
    }
}

/// Where a checkpoint is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Position {
    pub(crate) offset: u64,
    pub(crate) dirty_to: u64,
    pub(crate) algorithm: scurry_types::HashAlgorithm,
}
