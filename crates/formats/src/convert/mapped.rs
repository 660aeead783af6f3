// SPDX-License-Identifier: Apache-2.0
//! Disks kept in blocks that tables lead to: all sparse formats are read alike, but for the tables.

use std::fmt::Debug;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use scurry_types::{ExtentKind, Extents};

use super::source::Source;
use super::{ConversionError, ImageReader, check};

/// Where bytes of the disk are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Nowhere: they are zero.
    Zero,
    /// In the file from this offset on.
    Stored(u64),
    /// `within` bytes into what `len` bytes of the file at `at` unpack to.
    Packed { at: u64, len: u64, within: u64 },
}

/// A format's tables.
pub(super) trait Layout: Debug + Send + Sync {
    /// The file may end inside of its last block.
    const TAIL_MAY_LACK: bool = false;

    /// Length of the disk in bytes.
    fn len(&self) -> u64;

    /// Where the byte at an offset of the disk is, and for how many bytes, one at least, they go on in that place.
    fn locate(&self, source: &Source, offset: u64) -> Result<(Place, u64), ConversionError>;

    /// The block that is compressed there.
    fn unpack(&self, _source: &Source, _at: u64, _len: u64) -> Result<Vec<u8>, ConversionError> {
        Err(ConversionError::CUT_OFF)
    }
}

#[derive(Debug)]
pub(super) struct Mapped<L> {
    source: Source,
    layout: L,
    /// The block unpacked last and where it was packed: readers take it in pieces.
    unpacked: Mutex<Option<(u64, Arc<Vec<u8>>)>>,
}

impl<L: Layout> Mapped<L> {
    pub(super) fn new(source: Source, layout: L) -> Self {
        Self { source, layout, unpacked: Mutex::default() }
    }

    fn locate(&self, offset: u64, end: u64) -> Result<(Place, u64), ConversionError> {
        let (place, len) = self.layout.locate(&self.source, offset)?;
        Ok((place, len.min(end - offset)))
    }

    fn block(&self, at: u64, len: u64) -> Result<Arc<Vec<u8>>, ConversionError> {
        let last = || self.unpacked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, block)) = last().as_ref().filter(|(offset, _)| *offset == at) {
            return Ok(Arc::clone(block));
        }
        // Unlocked: blocks are unpacked by several threads at a time.
        self.source.within(at, 1)?;
        let block = Arc::new(self.layout.unpack(&self.source, at, len)?);
        *last() = Some((at, Arc::clone(&block)));
        Ok(block)
    }

    fn fill(&self, buf: &mut [u8], place: Place) -> Result<(), ConversionError> {
        match place {
            Place::Zero => buf.fill(0),
            Place::Stored(at) if L::TAIL_MAY_LACK => self.source.read_padded(buf, at)?,
            Place::Stored(at) => self.source.read(buf, at)?,
            Place::Packed { at, len, within } => {
                let block = self.block(at, len)?;
                let from = within as usize;
                buf.copy_from_slice(block.get(from..from + buf.len()).ok_or(ConversionError::CUT_OFF)?);
            }
        }
        Ok(())
    }
}

impl<L: Layout> ImageReader for Mapped<L> {
    fn len(&self) -> u64 {
        self.layout.len()
    }

    fn read_at(&self, mut buf: &mut [u8], mut offset: u64) -> Result<(), ConversionError> {
        check(offset, buf.len() as u64, self.len())?;
        while !buf.is_empty() {
            let (place, len) = self.locate(offset, offset + buf.len() as u64)?;
            let (piece, rest) = buf.split_at_mut(len as usize);
            self.fill(piece, place)?;
            (buf, offset) = (rest, offset + len);
        }
        Ok(())
    }

    fn extents(&self, range: Range<u64>) -> Result<Extents, ConversionError> {
        check(range.start, range.end.saturating_sub(range.start), self.len())?;
        let mut extents = Extents::new();
        let mut at = range.start;
        while at < range.end {
            let (place, len) = self.locate(at, range.end)?;
            extents.push(if place == Place::Zero { ExtentKind::Zero } else { ExtentKind::Data }, len);
            at += len;
        }
        Ok(extents)
    }
}
