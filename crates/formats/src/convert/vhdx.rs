// SPDX-License-Identifier: Apache-2.0
//! Microsoft's newer virtual disk: regions named by GUIDs hold its properties and the table of its blocks.

use super::ConversionError;
use super::mapped::{Layout, Place};
use super::source::Source;
use crate::bytes::{array, le16, le32, le64};

const HEADERS: [u64; 2] = [64 << 10, 128 << 10];
const HEADER_LEN: usize = 4 << 10;
const REGIONS: [u64; 2] = [192 << 10, 256 << 10];
const TABLE_LEN: usize = 64 << 10;
const MIB: u64 = 1 << 20;
/// Entries of one of the small tables.
const ENTRIES_MAX: usize = 2047;
/// Sectors that one block of the bitmaps between the payload blocks stands for.
const SECTORS_IN_BITMAP: u64 = 1 << 23;

type Guid = [u8; 16];

/// A GUID as it lies in the file.
const fn guid(a: u32, b: u16, c: u16, d: [u8; 8]) -> Guid {
    let ([a0, a1, a2, a3], [b0, b1], [c0, c1]) = (a.to_le_bytes(), b.to_le_bytes(), c.to_le_bytes());
    [a0, a1, a2, a3, b0, b1, c0, c1, d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]]
}

const BLOCK_TABLE: Guid = guid(0x2dc2_7766, 0xf623, 0x4200, [0x9d, 0x64, 0x11, 0x5e, 0x9b, 0xfd, 0x4a, 0x08]);
const METADATA: Guid = guid(0x8b7c_a206, 0x4790, 0x4b9a, [0xb8, 0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88, 0x6e]);
const PARAMETERS: Guid = guid(0xcaa1_6737, 0xfa36, 0x4d43, [0xb3, 0xb6, 0x33, 0xf0, 0xaa, 0x44, 0xe7, 0x6b]);
const DISK_LEN: Guid = guid(0x2fa5_4224, 0xcd1b, 0x4876, [0xb2, 0x11, 0x5d, 0xbe, 0xd8, 0x3b, 0xf4, 0xb8]);
const SECTOR_LEN: Guid = guid(0x8141_bf1d, 0xa96f, 0x4709, [0xba, 0x47, 0xf2, 0x33, 0xa8, 0xfa, 0xab, 0x5f]);
const HAS_PARENT: u32 = 0b10;

#[derive(Debug)]
pub(super) struct Vhdx {
    len: u64,
    /// Bytes.
    block: u64,
    table: u64,
    /// After so many payload blocks the table has an entry for a block of bitmaps.
    ratio: u64,
}

impl Vhdx {
    pub(super) fn open(source: &Source) -> Result<Self, ConversionError> {
        if source.entry(0)? != *b"vhdxfile" {
            return Err(ConversionError::Unsupported("it is not a VHDX".to_owned()));
        }
        let header = current_header(source)?;
        if array(&header, 48) != Some([0_u8; 16]) {
            let reason = "its log was not written back: whoever had it open did not close it";
            return Err(ConversionError::Unsupported(reason.to_owned()));
        }
        let regions = regions(source)?;
        let entry = |wanted| find(&regions, 16, wanted).ok_or(ConversionError::CUT_OFF);
        let (metadata, table) = (entry(METADATA)?, entry(BLOCK_TABLE)?);
        let place = |entry: &[u8]| Some((le64(entry, 16)?, u64::from(le32(entry, 24)?)));
        let (table, table_len) = place(table).ok_or(ConversionError::CUT_OFF)?;
        let (metadata, _) = place(metadata).ok_or(ConversionError::CUT_OFF)?;
        let (block, len, sector) = properties(source, metadata)?;
        let ratio = (SECTORS_IN_BITMAP * sector / block).max(1);
        let blocks = len.div_ceil(block);
        let entries = blocks + blocks.saturating_sub(1) / ratio;
        if entries > table_len / 8 {
            return Err(ConversionError::CUT_OFF);
        }
        source.within(table, entries * 8)?;
        Ok(Self { len, block, table, ratio })
    }
}

