// SPDX-License-Identifier: Apache-2.0
//! VMware's sparse extent with its descriptor inside: a directory of tables leads to its grains.

use std::io::Read;

use super::mapped::{Layout, Place};
use super::source::Source;
use super::{ConversionError, check_beginning};
use crate::DiskFormat;
use crate::bytes::{le32, le64};

const SECTOR: u64 = 512;
const AT_END: u64 = u64::MAX;
const HAS_ZERO_GRAINS: u32 = 1 << 2;
const COMPRESSED: u32 = 1 << 16;
const HAS_MARKERS: u32 = 1 << 17;
const DEFLATE: [u8; 2] = [1, 0];
/// A grain is 64 KiB everywhere, and never this long.
const GRAIN_MAX: u64 = 4 << 20;
const ZERO_GRAIN: u32 = 1;
/// Before compressed data: the grain's first sector and the number of bytes.
const MARKER_LEN: u64 = 12;

#[derive(Debug)]
pub(super) struct Vmdk {
    len: u64,
    flags: u32,
    /// Bytes.
    grain: u64,
    grains_in_table: u64,
    /// Offset in bytes.
    directory: u64,
}

impl Vmdk {
    pub(super) fn open(source: &Source) -> Result<Self, ConversionError> {
        check_beginning(source, DiskFormat::Vmdk)?;
        let mut header: [u8; 512] = source.entry(0)?;
        let first = Self::parse(&header)?;
        if first.directory == AT_END {
            let end = source.len().checked_sub(2 * SECTOR).ok_or(ConversionError::CUT_OFF)?;
            source.read(&mut header, end)?;
        }
        let mut image = Self::parse(&header)?;
        if image.len != first.len || image.directory == AT_END {
            return Err(ConversionError::CUT_OFF);
        }
        if image.flags & COMPRESSED != 0 && (image.flags & HAS_MARKERS == 0 || header[77..79] != DEFLATE) {
            return Err(ConversionError::Unsupported(
                "its grains are compressed in an unknown way".to_owned(),
            ));
        }
        image.directory = image.directory.checked_mul(SECTOR).ok_or(ConversionError::CUT_OFF)?;
        let tables = image.len.div_ceil(image.grain * image.grains_in_table);
        source.within(image.directory, tables.saturating_mul(4))?;
        Ok(image)
    }

    fn parse(header: &[u8; 512]) -> Result<Self, ConversionError> {
        let sectors = |at| le64(header, at).and_then(|sectors| sectors.checked_mul(SECTOR));
        let read = || {
            Some(Self {
                len: sectors(12)?,
                flags: le32(header, 8)?,
                grain: sectors(20)?,
                grains_in_table: u64::from(le32(header, 44)?),
                directory: le64(header, 56)?,
            })
        };
        let sound = |image: &Self| {
            (SECTOR..=GRAIN_MAX).contains(&image.grain)
                && image.grain.is_power_of_two()
                && (1..=4096).contains(&image.grains_in_table)
        };
        read().filter(|image| header.starts_with(b"KDMV") && sound(image)).ok_or(ConversionError::CUT_OFF)
    }
}

impl Layout for Vmdk {
    fn len(&self) -> u64 {
        self.len
    }

    fn locate(&self, source: &Source, offset: u64) -> Result<(Place, u64), ConversionError> {
        let (number, within) = (offset / self.grain, offset % self.grain);
        let (table, index) = (number / self.grains_in_table, number % self.grains_in_table);
        let table = u32::from_le_bytes(source.entry(self.directory + table * 4)?);
        if table == 0 {
            return Ok((Place::Zero, (self.grains_in_table - index) * self.grain - within));
        }
        let entry = u32::from_le_bytes(source.entry(u64::from(table) * SECTOR + index * 4)?);
        let at = u64::from(entry) * SECTOR;
        let place = match entry {
            0 => Place::Zero,
            ZERO_GRAIN if self.flags & HAS_ZERO_GRAINS != 0 => Place::Zero,
            _ if self.flags & COMPRESSED != 0 => Place::Packed { at, len: number, within },
            _ => Place::Stored(at + within),
        };
        if let Place::Stored(at) = place {
            source.within(at, 1)?;
        }
        Ok((place, self.grain - within))
    }

    /// `number` is the grain's.
    fn unpack(&self, source: &Source, at: u64, number: u64) -> Result<Vec<u8>, ConversionError> {
        let mut marker = [0; MARKER_LEN as usize];
        source.read(&mut marker, at)?;
        let packed_len = le32(&marker, 8).map(u64::from).filter(|len| *len <= self.grain * 2);
        let first_sector = number * (self.grain / SECTOR);
        let Some(packed_len) = packed_len.filter(|_| le64(&marker, 0) == Some(first_sector)) else {
            return Err(ConversionError::COMPRESSED_DATA);
        };
        let mut packed = vec![0; packed_len as usize];
        source.read(&mut packed, at + MARKER_LEN)?;
        // The grain at the end of the disk may be a short one.
        let needed = (self.len - number * self.grain).min(self.grain) as usize;
        let mut grain = Vec::with_capacity(self.grain as usize);
        let decoder = flate2::read::ZlibDecoder::new(&packed[..]);
        let read = decoder.take(self.grain).read_to_end(&mut grain);
        if read.is_err() || grain.len() < needed {
            return Err(ConversionError::COMPRESSED_DATA);
        }
        Ok(grain)
    }
}
