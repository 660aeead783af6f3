// SPDX-License-Identifier: Apache-2.0
//! The answer to READ CAPACITY (16).

use super::bytes::{u8_at, u32_at, u64_at};

/// Bytes asked for.
pub(crate) const LEN: u32 = 32;

/// Size and provisioning of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Capacity {
    /// Number of blocks.
    pub(crate) blocks: u64,
    /// Bytes of a block.
    pub(crate) block_len: u32,
    /// Logical block provisioning is managed (LBPME): blocks can be deallocated.
    pub(crate) provisioned: bool,
    /// Deallocated blocks read as zeroes (LBPRZ).
    pub(crate) zeroes: bool,
}

impl Capacity {
    /// `None` for an answer that is too short or describes no disk that we can address by bytes.
    pub(crate) fn parse(data: &[u8]) -> Option<Self> {
        let last = u64_at(data, 0)?;
        let block_len = u32_at(data, 8)?;
        let flags = u8_at(data, 14).unwrap_or(0);
        let blocks = last.checked_add(1)?;
        if !block_len.is_power_of_two() || !(512..=1 << 16).contains(&block_len) {
            return None;
        }
        blocks.checked_mul(block_len.into())?;
        Some(Self { blocks, block_len, provisioned: flags & 0x80 != 0, zeroes: flags & 0x40 != 0 })
    }

    /// Bytes of the disk.
    pub(crate) fn len(&self) -> u64 {
        self.blocks * u64::from(self.block_len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_disks_are_refused() {
        let answer = |last: u64, block_len: u32, flags: u8| {
            let mut data = [0; 32];
            data[..8].copy_from_slice(&last.to_be_bytes());
            data[8..12].copy_from_slice(&block_len.to_be_bytes());
            data[14] = flags;
            Capacity::parse(&data)
        };
        let capacity = answer(0x1f_ffff, 4096, 0xc0).unwrap();
        assert_eq!((capacity.len(), capacity.provisioned, capacity.zeroes), (8 << 30, true, true));
        assert!(!answer(0, 512, 0).unwrap().provisioned);
        assert_eq!(answer(1, 520, 0), None);
        assert_eq!(answer(1, 0, 0), None);
        assert_eq!(answer(u64::MAX, 512, 0), None);
        assert_eq!(answer(u64::MAX - 1, 512, 0), None);
        assert_eq!(Capacity::parse(&[0; 11]), None);
    }
}
