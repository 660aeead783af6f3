// SPDX-License-Identifier: Apache-2.0
//! Finished objects in memory, open for reading.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use scurry_store::{Operation, StoreError, StoreErrorKind, StoreReader};
use scurry_types::Extents;

use super::MemoryStore;
use crate::pages::Pages;

#[derive(Debug)]
pub(super) struct MemoryReader {
    store: MemoryStore,
    url: String,
    len: u64,
    closed: AtomicBool,
}

impl MemoryReader {
    pub(super) fn new(store: MemoryStore, url: String, len: u64) -> Self {
        store.shared.readers.fetch_add(1, Ordering::SeqCst);
        Self { store, url, len, closed: AtomicBool::new(false) }
    }

    fn end(&self) {
        if !self.closed.swap(true, Ordering::SeqCst) {
            self.store.shared.readers.fetch_sub(1, Ordering::SeqCst);
        }
    }

    fn look<T>(&self, end: u64, look: impl FnOnce(&Pages) -> T) -> Result<T, StoreError> {
        let error = |kind, message: String| Err(self.store.error(Operation::Read, kind, message));
        if end > self.len {
            return error(StoreErrorKind::Corrupt, format!("{} ends at byte {}", self.url, self.len));
        }
        match self.store.shared.objects().get(&self.url) {
            Some(object) => Ok(look(&object.pages)),
            None => error(StoreErrorKind::NotFound, format!("{} is gone", self.url)),
        }
    }
}

impl Drop for MemoryReader {
    fn drop(&mut self) {
        self.end();
    }
}

#[async_trait]
impl StoreReader for MemoryReader {
    fn len(&self) -> u64 {
        self.len
    }

    async fn read_at(&self, offset: u64, len: usize) -> Result<Bytes, StoreError> {
        self.store.faults.meet(&self.store.facts.id, Operation::Read).await?;
        self.look(offset.saturating_add(len as u64), |pages| Bytes::from(pages.read(offset, len)))
    }

    async fn extents(&self, range: Range<u64>) -> Result<Extents, StoreError> {
        if !self.store.capability.extents {
            return Ok(Extents::all_data(range.end.saturating_sub(range.start)));
        }
        self.look(range.end, |pages| pages.extents(range.start, range.end))
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.end();
        Ok(())
    }
}
