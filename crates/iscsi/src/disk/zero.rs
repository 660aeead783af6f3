// SPDX-License-Identifier: Apache-2.0
//! Zeroing ranges: without moving bytes where the target can, and so that they read as zeroes in any case.

use std::{ops::Range, sync::atomic::Ordering};

use bytes::Bytes;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use super::{
    Disk, DiskError,
    access::{IN_FLIGHT, Piece, pieces},
    retry::Request,
};
use crate::{
    Problem, Transfer,
    scsi::{cdb, limits::Provisioning},
};

/// Blocks of one WRITE SAME where the target names no limit: what Linux dares.
const UNLIMITED: u64 = 0xffff;
/// Blocks of one WRITE SAME at most, so that it ends in time.
const MOST: u64 = 1 << 20;

static ZEROES: [u8; 1 << 20] = [0; 1 << 20];

/// Ways to zero blocks, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
#[repr(u8)]
pub(super) enum Way {
    /// WRITE SAME that may deallocate: reads as zeroes afterwards in any case.
    Deallocate = 0,
    /// UNMAP, which the target may ignore: what is still mapped afterwards is zeroed another way.
    Unmap = 1,
    /// WRITE SAME without deallocation, else zeroes over the wire.
    Write = 2,
}

impl Way {
    /// The way to begin with.
    pub(super) const fn first(provisioning: &Provisioning) -> Self {
        match (provisioning.zeroes, provisioning.write_same, provisioning.unmap) {
            (true, true, _) => Self::Deallocate,
            (true, false, true) => Self::Unmap,
            _ => Self::Write,
        }
    }

    const fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Deallocate,
            1 => Self::Unmap,
            _ => Self::Write,
        }
    }
}

impl Disk {
    /// Makes a range read as zeroes.
    pub async fn write_zeroes(&self, offset: u64, len: u64) -> Result<(), DiskError> {
        if self.write_protected {
            return Err(DiskError::WriteProtected(self.lun));
        }
        let around = self.blocks_around(offset, len).await?;
        let block_len = u64::from(self.block_len);
        let end = offset + len;
        let inner = offset.div_ceil(block_len)..end / block_len;
        if inner.is_empty() {
            // Less than a block, or a part of two.
            return match around.is_empty() {
                true => Ok(()),
                false => self.zero_part(offset, len).await,
            };
        }
        let (from, to) = (inner.start * block_len, inner.end * block_len);
        self.zero_part(offset, from - offset).await?;
        self.zero_part(to, end - to).await?;
        let _whole = self.edges.read().await;
        self.zero_blocks(inner).await
    }

    /// Zeroes less than two blocks (the longest have 64 KiB); zero already, they are not written: that would allocate them.
    async fn zero_part(&self, offset: u64, len: u64) -> Result<(), DiskError> {
        let zeroes = Bytes::from_static(&ZEROES[..len as usize]);
        match self.read(offset, len as usize).await? == zeroes {
            true => Ok(()),
            false => self.write(offset, zeroes).await,
        }
    }

    async fn zero_blocks(&self, blocks: Range<u64>) -> Result<(), DiskError> {
        loop {
            let way = Way::from_number(self.zeroing.load(Ordering::Relaxed));
            let done = match way {
                Way::Deallocate => self.write_same(blocks.clone(), true).await,
                Way::Unmap => self.unmap_surely(blocks.clone()).await,
                Way::Write => return self.zero_by_writing(blocks).await,
            };
            match done {
                Err(error) if error.problem().is_some_and(Problem::is_unsupported) => {
                    tracing::debug!(?way, %error, "zeroing another way");
                    self.give_up(way);
                }
                done => return done,
            }
        }
    }

    /// A way that the target does not know is not gone again.
    fn give_up(&self, way: Way) {
        let next = match way {
            Way::Deallocate if self.provisioning.unmap => Way::Unmap,
            Way::Deallocate | Way::Unmap | Way::Write => Way::Write,
        };
        self.zeroing.fetch_max(next as u8, Ordering::Relaxed);
    }

    /// Zeroes written, by the target itself where it knows how.
    pub(super) async fn zero_by_writing(&self, blocks: Range<u64>) -> Result<(), DiskError> {
        if blocks.is_empty() {
            return Ok(());
        }
        if self.knows_write_same.load(Ordering::Relaxed) {
            match self.write_same(blocks.clone(), false).await {
                Err(error) if error.problem().is_some_and(Problem::is_unsupported) => {
                    self.knows_write_same.store(false, Ordering::Relaxed);
                }
                done => return done,
            }
        }
        self.write_nothing(blocks).await
    }

    async fn write_same(&self, blocks: Range<u64>, unmap: bool) -> Result<(), DiskError> {
        let most = self.limits.write_same.unwrap_or(UNLIMITED).min(MOST) as u32;
        let granularity = self.limits.unmap_granularity.unwrap_or(1);
        let block = Bytes::from_static(&ZEROES[..self.block_len as usize]);
        stream::iter(pieces(blocks, most, granularity, self.limits.unmap_alignment))
            .map(|Piece { lba, blocks }| {
                let transfer = Transfer::Write(vec![block.clone()]);
                self.carry_out(Request::new("WRITE SAME", cdb::write_same(lba, blocks, unmap), transfer))
            })
            .buffer_unordered(IN_FLIGHT)
            .try_for_each(|_| std::future::ready(Ok(())))
            .await
    }

    async fn write_nothing(&self, blocks: Range<u64>) -> Result<(), DiskError> {
        let step = ZEROES.len() as u64 * IN_FLIGHT as u64 / u64::from(self.block_len);
        let mut at = blocks.start;
        while at < blocks.end {
            let to = (at + step).min(blocks.end);
            let len = (to - at) as usize * self.block_len as usize;
            let segments: Vec<Bytes> = (0..len)
                .step_by(ZEROES.len())
                .map(|from| Bytes::from_static(&ZEROES[..ZEROES.len().min(len - from)]))
                .collect();
            self.write_blocks(at..to, &segments).await?;
            at = to;
        }
        Ok(())
    }
}
