// SPDX-License-Identifier: Apache-2.0
//! The schedules of the next four blocks, a row at a time between the rounds of those before: vectors and words are
//! computed by different parts of a core, which then work at the same time.

use fearless_simd::{Simd, SimdBase, SimdFrom, u64x4};

use super::constants::K;
use super::schedule::{LANES, Schedule, following, four_words};

/// Rows that come straight from the blocks.
const LOADED: usize = 16;

/// The words of all rounds as they follow from one another, without constants.
#[repr(align(32))]
pub(super) struct Words([[u64; LANES]; 80]);

/// Four blocks and what becomes of them.
pub(super) struct Next<'a> {
    pub(super) blocks: [&'a [u8; 128]; LANES],
    pub(super) words: &'a mut Words,
    pub(super) schedule: &'a mut Schedule,
}

impl Words {
    pub(super) const EMPTY: Self = Self([[0; LANES]; 80]);
}

impl Next<'_> {
    /// All rows at once.
    #[inline(always)]
    pub(super) fn prepare<S: Simd>(&mut self, simd: S) {
        for row in 0..80 {
            self.prepare_row(simd, row);
        }
    }

    /// One row; all before it were prepared. The first ones come four at a time.
    #[inline(always)]
    pub(super) fn prepare_row<S: Simd>(&mut self, simd: S, row: usize) {
        if row >= LOADED {
            let word = |back: usize| u64x4::simd_from(simd, self.words.0[row - back]);
            let word = following(word(16), word(15), word(7), word(2));
            self.keep(simd, row, word);
        } else if row.is_multiple_of(4) {
            let [a, b, c, d] = four_words(simd, self.blocks, row / 4);
            self.keep(simd, row, a);
            self.keep(simd, row + 1, b);
            self.keep(simd, row + 2, c);
            self.keep(simd, row + 3, d);
        }
    }

    #[inline(always)]
    fn keep<S: Simd>(&mut self, simd: S, row: usize, word: u64x4<S>) {
        word.store_array(&mut self.words.0[row]);
        (word + u64x4::splat(simd, K[row])).store_array(self.schedule.row(row));
    }
}
