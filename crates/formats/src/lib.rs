// SPDX-License-Identifier: Apache-2.0
//! Bounded inspectors of disk image formats and readers for conversion.
//!
//! [`Inspector`] watches a stream go by and says what it is; [`judge`] compares that with what its owner says it
//! is; [`open_for_conversion`] reads a stored image as the disk it stands for, [`Conversion`] writes a disk as an image of
//! another format, [`Packing`] unpacks what comes compressed as a whole. Nothing here opens a file that an image
//! refers to.

mod bytes;
mod convert;
mod format;
mod inspect;
mod judge;
mod unpack;
mod write;

pub use convert::{ConversionError, ImageReader, Runs, open_for_conversion, read_for_conversion, runs};
pub use format::{DiskFormat, UnknownDiskFormat};
pub use inspect::{Inspection, Inspector, SafetyFault};
pub use judge::{InspectionRules, Refusal, Verdict, judge};
pub use unpack::{MAGIC_LEN, Packing, pump};
pub use write::{Conversion, OutputFormat, Piece};
