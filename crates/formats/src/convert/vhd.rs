// SPDX-License-Identifier: Apache-2.0
//! Microsoft's older virtual disk: a growing one has a table of its blocks, a fixed one a footer behind the disk.

use super::mapped::{Layout, Mapped, Place};
use super::raw::Raw;
use super::source::Source;
use super::{ConversionError, ImageReader};
use crate::bytes::{be32, be64};

const SECTOR: u64 = 512;
const FOOTER_LEN: usize = 512;
const COOKIE: &[u8] = b"conectix";
const TABLE_COOKIE: [u8; 8] = *b"cxsparse";
const FIXED: u32 = 2;
const DYNAMIC: u32 = 3;
/// Blocks are 2 MiB, or 512 KiB.
const BLOCK_MAX: u32 = 256 << 20;
const NOTHING: u32 = u32::MAX;

/// A disk of either kind.
pub(super) fn open(source: Source) -> Result<Box<dyn ImageReader>, ConversionError> {
    let mut footer = [0; FOOTER_LEN];
    source.read(&mut footer, 0)?;
    if footer.starts_with(COOKIE) {
        let image = Dynamic::open(&source, &footer)?;
        return Ok(Box::new(Mapped::new(source, image)));
    }
    let len = source.len().saturating_sub(SECTOR);
    source.read(&mut footer, len)?;
    let (kind, disk_len) = (be32(&footer, 60), be64(&footer, 48));
    if !footer.starts_with(COOKIE) || kind != Some(FIXED) || disk_len != Some(len) || !is_sound(&footer) {
        return Err(ConversionError::Unsupported("it is neither a growing nor a fixed VHD".to_owned()));
    }
    Ok(Box::new(Raw::part(source, len)))
}

/// The sum of the other bytes is kept, inverted.
fn is_sound(footer: &[u8]) -> bool {
    let sum = |bytes: &[u8]| bytes.iter().fold(0_u32, |sum, byte| sum.wrapping_add(u32::from(*byte)));
    be32(footer, 64) == Some(!(sum(&footer[..64]).wrapping_add(sum(&footer[68..]))))
}

#[derive(Debug)]
struct Dynamic {
    len: u64,
    /// Bytes.
    block: u64,
    /// Bytes before a block's data: which of its sectors were written.
    bitmap: u64,
    table: u64,
}

impl Dynamic {
    fn open(source: &Source, footer: &[u8]) -> Result<Self, ConversionError> {
        match be32(footer, 60) {
            Some(DYNAMIC) if is_sound(footer) => {}
            Some(DYNAMIC) | None => return Err(ConversionError::CUT_OFF),
            Some(_) => {
                let reason = "it is the difference to another image, or of an unknown kind";
                return Err(ConversionError::Unsupported(reason.to_owned()));
            }
        }
        let header = be64(footer, 16).ok_or(ConversionError::CUT_OFF)?;
        source.within(header, 1024)?;
        if source.entry(header)? != TABLE_COOKIE {
            return Err(ConversionError::CUT_OFF);
        }
        let entries = u64::from(u32::from_be_bytes(source.entry(header + 28)?));
        let block = u32::from_be_bytes(source.entry(header + 32)?);
        let len = be64(footer, 48).ok_or(ConversionError::CUT_OFF)?;
        if !block.is_power_of_two()
            || !(512..=BLOCK_MAX).contains(&block)
            || len.div_ceil(u64::from(block)) > entries
        {
            return Err(ConversionError::CUT_OFF);
        }
        let block = u64::from(block);
        let bitmap = (block / SECTOR).div_ceil(8).next_multiple_of(SECTOR);
        let table = u64::from_be_bytes(source.entry(header + 16)?);
        source.within(table, entries * 4)?;
        Ok(Self { len, block, bitmap, table })
    }
}

impl Layout for Dynamic {
    fn len(&self) -> u64 {
        self.len
    }

    fn locate(&self, source: &Source, offset: u64) -> Result<(Place, u64), ConversionError> {
        let (number, within) = (offset / self.block, offset % self.block);
        let entry = u32::from_be_bytes(source.entry(self.table + number * 4)?);
        if entry == NOTHING {
            return Ok((Place::Zero, self.block - within));
        }
        let at = u64::from(entry) * SECTOR + self.bitmap + within;
        source.within(at, 1)?;
        Ok((Place::Stored(at), self.block - within))
    }
}
