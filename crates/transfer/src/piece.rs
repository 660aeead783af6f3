// SPDX-License-Identifier: Apache-2.0
//! The parts an image is moved in, with their zeroes found once for all who handle them.

use std::sync::Arc;

use bytes::Bytes;

use crate::Reservation;

/// Zeroes are looked for in aligned blocks of this many bytes.
const GRAIN: usize = 4096;
/// A stretch of zeroes to compare with and to hash from.
pub(crate) static ZEROES: [u8; 64 << 10] = [0; 64 << 10];

/// A stretch of an image; clones are cheap and hold the same memory.
#[derive(Debug, Clone)]
pub(crate) enum Part {
    /// Bytes that were read.
    Data(Piece),
    /// Bytes the source knew to be zero.
    Zero { len: u64, offset: u64 },
}

/// Bytes in memory together with their share of the budget.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    pub(crate) offset: u64,
    pub(crate) data: Bytes,
    pub(crate) runs: Arc<[Run]>,
    _share: Arc<Reservation>,
}

/// Neighbouring blocks of a piece that are all zero or all not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) start: usize,
    pub(crate) len: usize,
    pub(crate) zero: bool,
}

impl Part {
    pub(crate) fn data(offset: u64, data: Bytes, share: Reservation) -> Self {
        let runs = runs(offset, &data).into();
        Self::Data(Piece { offset, data, runs, _share: Arc::new(share) })
    }

    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Data(piece) => piece.data.len() as u64,
            Self::Zero { len, .. } => *len,
        }
    }

    /// Shows `look` all bytes in order, known zeroes included.
    pub(crate) fn show(&self, mut look: impl FnMut(&[u8])) {
        match self {
            Self::Data(piece) => look(&piece.data),
            Self::Zero { len, .. } => {
                let mut left = *len;
                while left > 0 {
                    let step = left.min(ZEROES.len() as u64);
                    look(&ZEROES[..step as usize]);
                    left -= step;
                }
            }
        }
    }
}

/// Splits `data`, which lies at `offset` of the image, at the blocks where zeroes begin or end.
pub(crate) fn runs(offset: u64, data: &[u8]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut start = 0;
    while start < data.len() {
        let to_boundary = GRAIN - ((offset + start as u64) % GRAIN as u64) as usize;
        let len = to_boundary.min(data.len() - start);
        let zero = data[start..start + len] == ZEROES[..len];
        match runs.last_mut() {
            Some(run) if run.zero == zero => run.len += len,
            _ => runs.push(Run { start, len, zero }),
        }
        start += len;
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_split_at_aligned_blocks_only() {
        let mut data = vec![1; 3 * GRAIN];
        data[GRAIN - 10..2 * GRAIN + 10].fill(0);
        let run = |start, len, zero| Run { start, len, zero };
        let aligned = vec![run(0, GRAIN, false), run(GRAIN, GRAIN, true), run(2 * GRAIN, GRAIN, false)];
        assert_eq!(runs(0, &data), aligned);
        let shifted = vec![
            run(0, GRAIN - 10, false),
            run(GRAIN - 10, GRAIN, true),
            run(2 * GRAIN - 10, GRAIN + 10, false),
        ];
        assert_eq!(runs(10, &data), shifted);
        assert_eq!(runs(7, &[0; 100]), vec![run(0, 100, true)]);
        assert_eq!(runs(0, &[]), vec![]);
    }
}
