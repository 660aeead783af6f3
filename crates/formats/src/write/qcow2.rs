// SPDX-License-Identifier: Apache-2.0
//! qcow2 version 3: header, reference counts, tables, and the clusters in the disk's order.

use super::census::{BLOCK, Census};
use super::{NextPiece, Piece};
use crate::convert::{ConversionError, ImageReader};

const CLUSTER_BITS: u32 = 16;
/// Entries of 8 bytes in a cluster.
const ENTRIES: u64 = BLOCK / 8;
/// Reference counts of 2 bytes in a cluster.
const COUNTS: u64 = BLOCK / 2;
/// As a power of two, in bits.
const COUNT_ORDER: u32 = 4;
const HEADER_LEN: u32 = 104;
/// Only one reference leads to the cluster.
const COPIED: u64 = 1 << 63;
/// Clusters a first table of 32 MiB maps; QEMU reads no longer one.
const DISK_MAX: u64 = (32 << 20) / 8 * ENTRIES * BLOCK;

/// Where everything is, in clusters of the file.
#[derive(Debug, Clone, Copy)]
struct Plan {
    /// The table of the blocks of counts is behind the header.
    count_blocks_at: u64,
    first_table_at: u64,
    second_tables_at: u64,
    data_at: u64,
    total: u64,
}

impl Plan {
    fn new(first_entries: u64, second_tables: u64, data: u64) -> Self {
        let rest = 1 + first_entries.div_ceil(ENTRIES) + second_tables + data;
        let (mut table, mut blocks) = (0, 0);
        // Counts are counted too: grow until they fit.
        loop {
            let total = rest + table + blocks;
            let needed = total.div_ceil(COUNTS);
            let needed_table = needed.div_ceil(ENTRIES);
            if (needed_table, needed) == (table, blocks) {
                break;
            }
            (table, blocks) = (needed_table, needed);
        }
        let count_blocks_at = 1 + table;
        let first_table_at = count_blocks_at + blocks;
        let second_tables_at = first_table_at + first_entries.div_ceil(ENTRIES);
        let data_at = second_tables_at + second_tables;
        Self { count_blocks_at, first_table_at, second_tables_at, data_at, total: data_at + data }
    }
}

#[derive(Debug)]
pub(super) struct Qcow2Output {
    census: Census,
    plan: Plan,
    /// Cluster of the file to be written next.
    at: u64,
    /// Second tables that were named, number of the next to be written, clusters of data that were named, and
    /// the next to be written.
    tables_named: u64,
    next_table: u64,
    data_named: u64,
    next_data: u64,
}

impl Qcow2Output {
    pub(super) fn new(reader: Box<dyn ImageReader>) -> Result<Self, ConversionError> {
        let census = Census::take(reader, DISK_MAX)?;
        let entries = census.blocks().div_ceil(ENTRIES);
        let tables = (0..entries).filter(|table| census.any_used(table * ENTRIES, ENTRIES)).count();
        let plan = Plan::new(entries, tables as u64, census.used());
        Ok(Self { census, plan, at: 0, tables_named: 0, next_table: 0, data_named: 0, next_data: 0 })
    }

    pub(super) fn len(&self) -> u64 {
        self.plan.total * BLOCK
    }

    pub(super) fn next_piece(&mut self) -> NextPiece {
        let at = self.at;
        if at == self.plan.total {
            return Ok(None);
        }
        self.at += 1;
        let mut cluster = vec![0; BLOCK as usize];
        let plan = self.plan;
        if at == 0 {
            self.header(&mut cluster);
        } else if at < plan.count_blocks_at {
            self.count_table(&mut cluster, (at - 1) * ENTRIES);
        } else if at < plan.first_table_at {
            self.counts(&mut cluster, (at - plan.count_blocks_at) * COUNTS);
        } else if at < plan.second_tables_at {
            self.first_table(&mut cluster, (at - plan.first_table_at) * ENTRIES);
        } else if at < plan.data_at {
            self.second_table(&mut cluster);
        } else {
            self.data(&mut cluster)?;
        }
        Ok(Some(Piece::Data(cluster)))
    }

    fn header(&self, cluster: &mut [u8]) {
        let plan = &self.plan;
        let entries = self.census.blocks().div_ceil(ENTRIES) as u32;
        let mut put = |at: usize, bytes: &[u8]| cluster[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, b"QFI\xfb");
        put(4, &3_u32.to_be_bytes());
        put(20, &CLUSTER_BITS.to_be_bytes());
        put(24, &self.census.disk_len().to_be_bytes());
        put(36, &entries.to_be_bytes());
        put(40, &(plan.first_table_at * BLOCK).to_be_bytes());
        put(48, &BLOCK.to_be_bytes());
        put(56, &((plan.count_blocks_at - 1) as u32).to_be_bytes());
        put(96, &COUNT_ORDER.to_be_bytes());
        put(100, &HEADER_LEN.to_be_bytes());
    }

    fn count_table(&self, cluster: &mut [u8], first: u64) {
        let blocks = self.plan.first_table_at - self.plan.count_blocks_at;
        fill(
            cluster,
            first,
            |number| {
                if number < blocks { (self.plan.count_blocks_at + number) * BLOCK } else { 0 }
            },
        );
    }

    fn counts(&self, cluster: &mut [u8], first: u64) {
        for (count, number) in cluster.as_chunks_mut::<2>().0.iter_mut().zip(first..) {
            *count = u16::from(number < self.plan.total).to_be_bytes();
        }
    }

    fn first_table(&mut self, cluster: &mut [u8], first: u64) {
        let (census, plan, named) = (&self.census, self.plan, &mut self.tables_named);
        fill(cluster, first, |number| {
            if !census.any_used(number.saturating_mul(ENTRIES), ENTRIES) {
                return 0;
            }
            *named += 1;
            ((plan.second_tables_at + *named - 1) * BLOCK) | COPIED
        });
    }

    fn second_table(&mut self, cluster: &mut [u8]) {
        // Tables of nothing but zeroes are not written.
        let used = self.census.next_used(self.next_table * ENTRIES);
        let first = used.map_or(0, |block| block - block % ENTRIES);
        self.next_table = first / ENTRIES + 1;
        let (census, plan, named) = (&self.census, self.plan, &mut self.data_named);
        fill(cluster, first, |block| {
            if !census.is_used(block) {
                return 0;
            }
            *named += 1;
            ((plan.data_at + *named - 1) * BLOCK) | COPIED
        });
    }

    fn data(&mut self, cluster: &mut [u8]) -> Result<(), ConversionError> {
        if let Some(block) = self.census.next_used(self.next_data) {
            self.census.read(block, cluster)?;
            self.next_data = block + 1;
        }
        Ok(())
    }
}

/// Fills a cluster with the entries of a table from `first` on.
fn fill(cluster: &mut [u8], first: u64, mut entry: impl FnMut(u64) -> u64) {
    for (bytes, number) in cluster.as_chunks_mut::<8>().0.iter_mut().zip(first..) {
        *bytes = entry(number).to_be_bytes();
    }
}
