// SPDX-License-Identifier: Apache-2.0
//! The file an image is in: its tables through a small cache, its data straight.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::{ConversionError, failed};
use crate::bytes::array;

/// Bytes of a table kept at a time.
const PAGE: u64 = 64 << 10;
/// Pages kept: 1 MiB whatever the tables are.
const PAGES: usize = 16;

type Page = (u64, Arc<[u8]>);

#[derive(Debug)]
pub(super) struct Source {
    file: File,
    path: PathBuf,
    len: u64,
    /// The page used last is the last.
    pages: Mutex<Vec<Page>>,
}

impl Source {
    pub(super) fn new(file: File, path: &Path) -> Result<Self, ConversionError> {
        let len = file.metadata().map_err(failed("examine image file", path))?.len();
        Ok(Self { file, path: path.to_owned(), len, pages: Mutex::default() })
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Length of the file in bytes.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Reads exactly `buf`; the file must be long enough.
    pub(super) fn read(&self, buf: &mut [u8], offset: u64) -> Result<(), ConversionError> {
        self.within(offset, buf.len() as u64)?;
        self.file.read_exact_at(buf, offset).map_err(failed("read image file", &self.path))
    }

    /// Reads `buf` from an offset inside of the file; what would lie behind its end is zero.
    pub(super) fn read_padded(&self, buf: &mut [u8], offset: u64) -> Result<(), ConversionError> {
        let there = self.len.saturating_sub(offset).min(buf.len() as u64) as usize;
        let (there, missing) = buf.split_at_mut(there);
        missing.fill(0);
        self.read(there, offset)
    }

    /// `N` bytes of a table.
    pub(super) fn entry<const N: usize>(&self, offset: u64) -> Result<[u8; N], ConversionError> {
        self.within(offset, N as u64)?;
        let start = offset - offset % PAGE;
        if offset + N as u64 > start + PAGE {
            let mut across = [0; N];
            self.read(&mut across, offset)?;
            return Ok(across);
        }
        let page = self.page(start)?;
        array(&page, (offset - start) as usize).ok_or(ConversionError::CUT_OFF)
    }

    fn page(&self, start: u64) -> Result<Arc<[u8]>, ConversionError> {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = pages.iter().rposition(|(offset, _)| *offset == start) {
            let page = pages.remove(at);
            let bytes = Arc::clone(&page.1);
            pages.push(page);
            return Ok(bytes);
        }
        let mut bytes = vec![0; PAGE.min(self.len - start) as usize];
        self.read(&mut bytes, start)?;
        if pages.len() == PAGES {
            pages.remove(0);
        }
        let bytes = Arc::<[u8]>::from(bytes);
        pages.push((start, Arc::clone(&bytes)));
        Ok(bytes)
    }

    /// An error unless the file has these bytes.
    pub(super) fn within(&self, offset: u64, len: u64) -> Result<(), ConversionError> {
        match offset.checked_add(len) {
            Some(end) if end <= self.len => Ok(()),
            _ => Err(ConversionError::CUT_OFF),
        }
    }
}
