// SPDX-License-Identifier: Apache-2.0
//! A disk written as an image of another format, from the beginning to the end: no scratch file is needed.
//!
//! Sparse formats are looked at twice: first for which of their blocks hold anything but zeroes, which fixes
//! all tables and the image's length, then for the blocks themselves.

mod census;
mod qcow2;
mod raw;
mod vmdk;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use self::qcow2::Qcow2Output;
use self::raw::RawOutput;
use self::vmdk::VmdkOutput;
use crate::convert::{ConversionError, ImageReader};
use crate::{DiskFormat, UnknownDiskFormat};

/// A format images are converted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutputFormat {
    /// The disk itself.
    Raw,
    /// qcow2 version 3, clusters of 64 KiB, not compressed.
    Qcow2,
    /// `monolithicSparse`, grains of 64 KiB.
    Vmdk,
}

impl OutputFormat {
    /// The format that is found in what is written.
    #[must_use]
    pub const fn disk_format(self) -> DiskFormat {
        match self {
            Self::Raw => DiskFormat::Raw,
            Self::Qcow2 => DiskFormat::Qcow2,
            Self::Vmdk => DiskFormat::Vmdk,
        }
    }
}

impl fmt::Display for OutputFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.disk_format().as_str())
    }
}

impl FromStr for OutputFormat {
    type Err = UnknownDiskFormat;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Raw, Self::Qcow2, Self::Vmdk]
            .into_iter()
            .find(|format| format.disk_format().as_str() == text)
            .ok_or_else(|| UnknownDiskFormat(text.to_owned()))
    }
}

/// A stretch of an image that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Bytes, 1 MiB of them at most.
    Data(Vec<u8>),
    /// So many zeroes.
    Zeroes(u64),
}

impl From<Vec<u8>> for Piece {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Data(bytes)
    }
}

/// The next of an image, `None` at its end.
type NextPiece = Result<Option<Piece>, ConversionError>;

#[derive(Debug)]
enum Output {
    Raw(RawOutput),
    Qcow2(Qcow2Output),
    Vmdk(VmdkOutput),
}

/// An image being written; blocking. Its items are the pieces in order.
#[derive(Debug)]
pub struct Conversion {
    output: Output,
    len: u64,
    failed: bool,
}

impl Conversion {
    /// Looks at the disk and fixes the length of the image.
    ///
    /// # Errors
    /// What the reader answers, and [`ConversionError::Unsupported`] for a disk too large for the format.
    pub fn new(reader: Box<dyn ImageReader>, format: OutputFormat) -> Result<Self, ConversionError> {
        let (output, len) = match format {
            OutputFormat::Raw => {
                let len = reader.len();
                (Output::Raw(RawOutput::new(Arc::from(reader))?), len)
            }
            OutputFormat::Qcow2 => {
                let output = Qcow2Output::new(reader)?;
                let len = output.len();
                (Output::Qcow2(output), len)
            }
            OutputFormat::Vmdk => {
                let output = VmdkOutput::new(reader)?;
                let len = output.len();
                (Output::Vmdk(output), len)
            }
        };
        Ok(Self { output, len, failed: false })
    }

    /// Length of the image in bytes, all pieces together.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "an image without bytes is not a thing callers ask about")]
    pub fn len(&self) -> u64 {
        self.len
    }
}

impl Iterator for Conversion {
    type Item = Result<Piece, ConversionError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let piece = match &mut self.output {
            Output::Raw(output) => output.next_piece(),
            Output::Qcow2(output) => output.next_piece(),
            Output::Vmdk(output) => output.next_piece(),
        };
        self.failed = piece.is_err();
        piece.transpose()
    }
}
