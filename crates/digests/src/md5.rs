// SPDX-License-Identifier: Apache-2.0
//! MD5 (RFC 1321): one stream by an assembly core, several in the lanes of vectors.

use fearless_simd::{Level, Simd};

use self::constants::INITIAL;
use crate::blockwise::{Blockwise, Core, Lanes};

mod constants;
mod lanes;

/// MD5 being computed.
pub(crate) type Md5 = Blockwise<State, 64>;

/// Its state between two blocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct State([u32; 4]);

impl Core<64> for State {
    type Bytes = [u8; 16];

    const INITIAL: Self = Self(INITIAL);
    const LENGTH: usize = 8;

    fn lanes() -> Option<Lanes> {
        // All lanes together take the time of one and a half streams.
        Level::new().as_avx2().map(|_| Lanes { least: 2, most: lanes::LANES })
    }

    fn compress(&mut self, blocks: &[[u8; 64]]) {
        for block in blocks {
            fast_md5::transform(&mut self.0, block);
        }
    }

    fn compress_together(streams: &mut [(&mut Self, &[[u8; 64]])]) {
        match Level::new().as_avx2() {
            Some(avx2) => avx2.vectorize(
                #[inline(always)]
                || lanes::compress(avx2, streams),
            ),
            None => streams.iter_mut().for_each(|(state, blocks)| state.compress(blocks)),
        }
    }

    fn length(bits: u128) -> impl AsRef<[u8]> {
        (bits as u64).to_le_bytes()
    }

    fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(self.0) {
            *bytes = word.to_le_bytes();
        }
        bytes
    }

    fn from_bytes(bytes: [u8; 16]) -> Self {
        let mut words = [0; 4];
        for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        Self(words)
    }
}
