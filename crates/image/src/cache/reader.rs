// SPDX-License-Identifier: Apache-2.0
//! A cached image, read like an object of a store.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use scurry_store::{Buffer, Operation, StoreError, StoreErrorKind, StoreReader};
use scurry_types::{Extents, StoreId};

/// A file of the cache. It may be removed from the directory while it is read.
#[derive(Debug)]
pub(super) struct CachedFile {
    pub(super) file: Arc<File>,
    pub(super) len: u64,
}

/// What errors call the cache.
fn cache() -> StoreId {
    StoreId::from("image cache")
}

#[async_trait]
impl StoreReader for CachedFile {
    fn len(&self) -> u64 {
        self.len
    }

    async fn read_at(&self, offset: u64, len: usize) -> Result<Bytes, StoreError> {
        let file = Arc::clone(&self.file);
        let read =
            tokio::task::spawn_blocking(move || Buffer::filled(len, |data| file.read_exact_at(data, offset)));
        let failed = |error: std::io::Error| {
            StoreError::new(
                &cache(),
                Operation::Read,
                StoreErrorKind::Corrupt,
                "a cached file cannot be read",
            )
            .because(error)
        };
        match read.await {
            Ok(data) => data.map_err(failed),
            Err(error) => Err(failed(std::io::Error::other(error))),
        }
    }

    fn read_now(&self, offset: u64, len: usize) -> Option<Bytes> {
        Buffer::cached(&self.file, offset, len)
    }

    async fn extents(&self, range: Range<u64>) -> Result<Extents, StoreError> {
        Ok(Extents::all_data(range.end.min(self.len).saturating_sub(range.start)))
    }

    async fn close(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
