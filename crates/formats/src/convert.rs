// SPDX-License-Identifier: Apache-2.0
//! Reads a stored image as the disk it stands for, to convert it.

mod qcow2;
mod raw;

use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use scurry_types::Extents;

use crate::{DiskFormat, SafetyFault};

/// Why an image cannot be read as a disk.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConversionError {
    /// There is no reader of this format.
    #[error("images of format {0} cannot be converted: raw and qcow2 can")]
    NoReader(DiskFormat),
    /// The image uses something its reader does not have.
    #[error("the image cannot be converted: {0}")]
    Unsupported(String),
    /// The image could harm its reader.
    #[error("the image failed safety checks: {}", .0.iter().map(|fault| fault.reason.as_str()).collect::<Vec<_>>().join(", "))]
    Unsafe(Vec<SafetyFault>),
    /// The range does not lie on the disk.
    #[error("{len} bytes at {offset} reach beyond the end of the disk at {disk_len}")]
    OutOfBounds {
        /// First byte asked for.
        offset: u64,
        /// Number of bytes asked for.
        len: u64,
        /// Length of the disk, in bytes.
        disk_len: u64,
    },
    /// The file cannot be read, or what is in it makes no sense.
    #[error("cannot {op} {}", .path.display())]
    Io {
        /// What was tried.
        op: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
}

/// An image as a disk; blocking.
#[allow(clippy::len_without_is_empty, reason = "a disk of no bytes is not a thing callers ask about")]
pub trait ImageReader: std::fmt::Debug + Send + Sync {
    /// Length of the disk in bytes.
    fn len(&self) -> u64;

    /// Reads exactly `buf` from `offset`.
    ///
    /// # Errors
    /// [`ConversionError::OutOfBounds`] or [`ConversionError::Io`].
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<(), ConversionError>;

    /// Which parts of a range hold data; offsets count from its start.
    ///
    /// # Errors
    /// As [`Self::read_at`].
    fn extents(&self, range: Range<u64>) -> Result<Extents, ConversionError>;
}

/// Opens an image, of a format that was found by inspection, as a disk.
///
/// No file but this one is opened, whatever the image says.
///
/// # Errors
/// [`ConversionError::NoReader`], [`ConversionError::Unsafe`], [`ConversionError::Unsupported`] or
/// [`ConversionError::Io`].
pub fn open_for_conversion(path: &Path, format: DiskFormat) -> Result<Box<dyn ImageReader>, ConversionError> {
    match format {
        // What these hold is a raw disk with something recognisable on it.
        DiskFormat::Raw | DiskFormat::Gpt | DiskFormat::Iso => Ok(Box::new(raw::Raw::open(path)?)),
        DiskFormat::Qcow2 => Ok(Box::new(qcow2::Qcow2Image::open(path)?)),
        other => Err(ConversionError::NoReader(other)),
    }
}

fn failed(op: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ConversionError {
    let path = path.to_owned();
    move |source| ConversionError::Io { op, path, source }
}

fn open_regular(path: &Path) -> Result<File, ConversionError> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path);
    let file = file.map_err(failed("open image file", path))?;
    if file.metadata().map_err(failed("examine image file", path))?.is_file() {
        Ok(file)
    } else {
        Err(failed("open image file", path)(io::Error::other("not a regular file")))
    }
}

fn check(offset: u64, len: u64, disk_len: u64) -> Result<(), ConversionError> {
    match offset.checked_add(len) {
        Some(end) if end <= disk_len => Ok(()),
        _ => Err(ConversionError::OutOfBounds { offset, len, disk_len }),
    }
}
