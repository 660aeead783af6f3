// SPDX-License-Identifier: Apache-2.0
//! An open volume.

use std::fs::{File, TryLockError};
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use scurry_types::Extents;

use crate::chain::{Chain, Source};
use crate::disk;
use crate::error::IoContext;
use crate::overlay::{Head, Overlay};
use crate::replica::DirtyMark;
use crate::{Access, Result, VolumeDescriptor, VolumeError};

/// An open volume, read and written by position; share it between threads as it is.
///
/// Dropping it flushes as well as it can; [`VolumeFile::close`] tells whether that worked.
#[derive(Debug)]
pub struct VolumeFile {
    chain: Chain,
    overlay: Overlay,
    access: Access,
    replica: Option<Replica>,
}

#[derive(Debug)]
struct Replica {
    file: Box<VolumeFile>,
    mark: DirtyMark,
}

impl VolumeFile {
    /// Opens what the descriptor names.
    ///
    /// A reader opens the volume alone; a writer also its replica, and keeps other writers out of both.
    ///
    /// # Errors
    /// [`VolumeError::Busy`] when somebody has it open for writing already, [`VolumeError::Frozen`] when clones
    /// read the file ([`Pool::prepare_write`](crate::Pool::prepare_write) was not called),
    /// [`VolumeError::Corrupt`], [`VolumeError::NotRegular`], [`VolumeError::ReplicaMismatch`] or
    /// [`VolumeError::Io`].
    pub fn open(descriptor: &VolumeDescriptor, access: Access) -> Result<Self> {
        let file = match access {
            Access::ReadOnly => disk::open_regular(&descriptor.path, false)?,
            Access::ReadWrite => open_exclusive(&descriptor.path)?,
        };
        let chain = Chain::open(file, &descriptor.path, descriptor.format)?;
        let replica = match (&descriptor.replica, access) {
            (Some(replica), Access::ReadWrite) => {
                let file = Box::new(Self::open(replica, access)?);
                if file.len() != chain.len() {
                    return Err(VolumeError::ReplicaMismatch { primary: chain.len(), replica: file.len() });
                }
                let mark = DirtyMark::set(&replica.path)?;
                Some(Replica { file, mark })
            }
            _ => None,
        };
        Ok(Self { chain, overlay: Overlay::default(), access, replica })
    }

    /// Length in bytes.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "a volume of no bytes is not a thing callers ask about")]
    pub fn len(&self) -> u64 {
        self.chain.len()
    }

