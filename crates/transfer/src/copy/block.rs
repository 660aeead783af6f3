// SPDX-License-Identifier: Apache-2.0
//! One block on its way: its data read, compared with its hash, and told as what is to be written.

use std::ops::Range;

use bytes::Bytes;
use scurry_types::{BLOCK_SIZE, BlockHashes};

use crate::blocks::{ZERO_BLOCK, add_zeroes};
use crate::piece::runs;

/// Something to write, offsets counted from the start of the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Op {
    Data { offset: u64, data: Bytes },
    Zeroes { offset: u64, len: u64 },
}

/// Bytes of the image at their offset.
pub(super) type Piece = (u64, Bytes);

/// Whether these are the bytes of the block, holes between the pieces being zeroes.
pub(super) fn is_block(expected: &[u8; 32], index: u64, len: u64, pieces: &[Piece]) -> bool {
    let mut hash = blake3::Hasher::new();
    let (mut at, end) = (index * BLOCK_SIZE, index * BLOCK_SIZE + len);
    for (offset, data) in pieces {
        add_zeroes(&mut hash, offset - at);
        hash.update(data);
        at = offset + data.len() as u64;
    }
    add_zeroes(&mut hash, end - at);
    hash.finalize() == *expected
}

/// The first of these full blocks that is not expected to be zero.
pub(super) fn first_not_zero(expected: &BlockHashes, mut blocks: Range<u64>) -> Option<u64> {
    blocks.find(|index| {
        let hash = usize::try_from(*index).ok().and_then(|index| expected.hashes.get(index));
        hash != Some(&*ZERO_BLOCK)
    })
}

/// What a target has to be told of a block, neighbouring zeroes as one.
pub(super) fn ops(index: u64, len: u64, pieces: &[Piece]) -> Vec<Op> {
    let mut ops = Vec::with_capacity(pieces.len());
    let (mut at, end) = (index * BLOCK_SIZE, index * BLOCK_SIZE + len);
    for (offset, data) in pieces {
        zeroes(&mut ops, at, *offset);
        for run in runs(*offset, data) {
            let start = offset + run.start as u64;
            if run.zero {
                zeroes(&mut ops, start, start + run.len as u64);
            } else {
                ops.push(Op::Data { offset: start, data: data.slice(run.start..run.start + run.len) });
            }
        }
        at = offset + data.len() as u64;
    }
    zeroes(&mut ops, at, end);
    ops
}

fn zeroes(ops: &mut Vec<Op>, start: u64, end: u64) {
    match ops.last_mut() {
        _ if start >= end => {}
        Some(Op::Zeroes { offset, len }) if *offset + *len == start => *len += end - start,
        _ => ops.push(Op::Zeroes { offset: start, len: end - start }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(offset: u64, data: Vec<u8>) -> Piece {
        (offset, data.into())
    }

    #[test]
    fn a_block_is_what_its_hash_says_whether_read_or_known_to_be_zero() {
        let mut whole = vec![0; BLOCK_SIZE as usize];
        whole[5..9].fill(7);
        let (hash, zeroes) = (*blake3::hash(&whole).as_bytes(), *blake3::hash(&[0; 3]).as_bytes());
        assert!(is_block(&hash, 1, BLOCK_SIZE, &[piece(BLOCK_SIZE, whole)]));
        assert!(is_block(&hash, 1, BLOCK_SIZE, &[piece(BLOCK_SIZE + 5, vec![7; 4])]));
        assert!(!is_block(&hash, 1, BLOCK_SIZE, &[piece(BLOCK_SIZE + 6, vec![7; 4])]));
        assert!(is_block(&zeroes, 2, 3, &[]) && !is_block(&zeroes, 2, 4, &[]));
        let expected = BlockHashes { image_len: 2 * BLOCK_SIZE, hashes: vec![*ZERO_BLOCK, hash] };
        assert_eq!(first_not_zero(&expected, 0..1), None);
        assert_eq!(first_not_zero(&expected, 0..2), Some(1));
    }

    #[test]
    fn zeroes_that_meet_are_one_operation() {
        let mut data = vec![1; 3 * 4096];
        data[..4096].fill(0);
        data[8192..].fill(0);
        let bytes = Bytes::from(data.clone());
        let told = ops(0, 100_000, &[(8192, bytes.clone())]);
        let expected = [
            Op::Zeroes { offset: 0, len: 12_288 },
            Op::Data { offset: 12_288, data: bytes.slice(4096..8192) },
            Op::Zeroes { offset: 16_384, len: 100_000 - 16_384 },
        ];
        assert_eq!(told, expected);
        assert_eq!(ops(1, 3, &[]), [Op::Zeroes { offset: BLOCK_SIZE, len: 3 }]);
    }
}
