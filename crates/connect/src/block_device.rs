// SPDX-License-Identifier: Apache-2.0
//! A block device of this node's kernel.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::path::PathBuf;

use bytes::Bytes;
use rustix::fs::{FallocateFlags, OFlags, SeekFrom};
use rustix::io::Errno;
use scurry_store::Buffer;
use scurry_volume_file::Access;

use crate::ConnectError;

/// An open block device. What its fresh blocks hold, nobody knows.
#[derive(Debug)]
pub(crate) struct BlockDevice {
    file: File,
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
        Ok(Self { file, path, len, writable })
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
        self.file.write_all_at(bytes, offset).map_err(self.io("write"))
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
