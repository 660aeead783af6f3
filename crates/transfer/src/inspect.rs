// SPDX-License-Identifier: Apache-2.0
//! The disk format inspectors as one more thread that sees every byte.

use scurry_formats::{Inspection, Inspector};

use crate::checkpoint::Blob;
use crate::piece::Part;
use crate::side::Feed;

/// The inspectors at work.
#[derive(Debug)]
pub(crate) struct Inspecting(Inspector);

impl Inspecting {
    pub(crate) fn new() -> Self {
        Self(Inspector::new())
    }

    /// Goes on from a state; `None` when it cannot be read.
    pub(crate) fn resumed(state: &Blob) -> Option<Self> {
        Inspector::restore(&state.0).map(Self)
    }
}

impl Feed for Inspecting {
    type Output = Inspection;
    type State = Blob;

    fn feed(&mut self, part: &Part) {
        part.show(|data| self.0.feed(data));
    }

    fn state(&self) -> Blob {
        Blob(self.0.save())
    }

    fn finish(self) -> Inspection {
        self.0.finish()
    }
}
