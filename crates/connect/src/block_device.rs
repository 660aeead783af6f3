// SPDX-License-Identifier: Apache-2.0
//! A block device of this node's kernel.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::path::PathBuf;

use bytes::Bytes;
use rustix::fs::{FallocateFlags, OFlags, SeekFrom};
use rustix::io::Errno;
use scurry_store::Buffer;
use scurry_volume_file::Access;

use crate::ConnectError;

/// What direct writes are aligned to. No page has bytes of a direct and of a buffered write, so that these never undo each
/// other, and no kernel asks for more of the memory.
const PAGE: usize = 4096;

/// An open block device. What its fresh blocks hold, nobody knows.
#[derive(Debug)]
pub(crate) struct BlockDevice {
    file: File,
    /// The same device past the page cache, for whole pages; absent where it cannot be had.
    direct: Option<File>,
    path: PathBuf,
    len: u64,
    writable: bool,
}

impl BlockDevice {
    /// A writer opens exclusively: the kernel refuses a device that is mounted or part of another one.
    pub(crate) fn open(path: PathBuf, access: Access) -> Result<Self, ConnectError> {
        let writable = access == Access::ReadWrite;
        let flags =
            OFlags::NOFOLLOW | OFlags::NONBLOCK | if writable { OFlags::EXCL } else { OFlags::empty() };
        let file = OpenOptions::new()
            .read(true)
            .write(writable)
            .custom_flags(flags.bits().cast_signed())
            .open(&path)
            .map_err(|source| ConnectError::Io { op: "open", path: path.clone(), source })?;
        let io = |source| ConnectError::Io { op: "examine", path: path.clone(), source };
        if !file.metadata().map_err(io)?.file_type().is_block_device() {
            return Err(ConnectError::OddFile(path));
        }
        let len = rustix::fs::seek(&file, SeekFrom::End(0)).map_err(|errno| io(errno.into()))?;
        let direct = if writable { direct(&file) } else { None };
        Ok(Self { file, direct, path, len, writable })
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    pub(crate) fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<(), ConnectError> {
        self.file.read_exact_at(buf, offset).map_err(self.io("read"))
    }

    /// What the page cache has of `len` bytes at `offset`.
    pub(crate) fn cached(&self, offset: u64, len: usize) -> Option<Bytes> {
        Buffer::cached(&self.file, offset, len)
    }

    pub(crate) fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), ConnectError> {
        self.check_writable()?;
        let pages = self.write_pages(bytes, offset).map_err(self.io("write"))?;
        self.file.write_all_at(&bytes[pages..], offset + pages as u64).map_err(self.io("write"))
    }

    /// Writes the whole pages in front directly, if memory and offset are aligned; how many bytes these were.
    fn write_pages(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let Some(direct) = &self.direct else { return Ok(0) };
        if !bytes.as_ptr().addr().is_multiple_of(PAGE) || !offset.is_multiple_of(PAGE as u64) {
            return Ok(0);
        }
        let pages = bytes.len() / PAGE * PAGE;
        let mut done = 0;
        while done < pages {
            match direct.write_at(&bytes[done..pages], offset + done as u64) {
                // The rest begins at a page again; what is written twice has the same bytes.
                Ok(written) => match written / PAGE * PAGE {
                    0 => break,
                    whole => done += whole,
                },
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // The device wants blocks larger than a page.
                Err(error) if error.raw_os_error() == Some(Errno::INVAL.raw_os_error()) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    /// Lets the device zero the range by itself, writes zeroes where it cannot.
    pub(crate) fn write_zeroes(&self, offset: u64, len: u64) -> Result<(), ConnectError> {
        self.check_writable()?;
        if len == 0 {
            return Ok(());
        }
        let flags = FallocateFlags::ZERO_RANGE | FallocateFlags::KEEP_SIZE;
        match rustix::fs::fallocate(&self.file, flags, offset, len) {
            Ok(()) => Ok(()),
            // Not offered by the device, or the range is not made of whole blocks.
            Err(Errno::OPNOTSUPP | Errno::INVAL | Errno::NOSYS) => self.fill_zero(offset, len),
            Err(errno) => Err(self.io("zero a range of")(errno.into())),
        }
    }

    fn fill_zero(&self, mut offset: u64, len: u64) -> Result<(), ConnectError> {
        let zeroes = vec![0; 1 << 20];
        let end = offset + len;
        while offset < end {
            let n = (end - offset).min(zeroes.len() as u64);
            self.file.write_all_at(&zeroes[..n as usize], offset).map_err(self.io("write"))?;
            offset += n;
        }
        Ok(())
    }

    pub(crate) fn flush(&self) -> Result<(), ConnectError> {
        if self.writable { self.file.sync_data().map_err(self.io("flush")) } else { Ok(()) }
    }

    fn check_writable(&self) -> Result<(), ConnectError> {
        if self.writable { Ok(()) } else { Err(ConnectError::ReadOnly) }
    }

    fn io(&self, op: &'static str) -> impl FnOnce(io::Error) -> ConnectError {
        let path = self.path.clone();
        move |source| ConnectError::Io { op, path, source }
    }
}

/// The same device, whatever its path leads to by now.
fn direct(file: &File) -> Option<File> {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let flags = OFlags::DIRECT.bits().cast_signed();
    OpenOptions::new().write(true).custom_flags(flags).open(path).ok()
}
