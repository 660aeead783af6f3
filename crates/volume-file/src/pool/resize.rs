// SPDX-License-Identifier: Apache-2.0
//! Making a volume longer or shorter.

use std::fs::File;

use scurry_types::VolumeId;

use super::clone::lock_out_writers;
use super::{Head, Pool, check_len};
use crate::bitmap::Bitmap;
use crate::error::IoContext;
use crate::header::{BITMAP_OFFSET, CLUSTER, DATA_OFFSET, Header};
use crate::{LayerFormat, Result, VolumeError, crash, disk};

impl Pool {
    /// Sets the length of a volume in bytes; new bytes read as zeroes, also where there was data before a
    /// shrink. Clones of it are not changed.
    ///
    /// # Errors
    /// [`VolumeError::Busy`] while it is open for writing, [`VolumeError::NotFound`],
    /// [`VolumeError::TooLong`], [`VolumeError::InvalidId`], [`VolumeError::Corrupt`] or [`VolumeError::Io`].
    pub fn resize(&self, id: &VolumeId, len: u64) -> Result<()> {
        let mut layers = self.lock();
        check_len(len)?;
        let head = self.head(id)?;
        if len == head.len {
            return Ok(());
        }
        if head.frozen {
            return self.push_overlay(id, &head, len, &mut layers);
        }
        let file = disk::open_regular(&head.path, true)?;
        if !lock_out_writers(&file, &head)? {
            return Err(VolumeError::Busy(head.path));
        }
        match head.format {
            LayerFormat::Flat => {
                file.set_len(len).or_io("set length of", &head.path)?;
                crash::point("resize: file length set")?;
                file.sync_all().or_io("sync", &head.path)
            }
            LayerFormat::Overlay => resize_overlay(&file, &head, len),
        }
    }
}

/// The header decides. A shrink that was cut short behind it leaves clusters beyond the end, so what lies there
/// is wiped before the header says more.
fn resize_overlay(file: &File, head: &Head, len: u64) -> Result<()> {
    let mut header = Header::read(file, &head.path)?;
    let shrink = len < header.len;
    if !shrink {
        wipe_beyond(file, head, header.len)?;
        crash::point("resize: wiped beyond the end")?;
    }
    header.len = len;
    header.parent_len = header.parent_len.min(len);
    header.write(file, &head.path)?;
    file.sync_data().or_io("sync", &head.path)?;
    crash::point("resize: header written")?;
    if shrink {
        wipe_beyond(file, head, len)?;
    }
    file.set_len(DATA_OFFSET + len).or_io("set length of", &head.path)?;
    file.sync_all().or_io("sync", &head.path)
}

/// Drops the data beyond `len` and the ownership of the clusters wholly beyond it.
fn wipe_beyond(file: &File, head: &Head, len: u64) -> Result<()> {
    use std::os::unix::fs::FileExt;

    let path = &head.path;
    file.set_len(DATA_OFFSET + len).or_io("set length of", path)?;
    crash::point("resize: data beyond the end dropped")?;
    let first = len.div_ceil(CLUSTER);
    let byte = BITMAP_OFFSET + first / 8;
    let page = Bitmap::page_of(first);
    let page_end = Bitmap::page_offset(page + 1).min(DATA_OFFSET);
    if byte < page_end {
        let mut bits = vec![0; (page_end - byte) as usize];
        disk::read_zero_padded(file, &mut bits, byte).or_io("read bitmap of", path)?;
        if !scurry_types::is_zero(&bits) {
            bits.fill_with(Default::default);
            let mut kept = [0];
            disk::read_zero_padded(file, &mut kept, byte).or_io("read bitmap of", path)?;
            bits[0] = kept[0] & ((1 << (first % 8)) - 1);
            file.write_all_at(&bits, byte).or_io("write bitmap of", path)?;
        }
    }
    disk::punch(file, page_end, DATA_OFFSET - page_end).or_io("punch a hole in", path)?;
    file.sync_all().or_io("sync", path)
}
