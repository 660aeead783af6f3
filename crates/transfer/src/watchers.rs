// SPDX-License-Identifier: Apache-2.0
//! Everything that looks at an upload besides its targets: digests, block hashes, inspectors.

use std::io;

use scurry_types::{BlockHashes, Digests};
use tokio_util::sync::CancellationToken;

use crate::blocks::{Blocks, WrongBlock};
use crate::digests::Digesting;
use crate::inspect::Inspecting;
use crate::piece::Part;
use crate::side::Side;
use crate::{IngestSpec, Inspection};

/// The threads at work on one upload.
#[derive(Debug)]
pub(crate) struct Watchers {
    digests: Digesting,
    blocks: Side<Result<BlockHashes, WrongBlock>>,
    inspection: Option<Side<Inspection>>,
}

/// What they have to say in the end.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) digests: Digests,
    pub(crate) blocks: BlockHashes,
    pub(crate) inspection: Option<Inspection>,
}

impl Watchers {
    pub(crate) fn start(spec: &IngestSpec) -> io::Result<Self> {
        Ok(Self {
            digests: Digesting::start(spec.algorithm)?,
            blocks: Side::start("blake3", Blocks::new(None, CancellationToken::new()))?,
            inspection: spec.inspect.then(|| Side::start("inspect", Inspecting::new())).transpose()?,
        })
    }

    pub(crate) async fn send(&self, part: &Part) {
        self.digests.send(part).await;
        self.blocks.send(part).await;
        if let Some(inspection) = &self.inspection {
            inspection.send(part).await;
        }
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
