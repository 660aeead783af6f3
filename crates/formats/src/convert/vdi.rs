// SPDX-License-Identifier: Apache-2.0
//! VirtualBox's disk: one table leads to its blocks.

use super::ConversionError;
use super::mapped::{Layout, Place};
use super::source::Source;

const SIGNATURE: u32 = 0xbeda_107f;
const VERSION: u32 = 0x0001_0001;
const SECTOR: u32 = 512;
/// Blocks are 1 MiB everywhere.
const BLOCK_MAX: u32 = 64 << 20;
/// From here on an entry says that nothing is stored: never written, or given back.
const NOTHING: u32 = 0xffff_fffe;
const DYNAMIC: u32 = 1;
const FIXED: u32 = 2;

#[derive(Debug)]
pub(super) struct Vdi {
    len: u64,
    /// Bytes.
    block: u64,
    table: u64,
    blocks: u64,
    first_block: u64,
}

impl Vdi {
    pub(super) fn open(source: &Source) -> Result<Self, ConversionError> {
        let le32 = |offset| source.entry(offset).map(u32::from_le_bytes);
        if (le32(0x40)?, le32(0x44)?) != (SIGNATURE, VERSION) {
            return Err(ConversionError::Unsupported("it is not a VDI of version 1.1".to_owned()));
        }
        let parents: [u8; 32] = source.entry(0x1a8)?;
        let kind = le32(0x4c)?;
        if parents != [0; 32] || !matches!(kind, DYNAMIC | FIXED) {
            return Err(ConversionError::Unsupported("it is the difference to another image".to_owned()));
        }
        let block = le32(0x178)?;
        let sound = le32(0x168)? == SECTOR
            && block.is_power_of_two()
            && (SECTOR..=BLOCK_MAX).contains(&block)
            && le32(0x17c)? == 0;
        let image = Self {
            len: u64::from_le_bytes(source.entry(0x170)?),
            block: u64::from(block),
            table: u64::from(le32(0x154)?),
            blocks: u64::from(le32(0x180)?),
            first_block: u64::from(le32(0x158)?),
        };
        if !sound || image.len.div_ceil(image.block.max(1)) > image.blocks {
            return Err(ConversionError::CUT_OFF);
        }
        source.within(image.table, image.blocks * 4)?;
        Ok(image)
    }
}

impl Layout for Vdi {
    fn len(&self) -> u64 {
        self.len
    }

    fn locate(&self, source: &Source, offset: u64) -> Result<(Place, u64), ConversionError> {
        let (number, within) = (offset / self.block, offset % self.block);
        let entry = u32::from_le_bytes(source.entry(self.table + number * 4)?);
        if entry >= NOTHING {
            return Ok((Place::Zero, self.block - within));
        }
        let at = self.first_block + u64::from(entry) * self.block + within;
        source.within(at, 1)?;
        Ok((Place::Stored(at), self.block - within))
    }
}