    /// How many files are read through, the volume's own included.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.chain.layers.len()
    }

    /// Reads exactly `buf` from `offset`.
    ///
    /// # Errors
    /// [`VolumeError::OutOfBounds`] when the range does not lie in the volume, else [`VolumeError::Io`].
    pub fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        self.check(offset, buf.len() as u64)?;
        self.chain.read(0, buf, offset)
    }

    /// The file that holds the bytes at `offset`, where in it they are, and how many of `max` bytes go on there;
    /// `None` where no file has them: they are zeroes, or lie outside.
    #[must_use]
    pub fn stretch(&self, offset: u64, max: u64) -> Option<(&File, u64, u64)> {
        self.check(offset, max).ok()?;
        match self.chain.locate(0, offset, max) {
            (Source::File(index, at), run) => Some((&self.chain.layers[index].file, at, run)),
            (Source::Zero, _) => None,
        }
    }

    /// Writes `bytes` at `offset`, to the replica first.
    ///
    /// # Errors
    /// [`VolumeError::ReadOnly`], [`VolumeError::OutOfBounds`] or [`VolumeError::Io`], of either copy.
    pub fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.check_write(offset, bytes.len() as u64)?;
        if let Some(replica) = &self.replica {
            replica.file.write_at(bytes, offset)?;
        }
        match Head::of(&self.chain) {
            Some(head) => self.overlay.write(head, bytes, offset),
            None => disk::write_uncached(self.file(), bytes, offset).or_io("write", self.path()),
        }
    }

    /// Makes a range read as zeroes and gives back its space where that is possible, on the replica first.
    ///
    /// # Errors
    /// As [`Self::write_at`].
    pub fn write_zeroes(&self, offset: u64, len: u64) -> Result<()> {
        self.check_write(offset, len)?;
        if let Some(replica) = &self.replica {
            replica.file.write_zeroes(offset, len)?;
        }
        match Head::of(&self.chain) {
            Some(head) => self.overlay.write_zeroes(head, offset, len),
            None => disk::punch(self.file(), offset, len).or_io("punch a hole in", self.path()),
        }
    }

    /// Which parts of `range` hold data, through all layers; offsets count from `range.start`.
    ///
    /// # Errors
    /// As [`Self::read_at`].
    pub fn extents(&self, range: Range<u64>) -> Result<Extents> {
        self.check(range.start, range.end.saturating_sub(range.start))?;
        self.chain.extents(0, range)
    }

    /// Makes everything written so far durable, on the replica too.
    ///
    /// # Errors
    /// [`VolumeError::Io`]; what was written since the last flush may then be lost.
    pub fn flush(&self) -> Result<()> {
        if self.access == Access::ReadOnly {
            return Ok(());
        }
        if let Some(replica) = &self.replica {
            replica.file.flush()?;
        }
        match Head::of(&self.chain) {
            Some(head) => self.overlay.flush(head),
            None => self.file().sync_data().or_io("flush", self.path()),
        }
    }

    /// Flushes and lets other writers in.
    ///
    /// # Errors
    /// As [`Self::flush`]; a replica then stays marked as lagging behind.
    pub fn close(mut self) -> Result<()> {
        self.flush()?;
        match self.replica.take() {
            Some(Replica { file, mark }) => {
                file.close()?;
                mark.clear()
            }
            None => Ok(()),
        }
    }

    /// The file itself when its bytes are the volume's bytes and nothing else needs to see a write.
    #[must_use]
    pub fn plain_file(&self) -> Option<&File> {
        (self.chain.layers[0].overlay.is_none() && self.replica.is_none()).then(|| self.file())
    }

    /// Goes away as a killed process does: nothing more is written.
    #[cfg(test)]
    pub(crate) fn abandon(self) {
        self.overlay.forget();
    }

    fn file(&self) -> &File {
        &self.chain.layers[0].file
    }

    fn path(&self) -> &Path {
        &self.chain.layers[0].path
    }

    fn check(&self, offset: u64, len: u64) -> Result<()> {
        let volume_len = self.len();
        match offset.checked_add(len) {
            Some(end) if end <= volume_len => Ok(()),
            _ => Err(VolumeError::OutOfBounds { offset, len, volume_len }),
        }
    }

    fn check_write(&self, offset: u64, len: u64) -> Result<()> {
        if self.access == Access::ReadOnly {
            return Err(VolumeError::ReadOnly(self.path().to_owned()));
        }
        self.check(offset, len)
    }
}

impl Drop for VolumeFile {
    fn drop(&mut self) {
        if self.access == Access::ReadWrite && self.overlay.is_unflushed() {
            let flushed = Head::of(&self.chain).map_or(Ok(()), |head| self.overlay.flush(head));
            if let Err(error) = flushed {
                tracing::error!(path = %self.path().display(), error = &error as &dyn std::error::Error, "volume dropped unflushed");
            }
        }
    }
}

/// Opens for writing as the only writer, and only a file no clone reads.
fn open_exclusive(path: &Path) -> Result<File> {
    let file = disk::open_regular(path, true)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(VolumeError::Busy(path.to_owned())),
        Err(TryLockError::Error(source)) => return Err(source).or_io("lock", path),
    }
    // The pool freezes a file by a second link while it holds this lock, and replaces it by a rename.
    let held = file.metadata().or_io("examine volume file", path)?;
    let named = path.symlink_metadata().or_io("examine volume file", path)?;
    if held.nlink() != 1 || (held.dev(), held.ino()) != (named.dev(), named.ino()) {
        return Err(VolumeError::Frozen(path.to_owned()));
    }
    Ok(file)
}
