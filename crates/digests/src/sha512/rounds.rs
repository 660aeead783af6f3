// SPDX-License-Identifier: Apache-2.0
//! The rounds over a prepared block: of one stream on words, of four on vectors of words.

use std::array;
use std::num::Wrapping;

use fearless_simd::{Simd, SimdFrom, SimdInto, u64x4};

use super::next::Next;
use super::schedule::{LANES, Schedule};

/// Words that rotate, and what is computed of them bit by bit in the way that costs least.
trait Word: Sized {
    fn rotated(self, right: u32) -> Self;
    /// The sum with `yes` where the bits of `which` are set and `no` where they are not.
    fn plus_choice(self, which: Self, yes: Self, no: Self) -> Self;
    /// The bits that two or three have.
    fn majority(self, b: Self, c: Self) -> Self;
}

impl Word for Wrapping<u64> {
    #[inline(always)]
    fn rotated(self, right: u32) -> Self {
        Self(self.0.rotate_right(right))
    }

    // No bit is set in both halves: adding one after the other spares an instruction.
    #[inline(always)]
    fn plus_choice(self, which: Self, yes: Self, no: Self) -> Self {
        self + (which & yes) + (!which & no)
    }

    // What two words differ in is used again by the next round.
    #[inline(always)]
    fn majority(self, b: Self, c: Self) -> Self {
        ((self ^ b) & (b ^ c)) ^ b
    }
}

impl<S: Simd> Word for u64x4<S> {
    #[inline(always)]
    fn rotated(self, right: u32) -> Self {
        (self >> right) | (self << (64 - right))
    }

    #[inline(always)]
    fn plus_choice(self, which: Self, yes: Self, no: Self) -> Self {
        self + ((which & yes) ^ (!which & no))
    }

    #[inline(always)]
    fn majority(self, b: Self, c: Self) -> Self {
        (self & (b | c)) | (b & c)
    }
}

/// One round; instead of all variables changing places, their names do.
macro_rules! round {
    ($word:expr; $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident) => {
        let big1 = $e.rotated(14) ^ $e.rotated(18) ^ $e.rotated(41);
        let sum = ($h + $word).plus_choice($e, $f, $g) + big1;
        let big0 = $a.rotated(28) ^ $a.rotated(34) ^ $a.rotated(39);
        $d += sum;
        $h = sum + $a.majority($b, $c) + big0;
    };
}

/// Eighty rounds from `$state` over the rows of a schedule, of which each round takes `$word`; before each four of them
/// `$before` is done.
macro_rules! rounds {
    ($state:expr, $schedule:expr, $row:ident => $word:expr, $four:ident => $before:expr) => {{
        let mut state = $state;
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
        macro_rules! word {
            ($of:expr) => {{
                let $row: &[u64; LANES] = &$of;
                $word
            }};
        }
        macro_rules! before {
            ($of:expr) => {{
                let $four: usize = $of;
                $before;
            }};
        }
        // A range and not an iterator of the rows: only thus the compiler knows which rows are loaded and which follow.
        for at in 0..5 {
            let rows = $schedule.sixteen(at);
            before!(4 * at);
            round!(word!(rows[0]); a b c d e f g h);
            round!(word!(rows[1]); h a b c d e f g);
            round!(word!(rows[2]); g h a b c d e f);
            round!(word!(rows[3]); f g h a b c d e);
            before!(4 * at + 1);
            round!(word!(rows[4]); e f g h a b c d);
            round!(word!(rows[5]); d e f g h a b c);
            round!(word!(rows[6]); c d e f g h a b);
            round!(word!(rows[7]); b c d e f g h a);
            before!(4 * at + 2);
            round!(word!(rows[8]); a b c d e f g h);
            round!(word!(rows[9]); h a b c d e f g);
            round!(word!(rows[10]); g h a b c d e f);
            round!(word!(rows[11]); f g h a b c d e);
            before!(4 * at + 3);
            round!(word!(rows[12]); e f g h a b c d);
            round!(word!(rows[13]); d e f g h a b c);
            round!(word!(rows[14]); c d e f g h a b);
            round!(word!(rows[15]); b c d e f g h a);
        }
        for (before, after) in state.iter_mut().zip(&[a, b, c, d, e, f, g, h]) {
            *before += *after;
        }
        state
    }};
}

/// The blocks of all lanes, one after another, as blocks of one stream; meanwhile the rows of the next schedule come to be.
#[inline(always)]
pub(super) fn of_lanes_in_turn<S: Simd>(
    simd: S,
    state: [Wrapping<u64>; 8],
    schedule: &Schedule,
    next: &mut Next<'_>,
) -> [Wrapping<u64>; 8] {
    let state = of_lane::<S, 0>(simd, state, schedule, next);
    let state = of_lane::<S, 1>(simd, state, schedule, next);
    let state = of_lane::<S, 2>(simd, state, schedule, next);
    of_lane::<S, 3>(simd, state, schedule, next)
}

#[inline(always)]
fn of_lane<S: Simd, const LANE: usize>(
    simd: S,
    state: [Wrapping<u64>; 8],
    schedule: &Schedule,
    next: &mut Next<'_>,
) -> [Wrapping<u64>; 8] {
    // Four rounds to a row: as many rows as there are after all lanes.
    rounds!(state, schedule, row => Wrapping(row[LANE]), four => next.prepare_row(simd, 20 * LANE + four))
}

/// The blocks of all lanes, each of a stream of its own.
#[inline(always)]
pub(super) fn of_all_lanes<S: Simd>(simd: S, state: [u64x4<S>; 8], schedule: &Schedule) -> [u64x4<S>; 8] {
    rounds!(state, schedule, row => u64x4::simd_from(simd, *row), _four => ())
}

/// One vector for each word of the states.
#[inline(always)]
pub(super) fn gather<S: Simd>(simd: S, states: &[[u64; 8]; LANES]) -> [u64x4<S>; 8] {
    array::from_fn(|word| states.map(|state| state[word]).simd_into(simd))
}

/// The states again.
#[inline(always)]
pub(super) fn scatter<S: Simd>(all: [u64x4<S>; 8], states: &mut [[u64; 8]; LANES]) {
    for (word, lanes) in all.into_iter().enumerate() {
        let lanes: [u64; LANES] = lanes.into();
        for (state, value) in states.iter_mut().zip(lanes) {
            state[word] = value;
        }
    }
}
