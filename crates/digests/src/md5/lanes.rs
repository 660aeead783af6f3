// SPDX-License-Identifier: Apache-2.0
//! MD5 of several streams, each in a lane of its own: a step of one waits for the step before, steps of eight do not wait
//! for each other.

use std::array;

use fearless_simd::{Simd, SimdBase, SimdInto, u32x8};

use super::State;
use super::constants::{INITIAL, T};

/// Streams at a time.
pub(super) const LANES: usize = 8;

/// Sixteen steps that mix alike; `$first` and `$stride` name the word of each.
macro_rules! round {
    ($simd:ident, $state:ident, $words:ident, $round:literal, $first:literal + $stride:literal, [$($shift:literal)*], $mix:expr) => {
        for quad in 0..4 {
            let mut step = 4 * quad;
            $(
                let [a, b, c, d] = $state;
                let constant = u32x8::splat($simd, T[16 * $round + step]);
                let sum = a + ($words[($first + $stride * step) % 16] + constant) + $mix(b, c, d);
                $state = [d, b + ((sum << $shift) | (sum >> (32 - $shift))), b, c];
                step += 1;
            )*
            debug_assert_eq!(step, 4 * quad + 4);
        }
    };
}

/// Takes the next blocks of each stream, as many of each.
#[inline(always)]
pub(super) fn compress<S: Simd>(simd: S, streams: &mut [(&mut State, &[[u8; 64]])]) {
    // A lane without a stream repeats the first.
    let lanes: [usize; LANES] = array::from_fn(|lane| if lane < streams.len() { lane } else { 0 });
    let Some(count) = streams.first().map(|(_, blocks)| blocks.len()) else { return };
    let begun = lanes.map(|lane| streams[lane].0.0);
    let blocks = lanes.map(|lane| streams[lane].1);
    let mut all: [u32x8<S>; INITIAL.len()] =
        array::from_fn(|word| array::from_fn::<_, LANES, _>(|lane| begun[lane][word]).simd_into(simd));
    for at in 0..count {
        let block = blocks.map(|blocks| blocks[at].as_chunks::<4>().0);
        let words: [u32x8<S>; 16] = array::from_fn(|word| {
            array::from_fn::<_, LANES, _>(|lane| u32::from_le_bytes(block[lane][word])).simd_into(simd)
        });
        let mut state = all;
        round!(simd, state, words, 0, 0 + 1, [7 12 17 22], |b: u32x8<S>, c, d| d ^ (b & (c ^ d)));
        round!(simd, state, words, 1, 1 + 5, [5 9 14 20], |b, c: u32x8<S>, d: u32x8<S>| c ^ (d & (b ^ c)));
        round!(simd, state, words, 2, 5 + 3, [4 11 16 23], |b: u32x8<S>, c: u32x8<S>, d| b ^ c ^ d);
        round!(simd, state, words, 3, 0 + 7, [6 10 15 21], |b: u32x8<S>, c: u32x8<S>, d: u32x8<S>| c ^ (b | !d));
        all = array::from_fn(|word| all[word] + state[word]);
    }
    for (word, lanes) in all.into_iter().enumerate() {
        let lanes: [u32; LANES] = lanes.into();
        for ((state, _), value) in streams.iter_mut().zip(lanes) {
            state.0[word] = value;
        }
    }
}
