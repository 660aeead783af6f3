// SPDX-License-Identifier: Apache-2.0
//! Reading and writing: blocks from bytes, large ranges in several commands at a time.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use super::{Disk, DiskError, retry::Request};
use crate::{Transfer, scsi::cdb};

/// Bytes of one command where the target names no smaller limit.
const CHUNK: u32 = 1 << 20;
/// Commands of one call that are in flight.
pub(super) const IN_FLIGHT: usize = 8;

/// Blocks for one command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) lba: u64,
    pub(super) blocks: u32,
}

/// Cuts blocks into pieces of at most `most`, each but the last ending at `alignment` plus a multiple of `granularity`
/// where `most` allows it.
pub(super) fn pieces(
    range: Range<u64>,
    most: u32,
    granularity: u32,
    alignment: u32,
) -> impl Iterator<Item = Piece> {
    let (most, granularity) = (u64::from(most.max(1)), u64::from(granularity.max(1)));
    let alignment = u64::from(alignment) % granularity;
    let mut lba = range.start;
    std::iter::from_fn(move || {
        let left = range.end.checked_sub(lba).filter(|left| *left > 0)?;
        let mut blocks = left.min(most);
        if blocks < left {
            let over = (lba + blocks + granularity - alignment) % granularity;
            if over < blocks {
                blocks -= over;
            }
        }
        let piece = Piece { lba, blocks: blocks as u32 };
        lba += blocks;
        Some(piece)
    })
}

impl Disk {
    /// Reads exactly `len` bytes.
    pub async fn read(&self, offset: u64, len: usize) -> Result<Bytes, DiskError> {
        let blocks = self.blocks_around(offset, len as u64).await?;
        if blocks.is_empty() {
            return Ok(Bytes::new());
        }
        let skip = (offset % u64::from(self.block_len)) as usize;
        Ok(self.read_blocks(blocks).await?.slice(skip..skip + len))
    }

    /// Writes all of `data`. Blocks it covers in part keep the rest of what they hold.
    pub async fn write(&self, offset: u64, data: Bytes) -> Result<(), DiskError> {
        if self.write_protected {
            return Err(DiskError::WriteProtected(self.lun));
        }
        let blocks = self.blocks_around(offset, data.len() as u64).await?;
        if blocks.is_empty() {
            return Ok(());
        }
        let block_len = u64::from(self.block_len);
        let before = (offset % block_len) as usize;
        let end = offset + data.len() as u64;
        let after = (end.next_multiple_of(block_len) - end) as usize;
        if before == 0 && after == 0 {
            let _whole = self.edges.read().await;
            return self.write_blocks(blocks, &[data]).await;
        }
        // Between reading an edge and writing it nobody else may write there.
        let _alone = self.edges.write().await;
        let (mut head, mut tail) = (Bytes::new(), Bytes::new());
        if before > 0 {
            head = self.read_blocks(blocks.start..blocks.start + 1).await?.slice(..before);
        }
        if after > 0 {
            let last = self.read_blocks(blocks.end - 1..blocks.end).await?;
            tail = last.slice(last.len() - after..);
        }
        self.write_blocks(blocks, &[head, data, tail]).await
    }

    /// Makes everything that was written durable.
    pub async fn flush(&self) -> Result<(), DiskError> {
        if self.write_protected {
            return Ok(());
        }
        let request = Request::new("SYNCHRONIZE CACHE", cdb::synchronize_cache(), Transfer::None);
        match self.carry_out(request).await {
            // Without a cache there is nothing to synchronize.
            Err(error) if error.problem().is_some_and(crate::Problem::is_unsupported) => Ok(()),
            done => done.map(drop),
        }
    }

    /// The blocks that hold a range of bytes. Where the disk is too short it is asked whether it has grown.
    pub(super) async fn blocks_around(&self, offset: u64, len: u64) -> Result<Range<u64>, DiskError> {
        let end = offset.checked_add(len);
        let fits = |disk_len| end.is_some_and(|end| end <= disk_len);
        if !fits(self.len()) {
            let disk_len = self.measure().await?;
            if !fits(disk_len) {
                return Err(DiskError::OutOfBounds { lun: self.lun, offset, len, disk_len });
            }
        }
        let block_len = u64::from(self.block_len);
        let first = offset / block_len;
        if len == 0 {
            return Ok(first..first);
        }
        Ok(first..(offset + len).div_ceil(block_len))
    }

