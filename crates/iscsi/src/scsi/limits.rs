// SPDX-License-Identifier: Apache-2.0
//! What a disk says about the sizes of commands and about deallocation: VPD pages 0xB0 and 0xB2.

use super::bytes::{u8_at, u16_at, u32_at, u64_at};

/// Block limits; 0 in a field of the page means "nothing reported" and is `None` here. All in blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Blocks of one read or write.
    pub(crate) transfer: Option<u32>,
    /// Transfers should be multiples of this.
    pub(crate) granularity: Option<u32>,
    /// Blocks of one UNMAP; `None`: the target takes none.
    pub(crate) unmap: Option<u32>,
    /// Ranges of one UNMAP.
    pub(crate) unmap_ranges: Option<u32>,
    /// What can be deallocated is made of pieces of this size.
    pub(crate) unmap_granularity: Option<u32>,
    /// Where the first such piece begins.
    pub(crate) unmap_alignment: u32,
    /// Blocks of one WRITE SAME.
    pub(crate) write_same: Option<u64>,
}

impl Limits {
    /// The fields of page 0xB0, which grew from revision to revision.
    pub(crate) fn parse(body: &[u8]) -> Self {
        let field = |at| u32_at(body, at).filter(|value| *value > 0);
        let aligned = u32_at(body, 28).unwrap_or(0);
        Self {
            granularity: u16_at(body, 2).filter(|value| *value > 0).map(u32::from),
            transfer: field(4),
            unmap: field(16),
            unmap_ranges: field(20),
            unmap_granularity: field(24),
            // UGAVALID is the highest bit.
            unmap_alignment: if aligned >> 31 == 1 { aligned & 0x7fff_ffff } else { 0 },
            write_same: u64_at(body, 32).filter(|value| *value > 0),
        }
    }
}

/// Page 0xB2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Provisioning {
    /// UNMAP is there.
    pub(crate) unmap: bool,
    /// WRITE SAME (16) may deallocate.
    pub(crate) write_same: bool,
    /// Deallocated blocks read as zeroes.
    pub(crate) zeroes: bool,
    /// Thin: what was never written is deallocated.
    pub(crate) thin: bool,
}

impl Provisioning {
    pub(crate) fn parse(body: &[u8]) -> Self {
        let flags = u8_at(body, 1).unwrap_or(0);
        Self {
            unmap: flags & 0x80 != 0,
            write_same: flags & 0x40 != 0,
            zeroes: flags & 0x04 != 0,
            thin: u8_at(body, 2).unwrap_or(0) & 7 == 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_pages_of_old_targets_limit_what_they_name() {
        let mut body = [0_u8; 60];
        body[2..4].copy_from_slice(&8_u16.to_be_bytes());
        body[4..8].copy_from_slice(&2048_u32.to_be_bytes());
        body[16..20].copy_from_slice(&u32::MAX.to_be_bytes());
        body[28..32].copy_from_slice(&(0x8000_0000_u32 | 7).to_be_bytes());
        let limits = Limits::parse(&body);
        assert_eq!(
            (limits.transfer, limits.granularity, limits.unmap),
            (Some(2048), Some(8), Some(u32::MAX))
        );
        assert_eq!(limits.unmap_alignment, 7);
        assert_eq!(limits.write_same, None);
        assert_eq!(Limits::parse(&body[..12]), Limits { unmap: None, unmap_alignment: 0, ..limits });
        body[28] = 0;
        assert_eq!(Limits::parse(&body).unmap_alignment, 0);
        assert_eq!(Limits::parse(&[]), Limits::default());
    }

    #[test]
    fn provisioning_is_read_bit_by_bit() {
        let page = Provisioning::parse(&[0, 0xe4, 2, 0]);
        assert_eq!(page, Provisioning { unmap: true, write_same: true, zeroes: true, thin: true });
        assert_eq!(
            Provisioning::parse(&[0, 0x40, 1]),
            Provisioning { write_same: true, ..Default::default() }
        );
        assert_eq!(Provisioning::parse(&[]), Provisioning::default());
    }
}
