// SPDX-License-Identifier: Apache-2.0
//! SHA-512 (FIPS 180-4): four blocks of a stream are prepared at a time, and four streams hashed in the lanes of vectors.
//!
//! A block's rounds follow one another, but its message schedule depends on the block alone: the schedules of four
//! blocks are computed side by side (Gueron and Krasnov, "Parallelizing message schedules to accelerate the
//! computations of hash functions", 2012), between the rounds of the four blocks before. The blocks may as well be of four
//! streams; then the rounds go side by side too.

use std::array;
use std::num::Wrapping;

use fearless_simd::{Avx2, Level, Simd};

use self::constants::INITIAL;
use self::next::{Next, Words};
use self::schedule::{LANES, Schedule};
use crate::blockwise::{Blockwise, Core, Lanes};

mod constants;
mod next;
mod rounds;
mod schedule;

/// SHA-512 being computed.
pub(crate) type Sha512 = Blockwise<State, 128>;

/// Its state between two blocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct State([u64; 8]);

/// Runs what is generic over the width of vectors with the best this CPU has, or something else.
macro_rules! on_vectors {
    ($simd:ident => $run:expr, else $other:expr) => {{
        let level = Level::new();
        if let Some($simd) = level.as_avx512() {
            $simd.vectorize(
                #[inline(always)]
                || $run,
            )
        } else if let Some($simd) = level.as_avx2() {
            $simd.vectorize(
                #[inline(always)]
                || $run,
            )
        } else {
            $other
        }
    }};
}

impl Core<128> for State {
    type Bytes = [u8; 64];

    const INITIAL: Self = Self(INITIAL);
    const LENGTH: usize = 16;

    fn lanes() -> Option<Lanes> {
        let level = Level::new();
        // Rotating is one instruction on vectors of AVX-512 and three before.
        let least = if level.as_avx512().is_some() { 2 } else { 3 };
        level.as_avx2().map(|_| Lanes { least, most: LANES })
    }

    fn compress(&mut self, blocks: &[[u8; 128]]) {
        let (fours, rest) = blocks.as_chunks::<LANES>();
        match Level::new().as_avx2() {
            Some(avx2) => in_turn(self, fours, avx2),
            None => sha2::block_api::compress512(&mut self.0, fours.as_flattened()),
        }
        sha2::block_api::compress512(&mut self.0, rest);
    }

    fn compress_together(streams: &mut [(&mut Self, &[[u8; 128]])]) {
        on_vectors!(
            simd => side_by_side(simd, streams),
            else streams.iter_mut().for_each(|(state, blocks)| state.compress(blocks))
        );
    }

    fn length(bits: u128) -> impl AsRef<[u8]> {
        bits.to_be_bytes()
    }

    fn to_bytes(self) -> [u8; 64] {
        let mut bytes = [0; 64];
        for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(self.0) {
            *bytes = word.to_be_bytes();
        }
        bytes
    }

    fn from_bytes(bytes: [u8; 64]) -> Self {
        let mut words = [0; 8];
        for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
            *word = u64::from_be_bytes(*bytes);
        }
        Self(words)
    }
}

/// Blocks of one stream, four at a time. Not with the vectors of AVX-512, where there are such: the compiler would move the
/// rotations of words into them, to and fro.
fn in_turn(state: &mut State, fours: &[[[u8; 128]; LANES]], avx2: Avx2) {
    avx2.vectorize(
        #[inline(always)]
        || {
            let Some(first) = fours.first() else { return };
            let (mut words, mut even, mut odd) = (Words::EMPTY, Schedule::EMPTY, Schedule::EMPTY);
            Next { blocks: first.each_ref(), words: &mut words, schedule: &mut even }.prepare(avx2);
            let mut after = state.0.map(Wrapping);
            // Behind the last four the schedule of these is computed once more, for nobody.
            let last = fours.len() - 1;
            let blocks = |at: usize| fours[at.min(last)].each_ref();
            for at in (0..fours.len()).step_by(2) {
                let mut next = Next { blocks: blocks(at + 1), words: &mut words, schedule: &mut odd };
                after = rounds::of_lanes_in_turn(avx2, after, &even, &mut next);
                if at < last {
                    let mut next = Next { blocks: blocks(at + 2), words: &mut words, schedule: &mut even };
                    after = rounds::of_lanes_in_turn(avx2, after, &odd, &mut next);
                }
            }
            state.0 = after.map(|word| word.0);
        },
    );
}

/// Blocks of several streams, one of each at a time.
#[inline(always)]
fn side_by_side<S: Simd>(simd: S, streams: &mut [(&mut State, &[[u8; 128]])]) {
    // A lane without a stream repeats the first.
    let lanes: [usize; LANES] = array::from_fn(|lane| if lane < streams.len() { lane } else { 0 });
    let Some(count) = streams.first().map(|(_, blocks)| blocks.len()) else { return };
    let blocks = lanes.map(|lane| streams[lane].1);
    let mut states = lanes.map(|lane| streams[lane].0.0);
    let mut schedule = Schedule::EMPTY;
    let mut all = rounds::gather(simd, &states);
    for at in 0..count {
        schedule.prepare(simd, blocks.map(|blocks| &blocks[at]));
        all = rounds::of_all_lanes(simd, all, &schedule);
    }
    rounds::scatter(all, &mut states);
    for ((state, _), after) in streams.iter_mut().zip(states) {
        state.0 = after;
    }
}
