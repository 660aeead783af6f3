// SPDX-License-Identifier: Apache-2.0
//! VMware's `monolithicSparse`: header and descriptor, the directory with its tables twice, and the grains in the
//! disk's order.

use super::census::{BLOCK, Census};
use super::{NextPiece, Piece};
use crate::convert::{ConversionError, ImageReader};

const SECTOR: u64 = 512;
const GRAIN_SECTORS: u64 = BLOCK / SECTOR;
/// Grains in a table of 4 sectors.
const ENTRIES: u64 = 512;
const TABLE_SECTORS: u64 = ENTRIES * 4 / SECTOR;
const DESCRIPTOR_SECTORS: u64 = 20;
/// Newlines can be checked; there is a second directory.
const FLAGS: u32 = 0b11;
/// Bytes altered by a transfer as text show here.
const NEWLINES: &[u8] = b"\n \r\n";
/// Entries are 32 bits of sectors: with the tables it must stay below 2 TiB.
const DISK_MAX: u64 = (2 << 40) - (4 << 30);
const HEADS: u64 = 16;
const SECTORS_IN_TRACK: u64 = 63;

/// What is written, in this order; numbers are of tables or grains.
#[derive(Debug, Clone, Copy)]
enum Part {
    Header,
    Directory { second: bool },
    Table { second: bool, number: u64 },
    Padding,
    Grains,
    End,
}

#[derive(Debug)]
pub(super) struct VmdkOutput {
    census: Census,
    tables: u64,
    next: Part,
    /// Grains named in the tables written so far, and the first that was not written.
    named: u64,
    next_grain: u64,
}

impl VmdkOutput {
    pub(super) fn new(reader: Box<dyn ImageReader>) -> Result<Self, ConversionError> {
        let census = Census::take(reader, DISK_MAX)?;
        let tables = census.blocks().div_ceil(ENTRIES);
        Ok(Self { census, tables, next: Part::Header, named: 0, next_grain: 0 })
    }

    pub(super) fn len(&self) -> u64 {
        (self.grains_at() + self.census.used() * GRAIN_SECTORS) * SECTOR
    }

    fn directory_sectors(&self) -> u64 {
        (self.tables * 4).div_ceil(SECTOR)
    }

    /// The first sector of the first or the second directory; its tables follow it.
    fn directory_at(&self, second: bool) -> u64 {
        let one = self.directory_sectors() + self.tables * TABLE_SECTORS;
        1 + DESCRIPTOR_SECTORS + if second { one } else { 0 }
    }

    fn tables_end(&self) -> u64 {
        self.directory_at(true) + self.directory_sectors() + self.tables * TABLE_SECTORS
    }

    fn grains_at(&self) -> u64 {
        self.tables_end().next_multiple_of(GRAIN_SECTORS)
    }

    pub(super) fn next_piece(&mut self) -> NextPiece {
        loop {
            let (piece, next) = match self.next {
                Part::Header => (self.header(), Part::Directory { second: false }),
                Part::Directory { second } => (self.directory(second), Part::Table { second, number: 0 }),
                Part::Table { second, number } if number < self.tables => {
                    (self.table(number), Part::Table { second, number: number + 1 })
                }
                Part::Table { second: false, .. } => {
                    self.named = 0;
                    (Vec::new(), Part::Directory { second: true })
                }
                Part::Table { second: true, .. } => (Vec::new(), Part::Padding),
                Part::Padding => {
                    let len = (self.grains_at() - self.tables_end()) * SECTOR;
                    (vec![0; len as usize], Part::Grains)
                }
                Part::Grains => match self.grain()? {
                    Some(grain) => (grain, Part::Grains),
                    None => (Vec::new(), Part::End),
                },
                Part::End => return Ok(None),
            };
            self.next = next;
            if !piece.is_empty() {
                return Ok(Some(Piece::Data(piece)));
            }
        }
    }

    fn header(&self) -> Vec<u8> {
        let mut bytes = vec![0; ((1 + DESCRIPTOR_SECTORS) * SECTOR) as usize];
        let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
        put(0, b"KDMV");
        put(4, &1_u32.to_le_bytes());
        put(8, &FLAGS.to_le_bytes());
        put(12, &(self.census.disk_len() / SECTOR).to_le_bytes());
        put(20, &GRAIN_SECTORS.to_le_bytes());
        put(28, &1_u64.to_le_bytes());
        put(36, &DESCRIPTOR_SECTORS.to_le_bytes());
        put(44, &(ENTRIES as u32).to_le_bytes());
        put(48, &self.directory_at(false).to_le_bytes());
        put(56, &self.directory_at(true).to_le_bytes());
        put(64, &self.grains_at().to_le_bytes());
        put(73, NEWLINES);
        put(SECTOR as usize, self.descriptor().as_bytes());
        bytes
    }

    fn descriptor(&self) -> String {
        let sectors = self.census.disk_len() / SECTOR;
        let cylinders = (sectors / (HEADS * SECTORS_IN_TRACK)).min(16_383);
        format!(
            "# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\n\
             createType=\"monolithicSparse\"\n\n# Extent description\nRW {sectors} SPARSE \"disk.vmdk\"\n\n\
             # The Disk Data Base\n#DDB\n\nddb.virtualHWVersion = \"4\"\n\
             ddb.geometry.cylinders = \"{cylinders}\"\nddb.geometry.heads = \"{HEADS}\"\n\
             ddb.geometry.sectors = \"{SECTORS_IN_TRACK}\"\nddb.adapterType = \"ide\"\n"
        )
    }

    fn directory(&self, second: bool) -> Vec<u8> {
        let first_table = self.directory_at(second) + self.directory_sectors();
        let mut bytes = vec![0; (self.directory_sectors() * SECTOR) as usize];
        for (entry, number) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(0..self.tables) {
            *entry = ((first_table + number * TABLE_SECTORS) as u32).to_le_bytes();
        }
        bytes
    }

    fn table(&mut self, number: u64) -> Vec<u8> {
        let mut bytes = vec![0; (TABLE_SECTORS * SECTOR) as usize];
        for (entry, grain) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(number * ENTRIES..) {
            if self.census.is_used(grain) {
                *entry = ((self.grains_at() + self.named * GRAIN_SECTORS) as u32).to_le_bytes();
                self.named += 1;
            }
        }
        bytes
    }

    fn grain(&mut self) -> Result<Option<Vec<u8>>, ConversionError> {
        let Some(number) = self.census.next_used(self.next_grain) else { return Ok(None) };
        let mut grain = vec![0; BLOCK as usize];
        self.census.read(number, &mut grain)?;
        self.next_grain = number + 1;
        Ok(Some(grain))
    }
}
