// SPDX-License-Identifier: Apache-2.0
//! BLAKE3 of every block of an image, compared with what is expected of it as soon as the block is full.

use std::sync::LazyLock;

use scurry_types::{BLOCK_SIZE, BlockHashes};
use tokio_util::sync::CancellationToken;

use crate::checkpoint::Blob;
use crate::piece::{Part, ZEROES};
use crate::side::Feed;

/// Hash of a full block of zeroes: holes cost nothing.
pub(crate) static ZERO_BLOCK: LazyLock<[u8; 32]> = LazyLock::new(|| {
    let mut hash = blake3::Hasher::new();
    add_zeroes(&mut hash, BLOCK_SIZE);
    *hash.finalize().as_bytes()
});

/// Feeds so many zeroes.
pub(crate) fn add_zeroes(hash: &mut blake3::Hasher, mut len: u64) {
    while len > 0 {
        let step = len.min(ZEROES.len() as u64);
        hash.update(&ZEROES[..step as usize]);
        len -= step;
    }
}

/// A block whose content is not the expected one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WrongBlock(pub(crate) u64);

/// The blocks of an image, fed front to back.
#[derive(Debug)]
pub(crate) struct Blocks {
    expected: Option<BlockHashes>,
    hashes: Vec<[u8; 32]>,
    current: blake3::Hasher,
    filled: u64,
    len: u64,
    wrong: Option<WrongBlock>,
    stop: CancellationToken,
}

impl Blocks {
    /// `stop` is cancelled with the first wrong block.
    pub(crate) fn new(expected: Option<BlockHashes>, stop: CancellationToken) -> Self {
        let hashes = Vec::with_capacity(expected.as_ref().map_or(0, |expected| expected.hashes.len()));
        Self { expected, hashes, current: blake3::Hasher::new(), filled: 0, len: 0, wrong: None, stop }
    }

    /// Goes on behind full blocks with those hashes; `None` when that is no whole number of hashes.
    pub(crate) fn resumed(full: &Blob) -> Option<Self> {
        let (hashes, rest) = full.0.as_chunks::<32>();
        let blocks = Self::new(None, CancellationToken::new());
        let (hashes, len) = (hashes.to_vec(), hashes.len() as u64 * BLOCK_SIZE);
        rest.is_empty().then_some(Self { hashes, len, ..blocks })
    }

    pub(crate) fn data(&mut self, mut data: &[u8]) {
        self.len += data.len() as u64;
        while !data.is_empty() {
            let room = (BLOCK_SIZE - self.filled) as usize;
            let (now, later) = data.split_at(room.min(data.len()));
            self.current.update(now);
            self.filled += now.len() as u64;
            data = later;
            if self.filled == BLOCK_SIZE {
                self.end_block();
            }
        }
    }

    fn zeroes(&mut self, mut len: u64) {
        while len > 0 {
            if self.filled == 0 && len >= BLOCK_SIZE {
                self.len += BLOCK_SIZE;
                len -= BLOCK_SIZE;
                self.push(*ZERO_BLOCK);
            } else {
                let step = len.min(ZEROES.len() as u64).min(BLOCK_SIZE - self.filled);
                self.data(&ZEROES[..step as usize]);
                len -= step;
            }
        }
    }

    fn end_block(&mut self) {
        let hash = *self.current.finalize().as_bytes();
        self.current.reset();
        self.filled = 0;
        self.push(hash);
    }

    fn push(&mut self, hash: [u8; 32]) {
        let index = self.hashes.len();
        let wrong = self.expected.as_ref().is_some_and(|all| all.hashes.get(index) != Some(&hash));
        if wrong && self.wrong.is_none() {
            self.wrong = Some(WrongBlock(index as u64));
            self.stop.cancel();
        }
        self.hashes.push(hash);
    }
}

/// The blocks as far as they were fed.
#[derive(Debug)]
pub(crate) struct BlocksState {
    /// Hashes of the full ones, one after another.
    pub(crate) full: Blob,
    /// Hash of what the last one has, if it is not full.
    pub(crate) partial: Option<Blob>,
}

impl Feed for Blocks {
    type Output = Result<BlockHashes, WrongBlock>;
    type State = BlocksState;

    fn feed(&mut self, part: &Part) {
        match part {
            Part::Data(piece) => self.data(&piece.data),
            Part::Zero { len, .. } => self.zeroes(*len),
        }
    }

    fn state(&self) -> BlocksState {
        let partial = (self.filled > 0).then(|| Blob(self.current.finalize().as_bytes().to_vec()));
        BlocksState { full: Blob(self.hashes.concat()), partial }
    }

    fn finish(self) -> Self::Output {
        self.end()
    }
}

impl Blocks {
    /// There is no more.
    pub(crate) fn end(mut self) -> Result<BlockHashes, WrongBlock> {
        if self.filled > 0 {
            self.end_block();
        }
        match self.wrong {
            Some(wrong) => Err(wrong),
            None => Ok(BlockHashes { image_len: self.len, hashes: self.hashes }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_zeroes_hash_like_read_ones() {
        let len = 2 * BLOCK_SIZE + 12_345;
        let (mut read, mut known) =
            (Blocks::new(None, CancellationToken::new()), Blocks::new(None, CancellationToken::new()));
        read.data(&vec![0; len as usize]);
        known.zeroes(77);
        known.zeroes(len - 77);
        let read = read.finish().unwrap();
        assert_eq!(read.hashes.len(), 3);
        assert_eq!(known.finish().unwrap(), read);
        assert_eq!(Blocks::new(None, CancellationToken::new()).finish().unwrap().hashes.len(), 0);
    }
}
