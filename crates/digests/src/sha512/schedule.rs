// SPDX-License-Identifier: Apache-2.0
//! The message schedules of four blocks, computed side by side.

use fearless_simd::{Bytes, Simd, SimdBase, SimdInto, u8x32, u64x4};

use super::constants::K;

/// Blocks at a time.
pub(super) const LANES: usize = 4;

/// Reverses the bytes of each word.
const BIG_ENDIAN: [u8; 32] = [
    7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8, //
    7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8,
];

/// The words of all rounds, their constants added: a row a round, a column a block.
#[repr(align(32))]
pub(super) struct Schedule([[u64; LANES]; 80]);

macro_rules! rotate_right {
    ($word:expr, $by:literal) => {
        ($word >> $by) | ($word << (64 - $by))
    };
}

impl Schedule {
    pub(super) const EMPTY: Self = Self([[0; LANES]; 80]);

    /// The rows of sixteen rounds, of five times as many.
    #[inline(always)]
    pub(super) fn sixteen(&self, at: usize) -> &[[u64; LANES]; 16] {
        &self.0.as_chunks().0[at]
    }

    #[inline(always)]
    pub(super) fn row(&mut self, row: usize) -> &mut [u64; LANES] {
        &mut self.0[row]
    }

    #[inline(always)]
    pub(super) fn prepare<S: Simd>(&mut self, simd: S, blocks: [&[u8; 128]; LANES]) {
        let mut words = words(simd, blocks);
        let (rows, constants) = (self.0.as_chunks_mut::<16>().0, K.as_chunks::<16>().0);
        for (rows, constants) in rows.iter_mut().zip(constants) {
            // Written out: in a loop all words would go through memory.
            macro_rules! each {
                ($($at:literal)*) => {
                    $(
                        (words[$at] + u64x4::splat(simd, constants[$at])).store_array(&mut rows[$at]);
                        words[$at] = following(
                            words[$at],
                            words[($at + 1) % 16],
                            words[($at + 9) % 16],
                            words[($at + 14) % 16],
                        );
                    )*
                };
            }
            each!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
        }
    }
}

// What follows is inlined by force, and has no closures: only thus does it become a part of the function that may use the
// vectors' instructions.

/// A word from those sixteen, fifteen, seven and two rounds before it.
#[inline(always)]
pub(super) fn following<S: Simd>(
    back16: u64x4<S>,
    back15: u64x4<S>,
    back7: u64x4<S>,
    back2: u64x4<S>,
) -> u64x4<S> {
    let small0 = rotate_right!(back15, 1) ^ rotate_right!(back15, 8) ^ (back15 >> 7);
    let small1 = rotate_right!(back2, 19) ^ rotate_right!(back2, 61) ^ (back2 >> 6);
    back16 + back7 + small0 + small1
}

/// The words of four blocks, each vector the same word of all.
#[inline(always)]
fn words<S: Simd>(simd: S, blocks: [&[u8; 128]; LANES]) -> [u64x4<S>; 16] {
    let [a, b, c, d] = four_words(simd, blocks, 0);
    let [e, f, g, h] = four_words(simd, blocks, 1);
    let [i, j, k, l] = four_words(simd, blocks, 2);
    let [m, n, o, p] = four_words(simd, blocks, 3);
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
}

/// The words of four rounds.
#[inline(always)]
pub(super) fn four_words<S: Simd>(simd: S, blocks: [&[u8; 128]; LANES], quad: usize) -> [u64x4<S>; 4] {
    let [a, b, c, d] = blocks;
    let (a, b) = (row(simd, a, quad), row(simd, b, quad));
    let (c, d) = (row(simd, c, quad), row(simd, d, quad));
    let (low, low2) = (a.zip_low(c), b.zip_low(d));
    let (high, high2) = (a.zip_high(c), b.zip_high(d));
    [low.zip_low(low2), low.zip_high(low2), high.zip_low(high2), high.zip_high(high2)]
}

/// Four words of one block.
#[inline(always)]
fn row<S: Simd>(simd: S, block: &[u8; 128], quad: usize) -> u64x4<S> {
    let bytes: u8x32<S> = block.as_chunks().0[quad].simd_into(simd);
    let order: u8x32<S> = BIG_ENDIAN.simd_into(simd);
    bytes.swizzle_dyn_within_blocks(order).bitcast()
}