/// Of the two headers the sound one that was written last.
fn current_header(source: &Source) -> Result<Vec<u8>, ConversionError> {
    let mut current: Option<(u64, Vec<u8>)> = None;
    for at in HEADERS {
        let mut header = vec![0; HEADER_LEN];
        source.read(&mut header, at)?;
        let number = le64(&header, 8).filter(|_| is_sound(&mut header, b"head"));
        if let Some(number) = number.filter(|_| le16(&header, 66) == Some(1))
            && current.as_ref().is_none_or(|(newest, _)| *newest < number)
        {
            current = Some((number, header));
        }
    }
    current.map(|(_, header)| header).ok_or(ConversionError::CUT_OFF)
}

fn regions(source: &Source) -> Result<Vec<u8>, ConversionError> {
    for at in REGIONS {
        let mut table = vec![0; TABLE_LEN];
        source.read(&mut table, at)?;
        if !is_sound(&mut table, b"regi") {
            continue;
        }
        let unknown = entries(&table, 16, le32(&table, 8)).any(|entry| {
            !matches!(array(entry, 0), Some(METADATA | BLOCK_TABLE)) && le32(entry, 28) != Some(0)
        });
        return if unknown {
            Err(ConversionError::Unsupported("it needs a region that is not known".to_owned()))
        } else {
            Ok(table)
        };
    }
    Err(ConversionError::CUT_OFF)
}

/// Whether the signature and the CRC-32C over all of it, taken as zero itself, are right.
fn is_sound(bytes: &mut [u8], signature: &[u8]) -> bool {
    let Some(expected) = le32(bytes, 4) else { return false };
    bytes[4..8].fill(0);
    bytes.starts_with(signature) && crc32c::crc32c(bytes) == expected
}

/// The entries of 32 bytes behind a table's head.
fn entries(table: &[u8], from: usize, count: Option<u32>) -> impl Iterator<Item = &[u8]> {
    let count = count.map_or(0, |count| count as usize).min(ENTRIES_MAX);
    table.get(from..).unwrap_or_default().chunks_exact(32).take(count)
}

fn find(table: &[u8], from: usize, wanted: Guid) -> Option<&[u8]> {
    let count = if from == 16 { le32(table, 8) } else { le16(table, 10).map(u32::from) };
    entries(table, from, count).find(|entry| array(entry, 0) == Some(wanted))
}

/// Length of a block, of the disk and of a sector in bytes.
fn properties(source: &Source, metadata: u64) -> Result<(u64, u64, u64), ConversionError> {
    let mut table = vec![0; TABLE_LEN];
    source.read(&mut table, metadata)?;
    if !table.starts_with(b"metadata") {
        return Err(ConversionError::CUT_OFF);
    }
    let item = |wanted| {
        let offset = find(&table, 32, wanted).and_then(|entry| le32(entry, 16));
        offset.and_then(|offset| metadata.checked_add(u64::from(offset))).ok_or(ConversionError::CUT_OFF)
    };
    let parameters = item(PARAMETERS)?;
    let block = u64::from(u32::from_le_bytes(source.entry(parameters)?));
    if u32::from_le_bytes(source.entry(parameters + 4)?) & HAS_PARENT != 0 {
        return Err(ConversionError::Unsupported("it is the difference to another image".to_owned()));
    }
    let len = u64::from_le_bytes(source.entry(item(DISK_LEN)?)?);
    let sector = u64::from(u32::from_le_bytes(source.entry(item(SECTOR_LEN)?)?));
    let sound = (MIB..=256 * MIB).contains(&block) && block.is_power_of_two() && matches!(sector, 512 | 4096);
    if sound { Ok((block, len, sector)) } else { Err(ConversionError::CUT_OFF) }
}

impl Layout for Vhdx {
    fn len(&self) -> u64 {
        self.len
    }

    fn locate(&self, source: &Source, offset: u64) -> Result<(Place, u64), ConversionError> {
        let (number, within) = (offset / self.block, offset % self.block);
        let entry = u64::from_le_bytes(source.entry(self.table + (number + number / self.ratio) * 8)?);
        let place = match entry & 0b111 {
            // Not there, undefined, zero, unmapped (in the number of a draft of the format too).
            0 | 1 | 2 | 3 | 5 => Place::Zero,
            6 => {
                let at = (entry >> 20).checked_mul(MIB).and_then(|at| at.checked_add(within));
                let at = at.ok_or(ConversionError::CUT_OFF)?;
                source.within(at, 1)?;
                Place::Stored(at)
            }
            _ => return Err(ConversionError::Unsupported("parts of it are in another image".to_owned())),
        };
        Ok((place, self.block - within))
    }
}
