// SPDX-License-Identifier: Apache-2.0
//! What of a file is data, as its file system knows.

use std::fs::File;
use std::io;
use std::ops::Range;

use rustix::fs::{SeekFrom, seek};
use rustix::io::Errno;
use scurry_types::Extents;

/// Extents of `range`, counted from its start. All is data where the file system does not tell.
///
/// This moves the file's position, which nothing else here uses.
pub(crate) fn read(file: &File, range: &Range<u64>) -> io::Result<Extents> {
    let len = range.end.saturating_sub(range.start);
    let mut data = Vec::new();
    let mut at = range.start;
    while at < range.end {
        let start = match seek(file, SeekFrom::Data(at)) {
            Ok(start) if start < range.end => start,
            Ok(_) => break,
            // Nothing but a hole up to the end of the file, or its end has moved.
            Err(Errno::NXIO) => {
                scurry_store::reaches(file, range.end)?;
                break;
            }
            Err(Errno::INVAL | Errno::OPNOTSUPP) => return Ok(Extents::all_data(len)),
            Err(error) => return Err(error.into()),
        };
        let end = seek(file, SeekFrom::Hole(start))?.min(range.end);
        data.push(start - range.start..end - range.start);
        at = end;
    }
    Ok(Extents::from_data_ranges(data, len))
}
