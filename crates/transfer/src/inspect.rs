// SPDX-License-Identifier: Apache-2.0
//! Block hashes and disk format inspectors: both are quick, so they share a thread.

use scurry_formats::{Inspection, Inspector};

use crate::blocks::{Blocks, BlocksState};
use crate::checkpoint::Blob;
use crate::piece::Part;
use crate::side::Feed;

/// Block hashes and, where they are asked, the inspectors at work.
#[derive(Debug)]
pub(crate) struct Inspecting {
    blocks: Blocks,
    inspector: Option<Inspector>,
}

impl Inspecting {
    pub(crate) fn new(blocks: Blocks, inspect: bool) -> Self {
        Self { blocks, inspector: inspect.then(Inspector::new) }
    }

    /// Goes on from a state; `None` when it cannot be read.
    pub(crate) fn resumed(blocks: Blocks, inspector: Option<&Blob>) -> Option<Self> {
        let inspector = match inspector {
            Some(state) => Some(Inspector::restore(&state.0)?),
            None => None,
        };
        Some(Self { blocks, inspector })
    }
}

impl Feed for Inspecting {
    type Output = (<Blocks as Feed>::Output, Option<Inspection>);
    type State = (BlocksState, Option<Blob>);

    fn feed(&mut self, part: &Part) {
        self.blocks.feed(part);
        if let Some(inspector) = &mut self.inspector {
            part.show(|data| inspector.feed(data));
        }
    }

    fn state(&self) -> Self::State {
        (self.blocks.state(), self.inspector.as_ref().map(|inspector| Blob(inspector.save())))
    }

    fn finish(self) -> Self::Output {
        (self.blocks.end(), self.inspector.map(Inspector::finish))
    }
}
