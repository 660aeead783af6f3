// SPDX-License-Identifier: Apache-2.0
//! Writing to the overlay at the head of a chain.
//!
//! A cluster is owned only once its data is written: a reader sees the parent's bytes or the new ones, never a
//! mixture with what an interrupted writer left. On disk the same order is kept by [`Overlay::flush`].

use std::collections::BTreeSet;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use scurry_types::ExtentKind;

use crate::Result;
use crate::bitmap::Bitmap;
use crate::chain::{Chain, Layer};
use crate::disk;
use crate::error::IoContext;
use crate::header::{CLUSTER, DATA_OFFSET};

/// What a writer of an overlay keeps beside the chain.
#[derive(Debug, Default)]
pub(crate) struct Overlay {
    /// Held while clusters become owned; holds the bitmap pages changed since they were last written.
    unwritten: Mutex<BTreeSet<usize>>,
    /// One flush at a time.
    flushing: Mutex<()>,
}

/// The head of a chain, known to be an overlay.
#[derive(Clone, Copy)]
pub(crate) struct Head<'a> {
    chain: &'a Chain,
    layer: &'a Layer,
    bitmap: &'a Bitmap,
}

impl<'a> Head<'a> {
    /// `None` when the head is a flat file.
    pub(crate) fn of(chain: &'a Chain) -> Option<Self> {
        let layer = &chain.layers[0];
        layer.overlay.as_ref().map(|owned| Self { chain, layer, bitmap: &owned.bitmap })
    }

    fn path(&self) -> &Path {
        &self.layer.path
    }

    fn pwrite(&self, bytes: &[u8], offset: u64) -> Result<()> {
        disk::write_uncached(&self.layer.file, bytes, DATA_OFFSET + offset).or_io("write", self.path())
    }

    fn punch(&self, offset: u64, len: u64) -> Result<()> {
        disk::punch(&self.layer.file, DATA_OFFSET + offset, len).or_io("punch a hole in", self.path())
    }
}

impl Overlay {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<usize>> {
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes `bytes` at `offset`; the range is inside the volume.
    pub(crate) fn write(&self, head: Head<'_>, mut bytes: &[u8], mut offset: u64) -> Result<()> {
        while !bytes.is_empty() {
            let (owned, run) = head.bitmap.byte_run(offset, bytes.len() as u64);
            if owned {
                head.pwrite(&bytes[..run as usize], offset)?;
                bytes = &bytes[run as usize..];
                offset += run;
                continue;
            }
            let mut unwritten = self.lock();
            // Another writer may have come first.
            let (owned, run) = head.bitmap.byte_run(offset, run);
            if owned {
                continue;
            }
            let (mut fresh, rest) = bytes.split_at(run as usize);
            bytes = rest;
            while !fresh.is_empty() {
                let n = Self::own(head, fresh, offset, &mut unwritten)?;
                fresh = &fresh[n..];
                offset += n as u64;
            }
        }
        Ok(())
    }

    /// Writes the first part of `bytes` (one partial cluster or a run of whole ones, none owned yet) and owns
    /// it; answers how many bytes that were.
    fn own(head: Head<'_>, bytes: &[u8], offset: u64, unwritten: &mut BTreeSet<usize>) -> Result<usize> {
        let start = offset - offset % CLUSTER;
        let end = (start + CLUSTER).min(head.layer.len);
        if offset == start && bytes.len() as u64 >= end - start {
            let last = offset + bytes.len() as u64 == head.layer.len;
            let whole = if last { bytes.len() } else { bytes.len() - bytes.len() % CLUSTER as usize };
            head.pwrite(&bytes[..whole], offset)?;
            Self::mark(head, offset, whole as u64, unwritten);
            return Ok(whole);
        }
        let n = bytes.len().min((end - offset) as usize);
        let mut cluster = vec![0; (end - start) as usize];
        head.chain.read(1, &mut cluster, start)?;
        let at = (offset - start) as usize;
        cluster[at..at + n].fill(0);
        if scurry_types::is_zero(&cluster) {
            // A cluster not owned may still hold what a writer that was killed left there.
            head.punch(start, end - start)?;
            head.pwrite(&bytes[..n], offset)?;
        } else {
            cluster[at..at + n].copy_from_slice(&bytes[..n]);
            head.pwrite(&cluster, start)?;
        }
        Self::mark(head, start, end - start, unwritten);
        Ok(n)
    }

    fn mark(head: Head<'_>, offset: u64, len: u64, unwritten: &mut BTreeSet<usize>) {
        for cluster in offset / CLUSTER..(offset + len).div_ceil(CLUSTER) {
            head.bitmap.set(cluster);
            unwritten.insert(Bitmap::page_of(cluster));
        }
    }

    /// Makes a range read as zeroes; the range is inside the volume.
    pub(crate) fn write_zeroes(&self, head: Head<'_>, offset: u64, len: u64) -> Result<()> {
        let end = offset + len;
        let mut at = offset;
        while at < end {
            let mut unwritten = self.lock();
            let (owned, run) = head.bitmap.byte_run(at, end - at);
            if owned {
                head.punch(at, run)?;
            } else {
                Self::hide_parent(head, at, run, &mut unwritten)?;
            }
            at += run;
        }
        Ok(())
    }

    /// Owns as holes the clusters of a range, none owned yet, in which the parent has data.
    fn hide_parent(head: Head<'_>, offset: u64, len: u64, unwritten: &mut BTreeSet<usize>) -> Result<()> {
        let end = offset + len;
        let mut done = offset;
        for extent in head.chain.extents(1, offset..end)? {
            if extent.kind == ExtentKind::Zero {
                continue;
            }
            let (first, last) = (offset + extent.offset, offset + extent.end());
            let mut at = done.max((first - first % CLUSTER).max(offset));
            let until = last.next_multiple_of(CLUSTER).min(end);
            while at < until {
                let cluster_end = (at - at % CLUSTER + CLUSTER).min(head.layer.len);
                let starts_cluster = at.is_multiple_of(CLUSTER);
                if starts_cluster && cluster_end <= until {
                    let whole = if until == head.layer.len { until } else { until - until % CLUSTER };
                    head.punch(at, whole - at)?;
                    Self::mark(head, at, whole - at, unwritten);
                    at = whole;
                } else {
                    let n = until.min(cluster_end) - at;
                    Self::own(head, &vec![0; n as usize], at, unwritten)?;
                    at += n;
                }
            }
            done = done.max(until);
        }
        Ok(())
    }

    /// Makes everything written before durable: first the data, then the bits that make it visible.
    pub(crate) fn flush(&self, head: Head<'_>) -> Result<()> {
        let _one = self.flushing.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, path) = (&head.layer.file, head.path());
        // Bits set from here on belong to the next flush: their data may miss the sync below.
        let mut unwritten = self.lock();
        let pages: Vec<_> = unwritten.iter().map(|page| (*page, head.bitmap.page(*page))).collect();
        unwritten.clear();
        drop(unwritten);
        let written = file.sync_data().and_then(|()| {
            for (page, bits) in &pages {
                file.write_all_at(bits, Bitmap::page_offset(*page))?;
            }
            if pages.is_empty() { Ok(()) } else { file.sync_data() }
        });
        if written.is_err() {
            self.lock().extend(pages.iter().map(|(page, _)| *page));
        }
        written.or_io("flush", path)
    }

    /// Whether clusters are owned that the file does not show as owned yet.
    pub(crate) fn is_unflushed(&self) -> bool {
        !self.lock().is_empty()
    }

    #[cfg(test)]
    pub(crate) fn forget(&self) {
        self.lock().clear();
    }
}
