// SPDX-License-Identifier: Apache-2.0
//! The hashes of an image's blocks, gathered while it is sent, and the digest over them.

use std::sync::Mutex;

use scurry_types::BLOCK_SIZE;

use super::blocks::Read;

/// Hashes of the blocks from the first one on.
#[derive(Debug, Default)]
pub(super) struct Tree(Mutex<Vec<[u8; 32]>>);

impl Tree {
    /// How many of the first blocks are known.
    pub(super) fn known(&self) -> u64 {
        self.hashes().len() as u64
    }

    /// Takes the hashes of blocks that come next; of those known already nothing changes.
    pub(super) fn add(&self, read: &Read) {
        let mut hashes = self.hashes();
        let first = usize::try_from(read.start / BLOCK_SIZE).unwrap_or(usize::MAX);
        if let Some(known) = hashes.len().checked_sub(first) {
            hashes.extend(read.hashes.iter().skip(known));
        }
    }

    /// BLAKE3 over the hashes, when those of all blocks of `len` bytes are known.
    pub(super) fn digest(&self, len: u64) -> Option<[u8; 32]> {
        let hashes = self.hashes();
        let complete = hashes.len() as u64 == len.div_ceil(BLOCK_SIZE);
        complete.then(|| *blake3::hash(hashes.as_flattened()).as_bytes())
    }

    fn hashes(&self) -> std::sync::MutexGuard<'_, Vec<[u8; 32]>> {
        // Nothing panics while it is held; were it so, the hashes in it would still be right.
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(block: u64, hashes: &[[u8; 32]]) -> Read {
        Read { start: block * BLOCK_SIZE, stretches: Vec::new(), hashes: hashes.to_vec() }
    }

    #[test]
    fn blocks_read_twice_count_once() {
        let tree = Tree::default();
        tree.add(&read(0, &[[1; 32], [2; 32]]));
        tree.add(&read(1, &[[2; 32], [3; 32]]));
        tree.add(&read(7, &[[9; 32]]));
        assert_eq!(tree.known(), 3);
        assert_eq!(tree.digest(2 * BLOCK_SIZE), None);
        let all = [[1; 32], [2; 32], [3; 32]].concat();
        assert_eq!(tree.digest(2 * BLOCK_SIZE + 1), Some(*blake3::hash(&all).as_bytes()));
    }
}
