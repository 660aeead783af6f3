// SPDX-License-Identifier: Apache-2.0
//! Which parts of a disk hold data.

use std::{ops::Range, sync::atomic::Ordering};

use super::{Disk, DiskError, retry::Request};
use crate::{
    Problem, Transfer,
    scsi::{
        cdb,
        lba_status::{self, Stretch},
    },
};

/// A stretch of bytes of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskExtent {
    /// First byte, counted from the start of the disk.
    pub offset: u64,
    /// Number of bytes.
    pub len: u64,
    /// Whether it has to be read; otherwise it reads as zeroes.
    pub data: bool,
}

impl Disk {
    /// The whole of a range as adjacent extents. A target that cannot tell has nothing but data.
    pub async fn extents(&self, range: Range<u64>) -> Result<Vec<DiskExtent>, DiskError> {
        let len = range.end.saturating_sub(range.start);
        let blocks = self.blocks_around(range.start, len).await?;
        let block_len = u64::from(self.block_len);
        let mut extents: Vec<DiskExtent> = Vec::new();
        for stretch in self.stretches(blocks).await? {
            let offset = (stretch.lba * block_len).max(range.start);
            let end = ((stretch.lba + stretch.blocks) * block_len).min(range.end);
            match extents.last_mut() {
                Some(last) if last.data == stretch.mapped => last.len += end - offset,
                _ => extents.push(DiskExtent { offset, len: end - offset, data: stretch.mapped }),
            }
        }
        Ok(extents)
    }

    /// What GET LBA STATUS says of blocks, without a gap; what it says nothing about counts as mapped.
    pub(super) async fn stretches(&self, blocks: Range<u64>) -> Result<Vec<Stretch>, DiskError> {
        let mut all = Vec::new();
        let mut next = blocks.start;
        while next < blocks.end && self.tells_extents.load(Ordering::Relaxed) {
            let request = Request::new(
                "GET LBA STATUS",
                cdb::get_lba_status(next, lba_status::LEN),
                Transfer::Read(lba_status::LEN),
            );
            let told = match self.carry_out(request).await {
                Ok(answer) => lba_status::parse(&answer.read, next),
                Err(error) if error.problem().is_some_and(Problem::is_unsupported) => Vec::new(),
                Err(error) => return Err(error),
            };
            if told.is_empty() {
                self.tells_extents.store(false, Ordering::Relaxed);
            }
            for stretch in told.into_iter().take_while(|stretch| stretch.lba < blocks.end) {
                let end = (stretch.lba + stretch.blocks).min(blocks.end);
                all.push(Stretch { blocks: end - stretch.lba, ..stretch });
                next = end;
            }
        }
        if next < blocks.end {
            all.push(Stretch { lba: next, blocks: blocks.end - next, mapped: true });
        }
        Ok(all)
    }
}
