// SPDX-License-Identifier: Apache-2.0
//! The file that becomes an image: what it is, and its disk.

use std::fs::{File, Metadata};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use scurry_formats::{
    DiskFormat, ImageReader, Inspection, InspectionRules, Inspector, judge, read_for_conversion,
};

use crate::failure::Failure;

/// What is looked at of a file's beginning: every format's header is within.
const BEGINNING: u64 = 2 << 20;
/// Bytes at the end of a fixed VHD.
const VHD_FOOTER: u64 = 512;

/// A file about to be sent.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    /// What travels: the file's bytes, or the disk in it.
    pub(super) disk: Arc<dyn ImageReader>,
    /// The image's format.
    pub(super) disk_format: String,
    stamp: Stamp,
}

/// What changes when a file does.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Stamp {
    len: u64,
    /// Nanoseconds since 1970.
    modified: i128,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        let modified = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
        Self { len: metadata.len(), modified }
    }
}

/// How the file is to be taken.
#[derive(Debug, Clone)]
pub(super) struct Taking {
    /// What the user, or the record of the image, says it is.
    pub(super) disk_format: Option<String>,
    pub(super) container_format: String,
    pub(super) convert: bool,
}

impl Source {
    /// Opens the file and refuses what no service would take; blocking.
    pub(super) fn open(path: &Path, taking: &Taking) -> Result<Self, Failure> {
        let failed = |error| Failure::new(format!("cannot read {}", path.display()), error);
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(Failure::plain(format!("{} is not a regular file", path.display())));
        }
        let inspection = inspect(&file, metadata.len()).map_err(failed)?;
        let found = found(&inspection, &file, metadata.len());
        let bare = taking.container_format == "bare";
        let (disk_format, reader) = if taking.convert {
            let found = inspection.format().ok_or_else(|| ambiguous(path, &inspection))?;
            check(path, &inspection, found.as_str())?;
            if let Some(said) = taking.disk_format.as_deref().filter(|said| *said != "raw") {
                return Err(Failure::plain(format!("converted to raw, the image cannot be {said}")));
            }
            ("raw".to_owned(), found)
        } else {
            let format = taking.disk_format.clone().unwrap_or_else(|| found.to_owned());
            if bare {
                check(path, &inspection, &format)?;
            }
            (format, DiskFormat::Raw)
        };
        let disk = read_for_conversion(file, path, reader)
            .map_err(|error| Failure::new(format!("cannot read {} as a disk", path.display()), error))?;
        Ok(Self { path: path.to_owned(), disk: disk.into(), disk_format, stamp: Stamp::of(&metadata) })
    }

    /// Length of the image in bytes.
    pub(super) fn len(&self) -> u64 {
        self.disk.len()
    }

    pub(super) fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    /// Whether the file is still what it was when it was opened.
    pub(super) fn is_unchanged(&self) -> bool {
        std::fs::metadata(&self.path).is_ok_and(|metadata| Stamp::of(&metadata) == self.stamp)
    }
}

/// Looks at the beginning; what stands at the end is for the service to check, which sees all bytes pass.
fn inspect(file: &File, len: u64) -> std::io::Result<Inspection> {
    let mut inspector = Inspector::new();
    let mut beginning = vec![0; usize::try_from(len.min(BEGINNING)).unwrap_or_default()];
    file.read_exact_at(&mut beginning, 0)?;
    inspector.feed(&beginning);
    let mut inspection = inspector.finish();
    if len > BEGINNING {
        inspection.faults.retain(|fault| fault.check != "footer");
    }
    Ok(inspection)
}

/// The word for `disk_format`: a partitioned or encrypted disk is a raw one.
fn found(inspection: &Inspection, file: &File, len: u64) -> &'static str {
    match inspection.format() {
        Some(DiskFormat::Gpt | DiskFormat::Luks | DiskFormat::Raw) | None => {
            let mut cookie = [0; 8];
            let footer = len.checked_sub(VHD_FOOTER).filter(|_| inspection.detected == [DiskFormat::Raw]);
            let fixed_vhd = footer.is_some_and(|at| file.read_exact_at(&mut cookie, at).is_ok());
            if fixed_vhd && &cookie == b"conectix" { "vhd" } else { "raw" }
        }
        Some(format) => format.as_str(),
    }
}

fn check(path: &Path, inspection: &Inspection, disk_format: &str) -> Result<(), Failure> {
    // A fixed VHD is known by its end only, which is not among what was looked at.
    if disk_format == "vhd" {
        return Ok(());
    }
    judge(inspection, disk_format, "bare", &InspectionRules::default()).map(|_| ()).map_err(|refusal| {
        let hint = match inspection.format() {
            Some(DiskFormat::Raw) => " (leave --disk-format out)".to_owned(),
            Some(found) if found.as_str() != disk_format => {
                format!(" (it is {found}: leave --disk-format out, or take --convert raw)")
            }
            _ => String::new(),
        };
        Failure::plain(format!("{} would be refused: {refusal}{hint}", path.display()))
    })
}

fn ambiguous(path: &Path, inspection: &Inspection) -> Failure {
    let names: Vec<&str> = inspection.detected.iter().map(|format| format.as_str()).collect();
    Failure::plain(format!("{} is more than one thing: {}", path.display(), names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taking(disk_format: Option<&str>) -> Taking {
        Taking {
            disk_format: disk_format.map(str::to_owned),
            container_format: "bare".to_owned(),
            convert: false,
        }
    }

    #[test]
    fn the_format_is_found_and_a_wrong_one_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("disk");
        std::fs::write(&path, [7; 1000]).unwrap();
        assert_eq!(Source::open(&path, &taking(None)).unwrap().disk_format, "raw");
        assert!(Source::open(&path, &taking(Some("qcow2"))).is_err());

        let mut header = vec![0_u8; 1 << 16];
        header[..8].copy_from_slice(b"QFI\xfb\0\0\0\x03");
        std::fs::write(&path, &header).unwrap();
        let refused = Source::open(&path, &taking(Some("raw"))).unwrap_err().to_string();
        assert!(refused.contains("qcow2") && refused.contains("--convert raw"), "{refused}");

        let mut fixed = vec![1_u8; 4096];
        fixed[4096 - 512..4096 - 504].copy_from_slice(b"conectix");
        std::fs::write(&path, &fixed).unwrap();
        assert_eq!(Source::open(&path, &taking(None)).unwrap().disk_format, "vhd");
        assert!(Source::open(folder.path(), &taking(None)).is_err());
    }

    #[test]
    fn a_file_that_changes_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("disk");
        std::fs::write(&path, [7; 1000]).unwrap();
        let source = Source::open(&path, &taking(None)).unwrap();
        assert!(source.is_unchanged());
        std::fs::write(&path, [7; 1001]).unwrap();
        assert!(!source.is_unchanged());
    }
}
