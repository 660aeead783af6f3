// SPDX-License-Identifier: Apache-2.0
//! The disk format inspectors as one more thread that sees every byte.

use scurry_formats::{Inspection, Inspector};

use crate::piece::Part;
use crate::side::Feed;

/// The inspectors at work.
#[derive(Debug)]
pub(crate) struct Inspecting(Inspector);

impl Inspecting {
    pub(crate) fn new() -> Self {
        Self(Inspector::new())
    }
}

impl Feed for Inspecting {
    type Output = Inspection;

    fn feed(&mut self, part: &Part) {
        part.show(|data| self.0.feed(data));
    }

    fn finish(self) -> Inspection {
        self.0.finish()
    }
}
