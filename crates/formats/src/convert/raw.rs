// SPDX-License-Identifier: Apache-2.0
//! A raw image: the file is the disk.

use std::ops::Range;

use rustix::fs::SeekFrom;
use rustix::io::Errno;
use scurry_types::{ExtentKind, Extents};

use super::source::Source;
use super::{ConversionError, ImageReader, check, failed};

#[derive(Debug)]
pub(super) struct Raw {
    source: Source,
    len: u64,
}

impl Raw {
    pub(super) fn whole(source: Source) -> Self {
        Self { len: source.len(), source }
    }

    /// The disk is the first `len` bytes of the file.
    pub(super) fn part(source: Source, len: u64) -> Self {
        Self { source, len }
    }
}

impl ImageReader for Raw {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<(), ConversionError> {
        check(offset, buf.len() as u64, self.len)?;
        self.source.read(buf, offset)
    }

    fn extents(&self, range: Range<u64>) -> Result<Extents, ConversionError> {
        check(range.start, range.end.saturating_sub(range.start), self.len)?;
        let mut extents = Extents::new();
        let mut at = range.start;
        while at < range.end {
            let seek = |from| rustix::fs::seek(self.source.file(), from);
            let data = match seek(SeekFrom::Data(at)) {
                Ok(data) => data.min(range.end),
                Err(Errno::NXIO) => range.end,
                Err(errno) => return Err(failed("find data in", self.source.path())(errno.into())),
            };
            extents.push(ExtentKind::Zero, data - at);
            if data == range.end {
                break;
            }
            let hole = seek(SeekFrom::Hole(data))
                .map_err(|errno| failed("find data in", self.source.path())(errno.into()))?;
            let end = hole.min(range.end);
            extents.push(ExtentKind::Data, end - data);
            at = end;
        }
        Ok(extents)
    }
}
