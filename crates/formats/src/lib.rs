// SPDX-License-Identifier: Apache-2.0
//! Bounded inspectors of disk image formats and readers for conversion.
//!
//! [`Inspector`] watches a stream go by and says what it is; [`judge`] compares that with what its owner says it
//! is; [`open_for_conversion`] reads a stored image as the disk it stands for. Nothing here opens a file that an
//! image refers to.

mod bytes;
mod convert;
mod format;
mod inspect;
mod judge;

pub use convert::{ConversionError, ImageReader, open_for_conversion};
pub use format::{DiskFormat, UnknownDiskFormat};
pub use inspect::{Inspection, Inspector, SafetyFault};
pub use judge::{InspectionRules, Refusal, Verdict, judge};
