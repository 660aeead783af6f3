// SPDX-License-Identifier: Apache-2.0
//! MD5 around an assembly core, with a state that can be kept.

use std::fmt;

/// Bytes the core takes at a time.
const BLOCK: usize = 64;
const INITIAL: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// MD5 (RFC 1321) being computed.
pub(crate) struct Md5 {
    state: [u32; 4],
    /// Bytes fed so far; those behind the last full block are in `rest`.
    len: u64,
    rest: [u8; BLOCK],
}

impl Md5 {
    pub(crate) const fn new() -> Self {
        Self { state: INITIAL, len: 0, rest: [0; BLOCK] }
    }

    const fn filled(&self) -> usize {
        (self.len % BLOCK as u64) as usize
    }

    pub(crate) fn update(&mut self, mut data: &[u8]) {
        let filled = self.filled();
        self.len = self.len.wrapping_add(data.len() as u64);
        if filled > 0 {
            let (now, later) = data.split_at(data.len().min(BLOCK - filled));
            self.rest[filled..filled + now.len()].copy_from_slice(now);
            if filled + now.len() < BLOCK {
                return;
            }
            fast_md5::transform(&mut self.state, &self.rest);
            data = later;
        }
        let (blocks, rest) = data.as_chunks::<BLOCK>();
        for block in blocks {
            fast_md5::transform(&mut self.state, block);
        }
        self.rest[..rest.len()].copy_from_slice(rest);
    }

    pub(crate) fn finalize(mut self) -> [u8; 16] {
        let bits = self.len.wrapping_mul(8).to_le_bytes();
        // A one bit, then zeroes up to where the length ends a block.
        let padding = BLOCK - (self.filled() + 8) % BLOCK;
        let mut end = [0; BLOCK];
        end[0] = 0x80;
        self.update(&end[..padding]);
        self.update(&bits);
        let mut digest = [0; 16];
        for (bytes, word) in digest.as_chunks_mut::<4>().0.iter_mut().zip(self.state) {
            *bytes = word.to_le_bytes();
        }
        digest
    }

    /// The state, the length, and the bytes behind the last full block.
    pub(crate) fn save(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.state.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.extend(self.len.to_le_bytes());
        bytes.extend(&self.rest[..self.filled()]);
        bytes
    }

    /// Goes on from what [`Self::save`] gave; `None` when it did not.
    pub(crate) fn restore(bytes: &[u8]) -> Option<Self> {
        let (state, bytes) = bytes.split_first_chunk::<16>()?;
        let (len, kept) = bytes.split_first_chunk::<8>()?;
        let mut md5 = Self { len: u64::from_le_bytes(*len), ..Self::new() };
        for (word, bytes) in md5.state.iter_mut().zip(state.as_chunks::<4>().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        if kept.len() != md5.filled() {
            return None;
        }
        md5.rest[..kept.len()].copy_from_slice(kept);
        Some(md5)
    }
}

impl fmt::Debug for Md5 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Md5").field("len", &self.len).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use md5::Digest;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_the_md5_others_compute(data in proptest::collection::vec(any::<u8>(), 0..400), cut in 0_usize..400) {
            let cut = cut.min(data.len());
            let mut ours = Md5::new();
            ours.update(&data[..cut]);
            let mut ours = Md5::restore(&ours.save()).unwrap();
            ours.update(&data[cut..]);
            let theirs: [u8; 16] = md5::Md5::digest(&data).into();
            prop_assert_eq!(ours.finalize(), theirs);
        }
    }
}
