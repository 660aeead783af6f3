// SPDX-License-Identifier: Apache-2.0
//! A qcow2 image, read in this process by the imago crate.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use imago::file::File as ImageFile;
use imago::qcow2::Qcow2;
use imago::{DenyImplicitOpenGate, FormatAccess, FormatDriverBuilder, Mapping, StorageOpenOptions};
use scurry_types::{ExtentKind, Extents};

use super::{ConversionError, ImageReader, check, failed, open_regular};
use crate::bytes::{array, be32, be64};
use crate::inspect::HEAD;
use crate::{DiskFormat, Inspector};

/// Compressed with something else than deflate.
const COMPRESSION_TYPE: u64 = 0b1000;
const ENCRYPTION: usize = 32;
/// QEMU's limit too.
const TABLE_MAX: u64 = 32 << 20;
/// The part of a table's entry that is an offset.
const OFFSET_MASK: u64 = 0x00ff_ffff_ffff_fe00;

#[derive(Debug)]
pub(super) struct Qcow2Image {
    access: FormatAccess<ImageFile>,
    path: PathBuf,
    /// End of the file in whole clusters.
    data_end: u64,
}

impl Qcow2Image {
    pub(super) fn open(path: &Path) -> Result<Self, ConversionError> {
        let mut file = open_regular(path)?;
        let mut head = Vec::new();
        file.by_ref().take(HEAD as u64).read_to_end(&mut head).map_err(failed("read image file", path))?;
        let file_len = file.metadata().map_err(failed("examine image file", path))?.len();
        check_head(&head)?;
        let cluster = check_tables(&head, &file, file_len, path)?;
        let data_end = file_len.next_multiple_of(cluster);
        let options = StorageOpenOptions::new().filename(path);
        let file = ImageFile::from_open_file(file, options).map_err(failed("open image file", path))?;
        let image = Qcow2::<ImageFile>::builder(file)
            .backing(None)
            .write(false)
            .open(DenyImplicitOpenGate::default())
            .map_err(failed("open qcow2 image", path))?;
        Ok(Self { access: FormatAccess::new(image), path: path.to_owned(), data_end })
    }
}

/// Refuses what the reader must not or cannot follow, with words of its own.
fn check_head(head: &[u8]) -> Result<(), ConversionError> {
    let mut inspector = Inspector::new();
    inspector.feed(head);
    let inspection = inspector.finish();
    if !inspection.detected.contains(&DiskFormat::Qcow2) {
        return Err(ConversionError::Unsupported("it is not a qcow2 image".to_owned()));
    }
    if !inspection.faults.is_empty() {
        return Err(ConversionError::Unsafe(inspection.faults));
    }
    if be32(head, ENCRYPTION) != Some(0) {
        return Err(ConversionError::Unsupported("it is encrypted".to_owned()));
    }
    let features = if be32(head, 4) == Some(3) { be64(head, 72).unwrap_or(0) } else { 0 };
    if features & COMPRESSION_TYPE != 0 {
        let kind = match array::<1>(head, 104) {
            Some([1]) => "zstd".to_owned(),
            Some([other]) => format!("method {other}"),
            None => "an unknown method".to_owned(),
        };
        return Err(ConversionError::Unsupported(format!(
            "its clusters are compressed with {kind}, only deflate is read"
        )));
    }
    Ok(())
}

/// Refuses an image whose tables are too small for its disk or not all there: what they do not map would read
/// as zeroes. Answers the length of a cluster in bytes.
fn check_tables(head: &[u8], file: &File, file_len: u64, path: &Path) -> Result<u64, ConversionError> {
    let cut_off = || ConversionError::Unsupported("its header or tables are damaged or cut off".to_owned());
    let bits = be32(head, 20).filter(|bits| (9..=21).contains(bits)).ok_or_else(cut_off)?;
    let size = be64(head, 24).ok_or_else(cut_off)?;
    let table_len = be32(head, 36).map(|entries| u64::from(entries) * 8).ok_or_else(cut_off)?;
    let offset = be64(head, 40).ok_or_else(cut_off)?;
    let covered_by_entry = 1_u64 << (bits + bits - 3);
    let end = offset.checked_add(table_len).ok_or_else(cut_off)?;
    if table_len > TABLE_MAX || size.div_ceil(covered_by_entry) > table_len / 8 || end > file_len {
        return Err(cut_off());
    }
    let mut table = vec![0; table_len as usize];
    file.read_exact_at(&mut table, offset).map_err(failed("read image file", path))?;
    let second = table.as_chunks::<8>().0.iter().map(|entry| u64::from_be_bytes(*entry) & OFFSET_MASK);
    let missing = |offset: u64| offset + (1 << bits) > file_len;
    if second.filter(|offset| *offset != 0).any(missing) { Err(cut_off()) } else { Ok(1 << bits) }
}

impl ImageReader for Qcow2Image {
    fn len(&self) -> u64 {
        self.access.size()
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<(), ConversionError> {
        check(offset, buf.len() as u64, self.len())?;
        self.access.read(buf, offset).map_err(failed("read qcow2 image", &self.path))
    }

    fn extents(&self, range: Range<u64>) -> Result<Extents, ConversionError> {
        check(range.start, range.end.saturating_sub(range.start), self.len())?;
        let mut extents = Extents::new();
        let mut at = range.start;
        while at < range.end {
            let mapped = self.access.get_mapping(at, range.end - at);
            let (mapping, len) = mapped.map_err(failed("map qcow2 image", &self.path))?;
            if len == 0 {
                let stuck =
                    io::Error::new(io::ErrorKind::InvalidData, "the mapping ends before the disk does");
                return Err(failed("map qcow2 image", &self.path)(stuck));
            }
            let kind = match mapping {
                Mapping::Zero { .. } | Mapping::Eof { .. } => ExtentKind::Zero,
                // The last cluster may be written in part; one that begins behind the end was lost.
                Mapping::Raw { offset, .. } if offset.saturating_add(len) > self.data_end => {
                    let lost = io::Error::new(io::ErrorKind::UnexpectedEof, "the image file is cut off");
                    return Err(failed("map qcow2 image", &self.path)(lost));
                }
                _ => ExtentKind::Data,
            };
            extents.push(kind, len);
            at += len;
        }
        Ok(extents)
    }
}
