// SPDX-License-Identifier: Apache-2.0
//! A raw image: the file is the disk.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::fs::SeekFrom;
use rustix::io::Errno;
use scurry_types::{ExtentKind, Extents};

use super::{ConversionError, ImageReader, check, failed, open_regular};

#[derive(Debug)]
pub(super) struct Raw {
    file: File,
    path: PathBuf,
    len: u64,
}

impl Raw {
    pub(super) fn open(path: &Path) -> Result<Self, ConversionError> {
        let file = open_regular(path)?;
        let len = file.metadata().map_err(failed("examine image file", path))?.len();
        Ok(Self { file, path: path.to_owned(), len })
    }
}

impl ImageReader for Raw {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<(), ConversionError> {
        check(offset, buf.len() as u64, self.len)?;
        self.file.read_exact_at(buf, offset).map_err(failed("read image file", &self.path))
    }

    fn extents(&self, range: Range<u64>) -> Result<Extents, ConversionError> {
        check(range.start, range.end.saturating_sub(range.start), self.len)?;
        let mut extents = Extents::new();
        let mut at = range.start;
        while at < range.end {
            let seek = |from| rustix::fs::seek(&self.file, from);
            let data = match seek(SeekFrom::Data(at)) {
                Ok(data) => data.min(range.end),
                Err(Errno::NXIO) => range.end,
                Err(errno) => return Err(failed("find data in", &self.path)(errno.into())),
            };
            extents.push(ExtentKind::Zero, data - at);
            if data == range.end {
                break;
            }
            let hole = seek(SeekFrom::Hole(data))
                .map_err(|errno| failed("find data in", &self.path)(errno.into()))?;
            let end = hole.min(range.end);
            extents.push(ExtentKind::Data, end - data);
            at = end;
        }
        Ok(extents)
    }
}
