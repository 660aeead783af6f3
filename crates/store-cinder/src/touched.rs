// SPDX-License-Identifier: Apache-2.0
//! Which parts of a fresh volume have been written, coarsely, so that zeroing the others costs nothing.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use scurry_types::size::MIB;

/// Bytes one bit stands for.
const GRAIN: u64 = MIB;

/// One bit a MiB.
#[derive(Debug, Default)]
pub(crate) struct Touched(Mutex<Vec<u64>>);

impl Touched {
    /// Notes that bytes are about to be written.
    pub(crate) fn mark(&self, range: Range<u64>) {
        let mut words = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for grain in grains(range) {
            let word = usize::try_from(grain / 64).unwrap_or(usize::MAX);
            if words.len() <= word {
                words.resize(word + 1, 0);
            }
            words[word] |= 1 << (grain % 64);
        }
    }

    /// Whether any of these bytes may have been written.
    pub(crate) fn any(&self, range: Range<u64>) -> bool {
        let words = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let marked = u64::try_from(words.len()).unwrap_or(u64::MAX).saturating_mul(64);
        let grains = grains(range);
        (grains.start..grains.end.min(marked)).any(|grain| {
            let word = usize::try_from(grain / 64).unwrap_or(usize::MAX);
            words.get(word).is_some_and(|word| word & (1 << (grain % 64)) != 0)
        })
    }
}

fn grains(range: Range<u64>) -> Range<u64> {
    if range.is_empty() { 0..0 } else { range.start / GRAIN..range.end.div_ceil(GRAIN) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_marked_is_touched() {
        let touched = Touched::default();
        touched.mark(5 * MIB - 1..5 * MIB + 1);
        touched.mark(200 * MIB..200 * MIB);
        assert!(
            touched.any(4 * MIB..4 * MIB + 1) && touched.any(5 * MIB..6 * MIB) && touched.any(0..u64::MAX)
        );
        assert!(
            !touched.any(0..4 * MIB) && !touched.any(6 * MIB..u64::MAX) && !touched.any(5 * MIB..5 * MIB)
        );
        assert!(!touched.any(200 * MIB..201 * MIB));
    }
}
