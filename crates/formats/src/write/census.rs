// SPDX-License-Identifier: Apache-2.0
//! Which blocks of a disk hold anything but zeroes, one bit each.

use scurry_types::{ExtentKind, is_zero};

use crate::convert::{ConversionError, ImageReader, runs};

/// Length of a block in bytes: qcow2's clusters and VMDK's grains are as long.
pub(super) const BLOCK: u64 = 64 << 10;

/// A disk, and which of its blocks are to be written.
#[derive(Debug)]
pub(super) struct Census {
    reader: Box<dyn ImageReader>,
    bits: Vec<u64>,
    blocks: u64,
}

impl Census {
    /// Reads all data of the disk; `max_len` bytes is the longest disk taken.
    pub(super) fn take(reader: Box<dyn ImageReader>, max_len: u64) -> Result<Self, ConversionError> {
        let len = reader.len();
        if len > max_len {
            let text = format!("its disk of {len} bytes is too large for the format");
            return Err(ConversionError::Unsupported(text));
        }
        let blocks = len.div_ceil(BLOCK);
        let mut census = Self { reader, bits: vec![0; blocks.div_ceil(64) as usize], blocks };
        let mut block = vec![0; BLOCK as usize];
        let mut next = 0;
        let mut used = Vec::new();
        for extent in runs(&*census.reader) {
            let extent = extent?;
            if extent.kind == ExtentKind::Zero {
                continue;
            }
            // Extents may end inside of a block: it is read once.
            for number in (extent.offset / BLOCK).max(next)..extent.end().div_ceil(BLOCK) {
                census.read(number, &mut block)?;
                if !is_zero(&block) {
                    used.push(number);
                }
            }
            next = extent.end().div_ceil(BLOCK);
            used.drain(..).for_each(|number| census.bits[(number / 64) as usize] |= 1 << (number % 64));
        }
        Ok(census)
    }

    /// Length of the disk in whole sectors, in bytes.
    pub(super) fn disk_len(&self) -> u64 {
        self.reader.len().next_multiple_of(512)
    }

    pub(super) fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Number of blocks to write.
    pub(super) fn used(&self) -> u64 {
        self.bits.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    pub(super) fn is_used(&self, block: u64) -> bool {
        let word = self.bits.get((block / 64) as usize);
        word.is_some_and(|word| word >> (block % 64) & 1 == 1)
    }

    /// Whether any of `count` blocks from `first` on is to be written.
    pub(super) fn any_used(&self, first: u64, count: u64) -> bool {
        (first..(first + count).min(self.blocks)).any(|block| self.is_used(block))
    }

    /// The first block from `from` on that is to be written.
    pub(super) fn next_used(&self, from: u64) -> Option<u64> {
        let mut at = from;
        while at < self.blocks {
            let word = self.bits[(at / 64) as usize] >> (at % 64);
            if word != 0 {
                return Some(at + u64::from(word.trailing_zeros()));
            }
            at = (at / 64 + 1) * 64;
        }
        None
    }

    /// One block; what lies behind the disk's end is zero.
    pub(super) fn read(&self, block: u64, buf: &mut [u8]) -> Result<(), ConversionError> {
        let offset = block * BLOCK;
        let there = (self.reader.len() - offset).min(buf.len() as u64) as usize;
        let (there, behind) = buf.split_at_mut(there);
        behind.fill(0);
        self.reader.read_at(there, offset)
    }
}
