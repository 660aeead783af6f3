// SPDX-License-Identifier: Apache-2.0
//! Watches a stream of image data and says what it is.
//!
//! At most [`HEAD`] bytes from the beginning, [`TAIL`] from the end and one window of at most 1 MiB for the
//! format at hand are kept, whatever is fed, and the outcome does not depend on how the stream is cut up.

mod capture;
mod disc;
mod luks;
mod partitions;
mod qemu;
mod save;
mod vdi;
mod vhd;
mod vhdx;
mod vmdk;

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

use self::capture::Capture;
use crate::DiskFormat;

/// Bytes kept from the beginning: enough for the descriptor of an optical disc at 32 KiB.
pub(crate) const HEAD: usize = 64 << 10;
/// Bytes kept from the end: the three sectors that close a streamed VMDK.
pub(crate) const TAIL: usize = 3 * 512;

/// A reason not to trust an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafetyFault {
    /// Name of the check as operators know it from oslo.utils: `backing_file`, `mbr`, …
    pub check: &'static str,
    /// What was found.
    pub reason: String,
}

impl SafetyFault {
    pub(crate) fn new(check: &'static str, reason: impl Into<String>) -> Self {
        Self { check, reason: reason.into() }
    }
}

/// What a stream turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// The formats that match, in the order of [`DiskFormat`]; just [`DiskFormat::Raw`] when none does.
    pub detected: Vec<DiskFormat>,
    /// Size of the disk in bytes as [`Self::format`] says; `None` when the image does not tell.
    pub virtual_size: Option<u64>,
    /// What is wrong with it.
    pub faults: Vec<SafetyFault>,
    /// Length of the stream in bytes.
    pub size: u64,
    /// The kind of VMDK (`createType`) in lower case.
    pub vmdk_create_type: Option<String>,
    /// Size of the disk in bytes when the stream ends like a fixed VHD, which otherwise is a raw disk.
    pub fixed_vhd: Option<u64>,
}

impl Inspection {
    /// The one format it is: an optical disc that also boots as a disk is a disc. `None` when several match.
    #[must_use]
    pub fn format(&self) -> Option<DiskFormat> {
        match self.detected.as_slice() {
            [one] => Some(*one),
            [DiskFormat::Iso, DiskFormat::Gpt] => Some(DiskFormat::Iso),
            _ => None,
        }
    }
}

/// What one format has to say about a stream that matches it.
#[derive(Debug, Default)]
struct Findings {
    virtual_size: Option<u64>,
    faults: Vec<SafetyFault>,
}

impl Findings {
    fn sized(virtual_size: Option<u64>) -> Self {
        Self { virtual_size, faults: Vec::new() }
    }

    fn fault(&mut self, check: &'static str, reason: impl Into<String>) {
        self.faults.push(SafetyFault::new(check, reason));
    }
}

/// Watches a stream; memory is bounded whatever is fed.
#[derive(Debug, Default)]
pub struct Inspector {
    capture: Capture,
}

impl Inspector {
    /// Nothing seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the stream.
    pub fn feed(&mut self, chunk: &[u8]) {
        self.capture.feed(chunk);
    }

    /// Feeds all of a reader and finishes.
    ///
    /// # Errors
    /// What the reader answers.
    pub fn inspect(mut reader: impl Read) -> io::Result<Inspection> {
        let mut inspector = Self::new();
        let mut buf = vec![0; 256 << 10];
        loop {
            match reader.read(&mut buf) {
                Ok(0) => return Ok(inspector.finish()),
                Ok(n) => inspector.feed(&buf[..n]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Inspects a file, reading no more of it than is looked at.
    ///
    /// # Errors
    /// What reading it answers.
    pub fn inspect_file(file: &File) -> io::Result<Inspection> {
        let len = file.metadata()?.len();
        let mut inspector = Self::new();
        let mut buf = vec![0; HEAD];
        while inspector.capture.size() < len {
            let tail = len.saturating_sub(TAIL as u64);
            let wanted = inspector.capture.wanted().map_or(tail, |at| at.min(tail));
            inspector.capture.skip_to(wanted);
            let at = inspector.capture.size();
            let piece = &mut buf[..(len - at).min(HEAD as u64) as usize];
            // A file that is cut off meanwhile must not look like a shorter one.
            file.read_exact_at(piece, at)?;
            inspector.feed(piece);
        }
        Ok(inspector.finish())
    }

    /// Says what the stream was, at its end.
    #[must_use]
    pub fn finish(self) -> Inspection {
        let capture = &self.capture;
        let matching =
            DiskFormat::ALL.into_iter().filter_map(|format| Some((format, examine(format, capture)?)));
        let mut matching: Vec<_> = matching.collect();
        if matching.is_empty() {
            matching.push((DiskFormat::Raw, Findings::sized(Some(capture.size()))));
        }
        let mut inspection = Inspection {
            detected: matching.iter().map(|(format, _)| *format).collect(),
            virtual_size: None,
            faults: Vec::new(),
            size: capture.size(),
            vmdk_create_type: vmdk::create_type(capture),
            fixed_vhd: vhd::fixed(capture),
        };
        let format = inspection.format();
        for (_, findings) in
            matching.into_iter().filter(|(each, _)| format.is_none_or(|format| format == *each))
        {
            inspection.virtual_size = findings.virtual_size.filter(|_| format.is_some());
            inspection.faults.extend(findings.faults);
        }
        inspection
    }
}

/// `None` when the stream is not of that format.
fn examine(format: DiskFormat, capture: &Capture) -> Option<Findings> {
    match format {
        DiskFormat::Raw => None,
        DiskFormat::Qcow2 => qemu::qcow2(capture),
        DiskFormat::Qed => qemu::qed(capture),
        DiskFormat::Vhd => vhd::dynamic(capture),
        DiskFormat::Vhdx => vhdx::examine(capture),
        DiskFormat::Vmdk => vmdk::examine(capture),
        DiskFormat::Vdi => vdi::examine(capture),
        DiskFormat::Iso => disc::examine(capture),
        DiskFormat::Gpt => partitions::examine(capture),
        DiskFormat::Luks => luks::examine(capture),
    }
}
