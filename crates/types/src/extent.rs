// SPDX-License-Identifier: Apache-2.0
//! Extents: which parts of an image hold data and which read as zeroes.

use serde::{Deserialize, Serialize};

/// What a stretch of an image holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExtentKind {
    /// Bytes that must be read.
    Data,
    /// Reads as zeroes; nothing needs to be moved.
    Zero,
}

/// A stretch of bytes of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Extent {
    /// First byte.
    pub offset: u64,
    /// Number of bytes, never zero inside [`Extents`].
    pub len: u64,
    /// What is there.
    pub kind: ExtentKind,
}

impl Extent {
    /// A stretch of data.
    #[must_use]
    pub const fn data(offset: u64, len: u64) -> Self {
        Self { offset, len, kind: ExtentKind::Data }
    }

    /// A stretch of zeroes.
    #[must_use]
    pub const fn zero(offset: u64, len: u64) -> Self {
        Self { offset, len, kind: ExtentKind::Zero }
    }

    /// One past the last byte.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.offset + self.len
    }
}

/// The whole of an image as adjacent extents: no gap, no overlap, neighbours of different kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extents(Vec<Extent>);

impl Extents {
    /// No bytes at all.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// `len` bytes of data.
    #[must_use]
    pub fn all_data(len: u64) -> Self {
        let mut extents = Self::new();
        extents.push(ExtentKind::Data, len);
        extents
    }

    /// From data ranges in ascending order without overlap; what lies between them, up to `len`, is zero.
    #[must_use]
    pub fn from_data_ranges(ranges: impl IntoIterator<Item = std::ops::Range<u64>>, len: u64) -> Self {
        let mut extents = Self::new();
        for range in ranges {
            let (start, end) = (range.start.max(extents.len()).min(len), range.end.min(len));
            extents.push(ExtentKind::Zero, start - extents.len());
            extents.push(ExtentKind::Data, end.saturating_sub(start));
        }
        extents.push(ExtentKind::Zero, len - extents.len());
        extents
    }

    /// Appends `len` bytes of `kind` behind the last extent, joining it when the kind is the same.
    pub fn push(&mut self, kind: ExtentKind, len: u64) {
        if len == 0 {
            return;
        }
        let offset = self.len();
        match self.0.last_mut() {
            Some(last) if last.kind == kind => last.len += len,
            _ => self.0.push(Extent { offset, len, kind }),
        }
    }

    /// Total number of bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.0.last().map_or(0, Extent::end)
    }

    /// Whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes of data among them.
    #[must_use]
    pub fn data_len(&self) -> u64 {
        self.0.iter().filter(|extent| extent.kind == ExtentKind::Data).map(|extent| extent.len).sum()
    }

    /// The extents in order.
    pub fn iter(&self) -> impl Iterator<Item = Extent> + '_ {
        self.0.iter().copied()
    }
}

impl IntoIterator for Extents {
    type Item = Extent;
    type IntoIter = std::vec::IntoIter<Extent>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn extents_cover_everything_once(cuts in proptest::collection::vec((0_u64..50, 1_u64..50), 0..20), tail in 0_u64..100) {
            let mut at = 0;
            let ranges: Vec<_> = cuts.iter().map(|(gap, len)| { let start = at + gap; at = start + len; start..at }).collect();
            let data: u64 = ranges.iter().map(|range| range.end - range.start).sum();
            let extents = Extents::from_data_ranges(ranges, at + tail);
            prop_assert_eq!(extents.len(), at + tail);
            prop_assert_eq!(extents.data_len(), data);
            let mut expected = 0;
            let mut before = None;
            for extent in extents.iter() {
                prop_assert_eq!(extent.offset, expected);
                prop_assert!(extent.len > 0);
                prop_assert_ne!(before, Some(extent.kind));
                expected = extent.end();
                before = Some(extent.kind);
            }
        }
    }
}
