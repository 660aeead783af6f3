// SPDX-License-Identifier: Apache-2.0
//! Reads a stored image as the disk it stands for, to convert it.

mod ahead;
mod mapped;
mod qcow2;
mod raw;
mod runs;
mod source;
mod vdi;
mod vhd;
mod vhdx;
mod vmdk;

use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use scurry_types::Extents;

pub(crate) use self::ahead::{ReadAhead, Stretch};
use self::mapped::Mapped;
pub(crate) use self::runs::Walk;
pub use self::runs::{Runs, runs};
use self::source::Source;
use crate::inspect::{HEAD, SafetyFault};
use crate::{DiskFormat, Inspector};

/// What is looked at of an image's beginning before its reader is: a VMDK's descriptor is within.
const BEGINNING: u64 = 2 << 20;

/// Why an image cannot be read as a disk.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConversionError {
    /// There is no reader of this format.
    #[error("images of format {0} cannot be converted")]
    NoReader(DiskFormat),
    /// The image uses something its reader does not have.
    #[error("the image cannot be converted: {0}")]
    Unsupported(String),
    /// The image contradicts itself, or a part of it is missing.
    #[error("the image cannot be converted: {0}")]
    Damaged(&'static str),
    /// The image could harm its reader.
    #[error("the image failed safety checks: {}", .0.iter().map(|fault| fault.reason.as_str()).collect::<Vec<_>>().join(", "))]
    Unsafe(Vec<SafetyFault>),
    /// There are no threads to read it with.
    #[error("the image cannot be converted now: no thread can be started")]
    Threads(#[source] io::Error),
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

impl ConversionError {
    const CUT_OFF: Self = Self::Damaged("its header or tables are damaged or cut off");
    const COMPRESSED_DATA: Self = Self::Damaged("its compressed data is damaged");
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
    /// An image decides how many extents there are: ranges must be bounded where it is not trusted
    /// ([`crate::runs`]).
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
/// [`ConversionError`], but for [`ConversionError::OutOfBounds`].
pub fn open_for_conversion(path: &Path, format: DiskFormat) -> Result<Box<dyn ImageReader>, ConversionError> {
    read_for_conversion(open_regular(path)?, path, format)
}

/// As [`open_for_conversion`], of a file that is open; the path is for messages.
///
/// # Errors
/// As there.
pub fn read_for_conversion(
    file: File,
    path: &Path,
    format: DiskFormat,
) -> Result<Box<dyn ImageReader>, ConversionError> {
    let source = Source::new(file, path)?;
    Ok(match format {
        // What these hold is a raw disk with something recognisable on it.
        DiskFormat::Raw | DiskFormat::Gpt | DiskFormat::Iso => Box::new(raw::Raw::whole(source)),
        DiskFormat::Qcow2 => {
            let image = qcow2::Qcow2::open(&source)?;
            Box::new(Mapped::new(source, image))
        }
        DiskFormat::Vmdk => {
            let image = vmdk::Vmdk::open(&source)?;
            Box::new(Mapped::new(source, image))
        }
        DiskFormat::Vdi => {
            let image = vdi::Vdi::open(&source)?;
            Box::new(Mapped::new(source, image))
        }
        DiskFormat::Vhdx => {
            let image = vhdx::Vhdx::open(&source)?;
            Box::new(Mapped::new(source, image))
        }
        DiskFormat::Vhd => vhd::open(source)?,
        other => return Err(ConversionError::NoReader(other)),
    })
}

/// Refuses, with words of its own, what the reader must not or cannot follow. What stands at the end of an
/// image is for the reader to check.
fn check_beginning(source: &Source, format: DiskFormat) -> Result<(), ConversionError> {
    let mut inspector = Inspector::new();
    let mut at = 0;
    let end = source.len().min(BEGINNING);
    let mut buf = vec![0; HEAD];
    while at < end {
        let piece = &mut buf[..(end - at).min(HEAD as u64) as usize];
        source.read(piece, at)?;
        inspector.feed(piece);
        at += piece.len() as u64;
    }
    let inspection = inspector.finish();
    if !inspection.detected.contains(&format) {
        return Err(ConversionError::Unsupported(format!("it is not a {format} image")));
    }
    let faults: Vec<_> = inspection.faults.into_iter().filter(|fault| fault.check != "footer").collect();
    if faults.is_empty() { Ok(()) } else { Err(ConversionError::Unsafe(faults)) }
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
