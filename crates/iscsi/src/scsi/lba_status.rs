// SPDX-License-Identifier: Apache-2.0
//! The answer to GET LBA STATUS: which blocks are mapped.

use super::bytes::{u32_at, u64_at};

/// Bytes asked for: room for 255 stretches.
pub(crate) const LEN: u32 = 8 + 255 * 16;

/// Neighbouring blocks in the same state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) lba: u64,
    pub(crate) blocks: u64,
    pub(crate) mapped: bool,
}

/// The stretches from block `from` on, as far as they follow one another without a gap.
pub(crate) fn parse(data: &[u8], from: u64) -> Vec<Stretch> {
    let length = u32_at(data, 0).map_or(0, |length| length as usize + 4).min(data.len());
    let mut stretches = Vec::new();
    let mut next = from;
    for descriptor in data.get(8..length).unwrap_or_default().chunks_exact(16) {
        let (Some(lba), Some(blocks)) = (u64_at(descriptor, 0), u32_at(descriptor, 8)) else { break };
        let end = lba.saturating_add(blocks.into());
        // The first may begin before what was asked for.
        if lba > next || end <= next || (lba < next && !stretches.is_empty()) {
            break;
        }
        // 1 is deallocated, 2 anchored (space, but no data); whatever else there may be counts as data.
        let mapped = !matches!(descriptor[12] & 0xf, 1 | 2);
        stretches.push(Stretch { lba: next, blocks: end - next, mapped });
        next = end;
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(descriptors: &[(u64, u32, u8)]) -> Vec<u8> {
        let mut data = vec![0; 8];
        data[..4].copy_from_slice(&(4 + descriptors.len() as u32 * 16).to_be_bytes());
        for (lba, blocks, state) in descriptors {
            data.extend_from_slice(&lba.to_be_bytes());
            data.extend_from_slice(&blocks.to_be_bytes());
            data.extend_from_slice(&[*state, 0, 0, 0]);
        }
        data
    }

    #[test]
    fn stretches_follow_one_another() {
        let data = answer(&[(0, 10, 0), (10, 5, 1), (15, 1, 2), (16, 1, 9)]);
        let mapped: Vec<_> = parse(&data, 4).iter().map(|s| (s.lba, s.blocks, s.mapped)).collect();
        assert_eq!(mapped, [(4, 6, true), (10, 5, false), (15, 1, false), (16, 1, true)]);
    }

    #[test]
    fn gaps_overlaps_and_nothing_end_it() {
        assert_eq!(parse(&answer(&[(0, 10, 0), (11, 5, 1)]), 0).len(), 1);
        assert_eq!(parse(&answer(&[(0, 10, 0), (9, 5, 1)]), 0).len(), 1);
        assert_eq!(parse(&answer(&[(0, 0, 0)]), 0), []);
        assert_eq!(parse(&answer(&[(5, 1, 0)]), 0), []);
        assert_eq!(parse(&answer(&[(0, 1, 0)])[..20], 0), []);
        assert_eq!(parse(&[], 0), []);
    }
}
