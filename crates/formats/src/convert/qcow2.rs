// SPDX-License-Identifier: Apache-2.0
//! A qcow2 image: two levels of tables lead to its clusters.

use std::cell::RefCell;
use std::io::{self, Read};

use flate2::bufread::DeflateDecoder;
use zstd::stream::read::Decoder;
use zstd::zstd_safe::DCtx;

use super::mapped::{Layout, Place};
use super::source::Source;
use super::{ConversionError, check_beginning};
use crate::DiskFormat;

/// Compressed with something else than deflate.
const COMPRESSION_TYPE: u64 = 0b1000;
/// QEMU's limit too.
const TABLE_MAX: u64 = 32 << 20;
/// The part of a table's entry that is an offset.
const OFFSET_MASK: u64 = 0x00ff_ffff_ffff_fe00;
/// Memory a compressed cluster may ask for, as a power of two of bytes: clusters have 2 MiB at most.
const WINDOW_BITS: u32 = 23;
const COMPRESSED: u64 = 1 << 62;
/// Of version 3.
const READS_ZERO: u64 = 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compression {
    Deflate,
    Zstd,
}

#[derive(Debug)]
pub(super) struct Qcow2 {
    len: u64,
    /// Length of a cluster as a power of two.
    bits: u32,
    first_table: u64,
    has_zero_flag: bool,
    compression: Compression,
}

impl Qcow2 {
    pub(super) fn open(source: &Source) -> Result<Self, ConversionError> {
        check_beginning(source, DiskFormat::Qcow2)?;
        let be32 = |offset| source.entry(offset).map(u32::from_be_bytes);
        let be64 = |offset| source.entry(offset).map(u64::from_be_bytes);
        if be32(32)? != 0 {
            return Err(ConversionError::Unsupported("it is encrypted".to_owned()));
        }
        let has_zero_flag = be32(4)? == 3;
        let features = if has_zero_flag { be64(72)? } else { 0 };
        let compression =
            if features & COMPRESSION_TYPE == 0 { Compression::Deflate } else { compression(source)? };
        let bits = be32(20)?;
        if !(9..=21).contains(&bits) {
            return Err(ConversionError::CUT_OFF);
        }
        let image = Self { len: be64(24)?, bits, first_table: be64(40)?, has_zero_flag, compression };
        let entries = u64::from(be32(36)?);
        // What the tables do not map would read as zeroes.
        if entries * 8 > TABLE_MAX || image.len.div_ceil(1 << image.table_bits()) > entries {
            return Err(ConversionError::CUT_OFF);
        }
        source.within(image.first_table, entries * 8)?;
        Ok(image)
    }

    /// Bytes of the disk that one table of the second level maps, as a power of two.
    fn table_bits(&self) -> u32 {
        self.bits + self.bits - 3
    }

    /// An offset of a cluster that begins inside of the file.
    fn cluster(&self, entry: u64, source: &Source) -> Result<u64, ConversionError> {
        let offset = entry & OFFSET_MASK;
        if offset.trailing_zeros() < self.bits {
            return Err(ConversionError::CUT_OFF);
        }
        source.within(offset, 1)?;
        Ok(offset)
    }

    fn packed(&self, entry: u64, within: u64) -> Place {
        let offset_bits = 62 - (self.bits - 8);
        let at = entry & ((1 << offset_bits) - 1);
        let more_sectors = (entry & (COMPRESSED - 1)) >> offset_bits;
        Place::Packed { at, len: (more_sectors + 1) * 512 - at % 512, within }
    }
}

fn unzstd(packed: &[u8], cluster: &mut [u8]) -> io::Result<()> {
    thread_local! {
        /// Setting one up costs more than unpacking a cluster with it.
        static CONTEXT: RefCell<DCtx<'static>> = RefCell::new(DCtx::create());
    }
    CONTEXT.with_borrow_mut(|context| {
        let mut decoder = Decoder::with_context(packed, context);
        decoder.window_log_max(WINDOW_BITS)?;
        decoder.single_frame().read_exact(cluster)
    })
}

fn compression(source: &Source) -> Result<Compression, ConversionError> {
    match source.entry::<1>(104)? {
        [0] => Ok(Compression::Deflate),
        [1] => Ok(Compression::Zstd),
        [other] => Err(ConversionError::Unsupported(format!(
            "its clusters are compressed with method {other}, only deflate and zstd are read"
        ))),
    }
}

impl Layout for Qcow2 {
    const TAIL_MAY_LACK: bool = true;

    fn len(&self) -> u64 {
        self.len
    }

    fn locate(&self, source: &Source, offset: u64) -> Result<(Place, u64), ConversionError> {
        let first = self.first_table + (offset >> self.table_bits()) * 8;
        let entry = u64::from_be_bytes(source.entry(first)?);
        if entry & OFFSET_MASK == 0 {
            let mapped = 1_u64 << self.table_bits();
            return Ok((Place::Zero, mapped - offset % mapped));
        }
        let index = (offset >> self.bits) % (1 << (self.bits - 3));
        let entry = u64::from_be_bytes(source.entry(self.cluster(entry, source)? + index * 8)?);
        let within = offset % (1 << self.bits);
        let place = if entry & COMPRESSED != 0 {
            self.packed(entry, within)
        } else if entry & OFFSET_MASK == 0 || (self.has_zero_flag && entry & READS_ZERO != 0) {
            Place::Zero
        } else {
            Place::Stored(self.cluster(entry, source)? + within)
        };
        Ok((place, (1 << self.bits) - within))
    }

    fn unpack(&self, source: &Source, at: u64, len: u64) -> Result<Vec<u8>, ConversionError> {
        // The length is in whole sectors, which the file need not fill.
        let mut packed = vec![0; len.min(source.len().saturating_sub(at)) as usize];
        source.read(&mut packed, at)?;
        let mut cluster = vec![0; 1 << self.bits];
        let unpacked = match self.compression {
            Compression::Deflate => DeflateDecoder::new(&packed[..]).read_exact(&mut cluster),
            Compression::Zstd => unzstd(&packed, &mut cluster),
        };
        unpacked.map_err(|_| ConversionError::COMPRESSED_DATA)?;
        Ok(cluster)
    }
}
