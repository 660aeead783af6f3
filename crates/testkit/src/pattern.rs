// SPDX-License-Identifier: Apache-2.0
//! Bytes that look random, are never zero and are the same in every run.

/// `len` bytes that depend on `seed` and their place only; none is zero, so that holes never look like data.
#[must_use]
pub fn pattern(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            u8::try_from(state % 255).unwrap_or(0) + 1
        })
        .collect()
}
