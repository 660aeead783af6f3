// SPDX-License-Identifier: Apache-2.0
//! Where an object has holes, asked for a window at a time.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use scurry_store::StoreReader;
use scurry_types::{ExtentKind, Extents};

/// Bytes whose extents are asked for at a time.
const WINDOW: u64 = 1 << 30;
/// A range of fewer bytes is read as it is: asking would take longer.
const WORTH: u64 = 4 << 20;
/// Shorter holes are read with the data around them.
const LEAST_HOLE: u64 = 256 << 10;

/// A stretch that holds data, or nothing but zeroes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// One past its last byte.
    pub(super) end: u64,
    pub(super) zero: bool,
}

/// The runs of a range, from front to back.
#[derive(Debug)]
pub(super) struct Runs {
    end: u64,
    known: VecDeque<Run>,
}

impl Runs {
    pub(super) fn new(range: Range<u64>) -> Self {
        let short = range.end.saturating_sub(range.start) < WORTH;
        let known = short.then_some(Run { end: range.end, zero: false });
        Self { end: range.end, known: known.into_iter().collect() }
    }

    /// The run that `at` lies in; `at` never goes back.
    pub(super) async fn at(&mut self, reader: &Arc<dyn StoreReader>, at: u64) -> Run {
        loop {
            match self.known.front() {
                Some(run) if run.end > at => return *run,
                Some(_) => {
                    self.known.pop_front();
                }
                None if at >= self.end => return Run { end: self.end.max(at), zero: false },
                None => {
                    let window = at..self.end.min(at.saturating_add(WINDOW));
                    let extents = match reader.extents(window.clone()).await {
                        Ok(extents) if extents.len() == window.end - window.start => extents,
                        // Whatever is wrong, reading tells what.
                        _ => Extents::all_data(window.end - window.start),
                    };
                    self.known = runs(at, &extents);
                }
            }
        }
    }
}

/// Extents that begin at byte `at`, without the holes that are not worth it.
fn runs(at: u64, extents: &Extents) -> VecDeque<Run> {
    let mut runs: VecDeque<Run> = VecDeque::new();
    for extent in extents.iter() {
        let run =
            Run { end: at + extent.end(), zero: extent.kind == ExtentKind::Zero && extent.len >= LEAST_HOLE };
        match runs.back_mut() {
            Some(last) if last.zero == run.zero => last.end = run.end,
            _ => runs.push_back(run),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_holes_are_part_of_the_data_around_them() {
        const HOLE: u64 = LEAST_HOLE;
        let extents =
            Extents::from_data_ranges([4096..8192, 12_288..16_384, HOLE + 16_384..HOLE + 20_000], HOLE * 3);
        let run = |end, zero| Run { end: 1000 + end, zero };
        let expected =
            [run(16_384, false), run(HOLE + 16_384, true), run(HOLE + 20_000, false), run(HOLE * 3, true)];
        assert_eq!(runs(1000, &extents), expected);
        assert_eq!(runs(5, &Extents::new()), []);
    }
}
