// SPDX-License-Identifier: Apache-2.0
//! UNMAP, for targets that have nothing better.

use std::{ops::Range, sync::atomic::Ordering};

use bytes::Bytes;

use super::{
    Disk, DiskError,
    access::{Piece, pieces},
    retry::Request,
};
use crate::{Transfer, scsi::cdb};

/// Ranges of one UNMAP at most.
const RANGES: u32 = 64;

impl Disk {
    /// Unmaps what can be unmapped and looks: UNMAP is a request that a target need not follow (SBC-3 4.7.3.4).
    /// What stayed mapped, or may have, is zeroed by writing.
    pub(super) async fn unmap_surely(&self, blocks: Range<u64>) -> Result<(), DiskError> {
        let inner = self.whole_granules(&blocks);
        if inner.is_empty() || self.limits.unmap.is_none() || !self.tells_extents.load(Ordering::Relaxed) {
            return self.zero_by_writing(blocks).await;
        }
        self.unmap(inner.clone()).await?;
        self.zero_by_writing(blocks.start..inner.start).await?;
        self.zero_by_writing(inner.end..blocks.end).await?;
        for stretch in self.stretches(inner).await? {
            if stretch.mapped {
                self.zero_by_writing(stretch.lba..stretch.lba + stretch.blocks).await?;
            }
        }
        Ok(())
    }

    /// The part of a range that is made of whole unmap granules.
    fn whole_granules(&self, blocks: &Range<u64>) -> Range<u64> {
        let granularity = u64::from(self.limits.unmap_granularity.unwrap_or(1));
        let alignment = u64::from(self.limits.unmap_alignment) % granularity;
        // Counted from one granule before the disk, so that nothing is negative.
        let shift = granularity - alignment;
        let start = (blocks.start + shift).next_multiple_of(granularity) - shift;
        let end = ((blocks.end + shift) / granularity * granularity).saturating_sub(shift);
        start..end.max(start)
    }

    async fn unmap(&self, blocks: Range<u64>) -> Result<(), DiskError> {
        let most = self.limits.unmap.unwrap_or(1);
        let each = most.min(1 << 20);
        let granularity = self.limits.unmap_granularity.unwrap_or(1);
        let cut: Vec<Piece> = pieces(blocks, each, granularity, self.limits.unmap_alignment).collect();
        let ranges = self.limits.unmap_ranges.unwrap_or(1).min(RANGES).min(most / each).max(1);
        for group in cut.chunks(ranges as usize) {
            let ranges: Vec<_> = group.iter().map(|piece| (piece.lba, piece.blocks)).collect();
            let list = Bytes::from(cdb::unmap_parameters(&ranges));
            let cdb = cdb::unmap(list.len() as u16);
            self.carry_out(Request::new("UNMAP", cdb, Transfer::Write(vec![list]))).await?;
        }
        Ok(())
    }
}
