// SPDX-License-Identifier: Apache-2.0
//! Finished image files, open for reading.

use std::fs::{File, OpenOptions};
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use rustix::fs::OFlags;
use scurry_store::{Buffer, Operation, StoreError, StoreErrorKind, StoreReader};
use scurry_types::{Extents, StoreId};

use crate::error::{Deed, blocking};
use crate::extents;

/// An open image file.
#[derive(Debug)]
pub(crate) struct FileReader {
    store: StoreId,
    file: Arc<File>,
    len: u64,
}

/// Opens an image file; anything but a regular file is refused without waiting for it.
pub(crate) fn open_regular(path: &Path, deed: Deed<'_>) -> Result<(File, u64), StoreError> {
    let opened = OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path);
    let failed = |error| deed.failed(format!("cannot open image file {}", path.display()), error);
    let file = opened.map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        let message = format!("{} is not a regular file", path.display());
        return Err(deed.refused(StoreErrorKind::Invalid, message));
    }
    Ok((file, metadata.len()))
}

impl FileReader {
    pub(crate) fn new(store: StoreId, file: File, len: u64) -> Self {
        Self { store, file: Arc::new(file), len }
    }

    fn ends_before(&self, end: u64) -> Option<StoreError> {
        let message = || format!("the image file has {} bytes, byte {end} was asked for", self.len);
        (end > self.len)
            .then(|| StoreError::new(&self.store, Operation::Read, StoreErrorKind::Corrupt, message()))
    }
}

#[async_trait]
impl StoreReader for FileReader {
    fn len(&self) -> u64 {
        self.len
    }

    async fn read_at(&self, offset: u64, len: usize) -> Result<Bytes, StoreError> {
        if let Some(error) = self.ends_before(offset.saturating_add(len as u64)) {
            return Err(error);
        }
        let file = Arc::clone(&self.file);
        blocking(&self.store, Operation::Read, move |deed| {
            Buffer::filled(len, |data| file.read_exact_at(data, offset))
                .map_err(|error| deed.failed(format!("cannot read {len} bytes at byte {offset}"), error))
        })
        .await
    }

    fn read_now(&self, offset: u64, len: usize) -> Option<Bytes> {
        let len = len.min(usize::try_from(self.len.checked_sub(offset)?).unwrap_or(usize::MAX));
        Buffer::cached(&self.file, offset, len)
    }

    async fn extents(&self, range: Range<u64>) -> Result<Extents, StoreError> {
        if let Some(error) = self.ends_before(range.end) {
            return Err(error);
        }
        let file = Arc::clone(&self.file);
        blocking(&self.store, Operation::Read, move |deed| {
            extents::read(&file, &range)
                .map_err(|error| deed.failed("cannot find the holes of the file", error))
        })
        .await
    }

    /// The descriptor goes with the last user of the reader; there is nothing else to let go of.
    async fn close(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
