// SPDX-License-Identifier: Apache-2.0
//! The file operations volumes are made of: open without surprises, punch, find data, sync.

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice};
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{FallocateFlags, OFlags, SeekFrom};
use rustix::io::{Errno, ReadWriteFlags};

use crate::error::IoContext;
use crate::{Result, VolumeError};

/// RWF_DONTCACHE (Linux 6.14): written back at once, and gone from the page cache then.
const DONTCACHE: ReadWriteFlags = ReadWriteFlags::from_bits_retain(0x80);
/// Writes of so many bytes are image data; smaller ones may be read again soon, or written.
const LARGE: usize = 64 << 10;

/// Opens an existing regular file; follows no link at the end of the path and waits for no FIFO.
pub(crate) fn open_regular(path: &Path, write: bool) -> Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = OpenOptions::new()
        .read(true)
        .write(write)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .or_io("open volume file", path)?;
    let regular = file.metadata().or_io("examine volume file", path)?.is_file();
    if regular { Ok(file) } else { Err(VolumeError::NotRegular(path.to_owned())) }
}

/// Makes a new file that must not exist yet, readable by its owner alone.
pub(crate) fn create_new(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(0o600);
    options.open(path).or_io("create volume file", path)
}

/// Reads exactly `buf`; what lies beyond the end of the file reads as zeroes.
pub(crate) fn read_zero_padded(file: &File, mut buf: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buf.is_empty() {
        match file.read_at(buf, offset) {
            Ok(0) => {
                buf.fill(0);
                return Ok(());
            }
            Ok(n) => {
                buf = &mut buf[n..];
                offset += n as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes all of `data`. Large writes leave nothing behind in the page cache where kernel and file system can do that:
/// pages nobody has touched before are most of what a write costs.
///
/// # Errors
/// What the file answers; how much has been written is not known then.
pub fn write_uncached(file: &File, mut data: &[u8], mut offset: u64) -> io::Result<()> {
    while data.len() >= LARGE {
        match rustix::io::pwritev2(file, &[IoSlice::new(data)], offset, DONTCACHE) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                data = &data[written..];
                offset += written as u64;
            }
            Err(Errno::INTR) => {}
            Err(Errno::OPNOTSUPP | Errno::INVAL | Errno::NOSYS) => break,
            Err(errno) => return Err(errno.into()),
        }
    }
    file.write_all_at(data, offset)
}

/// Makes a range read as zeroes and gives its space back where the file system can.
///
/// # Errors
/// What the file answers.
pub fn punch(file: &File, offset: u64, len: u64) -> io::Result<()> {
    if len == 0 {
        return Ok(());
    }
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    loop {
        match rustix::fs::fallocate(file, flags, offset, len) {
            Ok(()) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => return fill_zero(file, offset, len),
            Err(errno) => return Err(errno.into()),
        }
    }
}

fn fill_zero(file: &File, mut offset: u64, len: u64) -> io::Result<()> {
    let zeroes = vec![0; 1 << 20];
    let end = offset + len;
    while offset < end {
        let n = (end - offset).min(zeroes.len() as u64);
        file.write_all_at(&zeroes[..n as usize], offset)?;
        offset += n;
    }
    Ok(())
}

/// The first range of data at or behind `range.start`, clipped to `range`; `None` when there is none.
pub(crate) fn next_data(file: &File, range: Range<u64>) -> io::Result<Option<Range<u64>>> {
    if range.is_empty() {
        return Ok(None);
    }
    let start = match rustix::fs::seek(file, SeekFrom::Data(range.start)) {
        Ok(start) if start < range.end => start,
        Ok(_) | Err(Errno::NXIO) => return Ok(None),
        Err(Errno::INVAL) => return Ok(Some(range)),
        Err(errno) => return Err(errno.into()),
    };
    let end = rustix::fs::seek(file, SeekFrom::Hole(start))?;
    Ok(Some(start..end.min(range.end)))
}

/// Makes the names in a directory durable.
pub(crate) fn sync_dir(dir: &Path) -> Result<()> {
    File::open(dir).and_then(|dir| dir.sync_all()).or_io("sync directory", dir)
}
