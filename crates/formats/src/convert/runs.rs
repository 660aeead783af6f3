// SPDX-License-Identifier: Apache-2.0
//! A disk from its beginning to its end, a bounded number of extents at a time.

use scurry_types::Extent;

use super::{ConversionError, ImageReader};

/// Bytes of the disk whose extents are asked for at once: of the smallest blocks there are 131072 in it.
const WINDOW: u64 = 64 << 20;

/// How far a disk has been walked.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    at: u64,
    window: std::vec::IntoIter<Extent>,
}

impl Walk {
    /// The next extent, `None` at the end of the disk.
    pub(crate) fn step(&mut self, reader: &dyn ImageReader) -> Result<Option<Extent>, ConversionError> {
        while self.window.len() == 0 && self.at < reader.len() {
            let start = self.at;
            self.at = start.saturating_add(WINDOW).min(reader.len());
            let extents = reader.extents(start..self.at)?;
            let on_disk = extents.iter().map(|extent| Extent { offset: start + extent.offset, ..extent });
            self.window = on_disk.collect::<Vec<_>>().into_iter();
        }
        Ok(self.window.next())
    }
}

/// The extents of a disk in order; neighbours may be of the same kind. Nothing follows an error.
#[derive(Debug)]
pub struct Runs<'a> {
    reader: &'a dyn ImageReader,
    walk: Walk,
    failed: bool,
}

/// What a disk holds, in order, with memory bounded whatever the image says.
pub fn runs(reader: &dyn ImageReader) -> Runs<'_> {
    Runs { reader, walk: Walk::default(), failed: false }
}

impl Iterator for Runs<'_> {
    type Item = Result<Extent, ConversionError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let extent = self.walk.step(self.reader);
        self.failed = extent.is_err();
        extent.transpose()
    }
}
