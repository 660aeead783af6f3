// SPDX-License-Identifier: Apache-2.0
//! A source taken apart into blocks that hold data and stretches of blocks that are zero.

use std::ops::Range;
use std::sync::Arc;

use futures::{Stream, StreamExt, TryStreamExt, stream};
use scurry_store::{StoreError, StoreReader};
use scurry_types::{BLOCK_SIZE, Extent, ExtentKind, Extents};

/// Extents are asked for this many bytes of image at first, and at most.
const FIRST_WINDOW: u64 = 1 << 30;
const LAST_WINDOW: u64 = 1 << 40;
/// With fewer extents than this in a window the next one is twice as long, which bounds what an answer holds.
const FEW: usize = 4096;
/// Blocks of zeroes that are one step at most: 128 MiB.
const ZERO_BLOCKS: u64 = (128 << 20) / BLOCK_SIZE;

/// What one worker does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// A block with the parts of it, in bytes of the image, that hold data: none when it is a short one of zeroes.
    Block { index: u64, len: u64, data: Vec<Range<u64>> },
    /// Full blocks without any data.
    Zeroes { blocks: Range<u64> },
}

impl Step {
    /// The blocks it is about.
    pub(super) fn blocks(&self) -> Range<u64> {
        match self {
            Self::Block { index, .. } => *index..index + 1,
            Self::Zeroes { blocks } => blocks.clone(),
        }
    }
}

/// All steps of an object front to back: as many as there are blocks with data, however long it is.
pub(super) fn steps(source: &Arc<dyn StoreReader>) -> impl Stream<Item = Result<Step, StoreError>> + Send {
    let source = Arc::clone(source);
    let len = source.len();
    stream::try_unfold((0, FIRST_WINDOW), move |(start, window)| {
        let source = Arc::clone(&source);
        async move {
            if start >= len {
                return Ok(None);
            }
            let end = len.min(start + window);
            let extents = extents(source.as_ref(), start..end).await?;
            let next = if extents.len() < FEW { (window * 2).min(LAST_WINDOW) } else { FIRST_WINDOW };
            let steps = Blocks { extents: extents.into_iter().peekable(), at: start, end };
            Ok(Some((stream::iter(steps).map(Ok), (end, next))))
        }
    })
    .try_flatten()
}

/// The extents of a window with offsets counted from the start of the image.
pub(crate) async fn extents(source: &dyn StoreReader, window: Range<u64>) -> Result<Vec<Extent>, StoreError> {
    let len = window.end - window.start;
    let mut extents = source.extents(window.clone()).await?;
    if extents.len() != len {
        tracing::warn!(?window, covered = extents.len(), "the store's extents do not fit: all is read");
        extents = Extents::all_data(len);
    }
    let shift = |extent: Extent| Extent { offset: extent.offset + window.start, ..extent };
    Ok(extents.into_iter().map(shift).collect())
}

/// The blocks of one window, which begins with a block.
struct Blocks {
    extents: std::iter::Peekable<std::vec::IntoIter<Extent>>,
    at: u64,
    end: u64,
}

impl Iterator for Blocks {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        if self.at >= self.end {
            return None;
        }
        let index = self.at / BLOCK_SIZE;
        while self.extents.next_if(|extent| extent.end() <= self.at).is_some() {}
        if let Some(extent) = self.extents.peek().filter(|extent| extent.kind == ExtentKind::Zero) {
            let full = (extent.end().min(self.end) / BLOCK_SIZE).saturating_sub(index).min(ZERO_BLOCKS);
            if full > 0 {
                self.at += full * BLOCK_SIZE;
                return Some(Step::Zeroes { blocks: index..index + full });
            }
        }
        let end = self.end.min(self.at + BLOCK_SIZE);
        let mut data = Vec::new();
        while let Some(extent) = self.extents.peek().filter(|extent| extent.offset < end) {
            if extent.kind == ExtentKind::Data {
                data.push(extent.offset.max(self.at)..extent.end().min(end));
            }
            if extent.end() > end {
                break;
            }
            self.extents.next();
        }
        let len = end - self.at;
        self.at = end;
        Some(Step::Block { index, len, data })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const B: u64 = BLOCK_SIZE;

    fn walk(extents: &Extents) -> Vec<Step> {
        let extents: Vec<_> = extents.iter().collect();
        let end = extents.last().map_or(0, Extent::end);
        Blocks { extents: extents.into_iter().peekable(), at: 0, end }.collect()
    }

    #[test]
    fn holes_are_one_step_and_data_is_cut_at_blocks() {
        let extents = Extents::from_data_ranges([5..10, 12..B + 1, 100 * B + 7..100 * B + 8], 200 * B + 3);
        let block = |index, len, data: &[Range<u64>]| Step::Block { index, len, data: data.to_vec() };
        let expected = [
            block(0, B, &[5..10, 12..B]),
            block(1, B, &[Range { start: B, end: B + 1 }]),
            Step::Zeroes { blocks: 2..34 },
            Step::Zeroes { blocks: 34..66 },
            Step::Zeroes { blocks: 66..98 },
            Step::Zeroes { blocks: 98..100 },
            block(100, B, &[Range { start: 100 * B + 7, end: 100 * B + 8 }]),
            Step::Zeroes { blocks: 101..133 },
            Step::Zeroes { blocks: 133..165 },
            Step::Zeroes { blocks: 165..197 },
            Step::Zeroes { blocks: 197..200 },
            block(200, 3, &[]),
        ];
        assert_eq!(walk(&extents), expected);
    }

    proptest! {
        #[test]
        fn steps_cover_every_block_once_and_all_data(
            cuts in proptest::collection::vec((0_u64..3 * B, 1_u64..3 * B), 0..12), tail in 0_u64..3 * B,
        ) {
            let mut at = 0;
            let ranges: Vec<_> = cuts.iter().map(|(gap, len)| { let start = at + gap; at = start + len; start..at }).collect();
            let extents = Extents::from_data_ranges(ranges, at + tail);
            let mut next = 0;
            let mut data = Extents::new();
            for step in walk(&extents) {
                prop_assert_eq!(step.blocks().start, next);
                next = step.blocks().end;
                match step {
                    Step::Zeroes { blocks } => data.push(ExtentKind::Zero, (blocks.end - blocks.start) * B),
                    Step::Block { index, len, data: ranges } => {
                        for range in ranges {
                            data.push(ExtentKind::Zero, range.start - data.len());
                            data.push(ExtentKind::Data, range.end - range.start);
                        }
                        data.push(ExtentKind::Zero, index * B + len - data.len());
                    }
                }
            }
            prop_assert_eq!(next, extents.len().div_ceil(B));
            prop_assert_eq!(data, extents);
        }
    }
}