    async fn read_blocks(&self, blocks: Range<u64>) -> Result<Bytes, DiskError> {
        let (len, whole) = (blocks.end - blocks.start, self.chunk());
        if len <= u64::from(whole) {
            let piece = Piece { lba: blocks.start, blocks: len as u32 };
            return self.read_piece(piece, BytesMut::new()).await.map(BytesMut::freeze);
        }
        // Each command fills its part of one buffer; parts in one buffer are put together without a copy.
        let mut rest = BytesMut::with_capacity(len as usize * self.block_len as usize);
        let mut parts = stream::iter(pieces(blocks, whole, whole, 0))
            .map(|piece| {
                let behind = rest.split_off((piece.blocks * self.block_len) as usize);
                self.read_piece(piece, std::mem::replace(&mut rest, behind))
            })
            .buffered(IN_FLIGHT);
        let mut all = BytesMut::new();
        while let Some(part) = parts.try_next().await? {
            all.unsplit(part);
        }
        Ok(all.freeze())
    }

    async fn read_piece(&self, Piece { lba, blocks }: Piece, into: BytesMut) -> Result<BytesMut, DiskError> {
        const NAME: &str = "READ";
        let len = blocks * self.block_len;
        let request = Request::new(NAME, cdb::read(lba, blocks), Transfer::ReadInto(into, len));
        let answer = self.carry_out(request).await?;
        if answer.read.len() != len as usize {
            return Err(DiskError::Nonsense { lun: self.lun, command: NAME });
        }
        Ok(answer.read)
    }

    /// Writes segments whose length together is that of the blocks.
    pub(super) async fn write_blocks(&self, blocks: Range<u64>, data: &[Bytes]) -> Result<(), DiskError> {
        let (start, whole) = (blocks.start, self.chunk());
        stream::iter(pieces(blocks, whole, whole, 0))
            .map(|Piece { lba, blocks }| {
                let at = (lba - start) as usize * self.block_len as usize;
                let segments = cut(data, at..at + blocks as usize * self.block_len as usize);
                self.write_piece(lba, blocks, segments)
            })
            .buffer_unordered(IN_FLIGHT)
            .try_collect()
            .await
    }

    async fn write_piece(&self, lba: u64, blocks: u32, segments: Vec<Bytes>) -> Result<(), DiskError> {
        const NAME: &str = "WRITE";
        let request = Request::new(NAME, cdb::write(lba, blocks), Transfer::Write(segments));
        match self.carry_out(request).await?.residual {
            0 => Ok(()),
            _ => Err(DiskError::Nonsense { lun: self.lun, command: NAME }),
        }
    }

    /// Blocks of one read or write.
    fn chunk(&self) -> u32 {
        let wished = CHUNK / self.block_len;
        let most = self.limits.transfer.map_or(wished, |limit| limit.min(wished));
        match self.limits.granularity {
            Some(granularity) if granularity <= most => most - most % granularity,
            _ => most,
        }
    }
}

/// A range of the bytes that segments hold one after the other.
fn cut(segments: &[Bytes], range: Range<usize>) -> Vec<Bytes> {
    let mut at = 0;
    let mut parts = Vec::with_capacity(segments.len());
    for segment in segments {
        let (from, to) = (range.start.max(at), range.end.min(at + segment.len()));
        if from < to {
            parts.push(segment.slice(from - at..to - at));
        }
        at += segment.len();
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cuts(range: Range<u64>, most: u32, granularity: u32, alignment: u32) -> Vec<(u64, u32)> {
        pieces(range, most, granularity, alignment).map(|piece| (piece.lba, piece.blocks)).collect()
    }

    #[test]
    fn pieces_end_where_the_target_likes_it() {
        assert_eq!(cuts(0..20, 8, 8, 0), [(0, 8), (8, 8), (16, 4)]);
        assert_eq!(cuts(3..20, 8, 8, 0), [(3, 5), (8, 8), (16, 4)]);
        assert_eq!(cuts(3..20, 8, 4, 1), [(3, 6), (9, 8), (17, 3)]);
        // A granularity above the limit cannot be kept.
        assert_eq!(cuts(1..6, 2, 64, 0), [(1, 2), (3, 2), (5, 1)]);
        assert_eq!(cuts(5..5, 8, 8, 0), []);
        assert_eq!(cuts(0..2, 0, 0, 0), [(0, 1), (1, 1)]);
    }

    #[test]
    fn segments_are_cut_without_a_gap() {
        let segments = [Bytes::from_static(b"ab"), Bytes::new(), Bytes::from_static(b"cdef")];
        let whole = |range| cut(&segments, range).concat();
        assert_eq!(whole(0..6), b"abcdef");
        assert_eq!(whole(1..3), b"bc");
        assert_eq!(whole(2..4), b"cd");
        assert_eq!(cut(&segments, 2..4).len(), 1);
    }
}
