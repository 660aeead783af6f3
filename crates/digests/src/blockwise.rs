// SPDX-License-Identifier: Apache-2.0
//! What MD5 and SHA-512 have in common: they take whole blocks, and pad the last with the length.

use std::fmt;

/// The state of such a hash between two blocks.
pub(crate) trait Core<const BLOCK: usize>: Copy {
    /// The digest and, among other bytes, what is kept of a hash.
    type Bytes: AsRef<[u8]> + for<'a> TryFrom<&'a [u8]>;

    /// The state before the first block.
    const INITIAL: Self;
    /// Bytes at the end of the last block that are for the length.
    const LENGTH: usize;

    /// How many streams are quicker side by side than in turn; `None` where this CPU gains nothing.
    fn lanes() -> Option<Lanes>;

    /// Takes the next blocks.
    fn compress(&mut self, blocks: &[[u8; BLOCK]]);

    /// Takes the next blocks of several streams, as many of each; at most as many streams as there are lanes.
    fn compress_together(streams: &mut [(&mut Self, &[[u8; BLOCK]])]);

    /// The length in bits as the last block ends with it.
    fn length(bits: u128) -> impl AsRef<[u8]>;

    fn to_bytes(self) -> Self::Bytes;

    fn from_bytes(bytes: Self::Bytes) -> Self;
}

/// How many streams are hashed side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lanes {
    /// With fewer it is quicker to hash one after another.
    pub least: usize,
    /// More do not fit.
    pub most: usize,
}

/// A hash being computed.
#[derive(Clone, Copy)]
pub(crate) struct Blockwise<C, const BLOCK: usize> {
    core: C,
    /// Bytes fed so far; those behind the last full block are in `rest`.
    len: u64,
    rest: [u8; BLOCK],
}

impl<C: Core<BLOCK>, const BLOCK: usize> Blockwise<C, BLOCK> {
    pub(crate) const fn new() -> Self {
        Self { core: C::INITIAL, len: 0, rest: [0; BLOCK] }
    }

    const fn filled(&self) -> usize {
        (self.len % BLOCK as u64) as usize
    }

    pub(crate) fn update(&mut self, data: &[u8]) {
        let data = self.fill_block(data);
        let (blocks, rest) = data.as_chunks::<BLOCK>();
        self.core.compress(blocks);
        self.len = self.len.wrapping_add(data.len() as u64);
        self.rest[..rest.len()].copy_from_slice(rest);
    }

    /// Feeds each stream its bytes, as much as possible of them side by side.
    pub(crate) fn update_together(streams: &mut [(&mut Self, &[u8])]) {
        for (hash, data) in streams.iter_mut() {
            *data = hash.fill_block(data);
        }
        let common = streams.iter().map(|(_, data)| data.len() / BLOCK).min().unwrap_or(0);
        let mut lanes = Vec::with_capacity(streams.len());
        for (hash, data) in streams.iter_mut() {
            let (now, later) = data.split_at(common * BLOCK);
            hash.len = hash.len.wrapping_add(now.len() as u64);
            *data = later;
            lanes.push((&mut hash.core, now.as_chunks::<BLOCK>().0));
        }
        C::compress_together(&mut lanes);
        Self::update_in_turn(streams);
    }

    pub(crate) fn update_in_turn(streams: &mut [(&mut Self, &[u8])]) {
        for (hash, data) in streams {
            hash.update(data);
        }
    }

    /// Feeds what a begun block lacks, and leaves the rest.
    fn fill_block<'a>(&mut self, data: &'a [u8]) -> &'a [u8] {
        let filled = self.filled();
        if filled == 0 {
            return data;
        }
        let (now, later) = data.split_at(data.len().min(BLOCK - filled));
        self.rest[filled..filled + now.len()].copy_from_slice(now);
        self.len = self.len.wrapping_add(now.len() as u64);
        if filled + now.len() == BLOCK {
            self.core.compress(&[self.rest]);
        }
        later
    }

    pub(crate) fn finalize(mut self) -> C::Bytes {
        let length = C::length(u128::from(self.len) * 8);
        // A one bit, then zeroes up to where the length ends a block.
        let padding = BLOCK - (self.filled() + C::LENGTH) % BLOCK;
        let mut end = [0; BLOCK];
        end[0] = 0x80;
        self.update(&end[..padding]);
        self.update(length.as_ref());
        self.core.to_bytes()
    }

    /// The state, the length, and the bytes behind the last full block.
    pub(crate) fn save(&self) -> Vec<u8> {
        let mut bytes = self.core.to_bytes().as_ref().to_vec();
        bytes.extend(self.len.to_le_bytes());
        bytes.extend(&self.rest[..self.filled()]);
        bytes
    }

    /// Goes on from what [`Self::save`] gave; `None` when it did not.
    pub(crate) fn restore(bytes: &[u8]) -> Option<Self> {
        let (core, bytes) = bytes.split_at_checked(size_of::<C::Bytes>())?;
        let (len, kept) = bytes.split_first_chunk::<8>()?;
        let core = C::from_bytes(C::Bytes::try_from(core).ok()?);
        let mut hash = Self { core, len: u64::from_le_bytes(*len), rest: [0; BLOCK] };
        if kept.len() != hash.filled() {
            return None;
        }
        hash.rest[..kept.len()].copy_from_slice(kept);
        Some(hash)
    }
}

impl<C, const BLOCK: usize> fmt::Debug for Blockwise<C, BLOCK> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blockwise").field("block", &BLOCK).field("len", &self.len).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
