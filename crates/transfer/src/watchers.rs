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
    blocks: Side<Blocks>,
    inspection: Option<Side<Inspecting>>,
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
    blocks: oneshot::Receiver<BlocksState>,
    inspection: Option<oneshot::Receiver<Blob>>,
}

impl Watchers {
    pub(crate) fn start(spec: &IngestSpec) -> io::Result<Self> {
        Ok(Self {
            digests: Digesting::start(spec.algorithm)?,
            blocks: Side::start("blake3", Blocks::new(None, CancellationToken::new()))?,
            inspection: spec.inspect.then(|| Side::start("inspect", Inspecting::new())).transpose()?,
        })
    }

    /// Goes on from a checkpoint; `begun` is what the last, unfinished block has.
    pub(crate) fn resume(from: &Checkpoint, begun: &[u8]) -> io::Result<Self> {
        let unreadable = || io::Error::other("a checkpoint cannot be read");
        let mut blocks = Blocks::resumed(&from.blocks).ok_or_else(unreadable)?;
        blocks.data(begun);
        let inspecting = |state| Inspecting::resumed(state).ok_or_else(unreadable);
        let inspecting = from.inspector.as_ref().map(inspecting).transpose()?;
        Ok(Self {
            digests: Digesting::resumed(from)?,
            blocks: Side::start("blake3", blocks)?,
            inspection: inspecting.map(|inspecting| Side::start("inspect", inspecting)).transpose()?,
        })
    }

    pub(crate) async fn send(&self, part: &Part) {
        self.digests.send(part).await;
        self.blocks.send(part).await;
        if let Some(inspection) = &self.inspection {
            inspection.send(part).await;
        }
    }

    /// Asks for all states after the parts that were sent.
    pub(crate) async fn ask(&self) -> States {
        let digests = self.digests.ask().await;
        let blocks = self.blocks.ask().await;
        let inspection = match &self.inspection {
            Some(inspection) => Some(inspection.ask().await),
            None => None,
        };
        States { digests, blocks, inspection }
    }

    pub(crate) async fn finish(self) -> io::Result<Seen> {
        let digests = self.digests.finish().await?;
        let blocks = self.blocks.finish().await?;
        // Nothing was expected of the blocks, so none can be wrong.
        let blocks =
            blocks.map_err(|WrongBlock(block)| io::Error::other(format!("block {block} is wrong")))?;
        let inspection = match self.inspection {
            Some(inspection) => Some(inspection.finish().await?),
            None => None,
        };
        Ok(Seen { digests, blocks, inspection })
    }
}

impl States {
    /// The checkpoint at `offset`, once all have answered; `None` when a thread died.
    pub(crate) async fn gather(self, at: Position) -> Option<Checkpoint> {
        let Position { offset, dirty_to, algorithm } = at;
        let (md5, secure) = self.digests.gather().await?;
        let BlocksState { full, partial } = self.blocks.await.ok()?;
        let inspector = match self.inspection {
            Some(inspection) => Some(inspection.await.ok()?),
            None => None,
        };
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
