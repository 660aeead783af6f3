// SPDX-License-Identifier: Apache-2.0
//! Objects on their way into memory.

use async_trait::async_trait;
use bytes::Bytes;
use scurry_store::{Operation, StoreError, StoreErrorKind, StoreWriter, StoredObject};
use scurry_types::ImageId;

use super::{MemoryStore, Object};

#[derive(Debug)]
pub(super) struct MemoryWriter {
    store: MemoryStore,
    url: String,
    image: ImageId,
}

impl MemoryWriter {
    pub(super) fn new(store: MemoryStore, url: String, image: ImageId) -> Self {
        Self { store, url, image }
    }

    fn change(&self, change: impl FnOnce(&mut Object)) -> Result<(), StoreError> {
        match self.store.shared.objects().get_mut(&self.url) {
            Some(object) => {
                change(object);
                Ok(())
            }
            None => Err(self.store.error(Operation::Write, StoreErrorKind::NotFound, "the object is gone")),
        }
    }
}

#[async_trait]
impl StoreWriter for MemoryWriter {
    fn url(&self) -> &str {
        &self.url
    }

    async fn write_at(&self, offset: u64, data: Bytes) -> Result<(), StoreError> {
        self.store.faults.meet(&self.store.facts.id, Operation::Write).await?;
        self.change(|object| object.pages.write(offset, &data))
    }

    async fn write_zeroes(&self, offset: u64, len: u64) -> Result<(), StoreError> {
        self.store.faults.meet(&self.store.facts.id, Operation::Write).await?;
        self.change(|object| object.pages.zero(offset, len))
    }

    async fn sync(&self) -> Result<(), StoreError> {
        self.store.faults.meet(&self.store.facts.id, Operation::Sync).await?;
        self.change(|_| ())
    }

    async fn read_back(&self, offset: u64, len: usize) -> Result<Bytes, StoreError> {
        self.store.faults.meet(&self.store.facts.id, Operation::Read).await?;
        let mut read = Bytes::new();
        self.change(|object| read = object.pages.read(offset, len).into())?;
        Ok(read)
    }

    async fn commit(self: Box<Self>, len: u64) -> Result<StoredObject, StoreError> {
        self.store.faults.meet(&self.store.facts.id, Operation::Commit).await?;
        self.store.refuse_second(Operation::Commit, &self.image)?;
        self.change(|object| object.len = Some(len))?;
        Ok(StoredObject { url: self.url, len })
    }

    async fn abort(self: Box<Self>) -> Result<(), StoreError> {
        self.store.faults.meet(&self.store.facts.id, Operation::Abort).await?;
        self.store.shared.objects().remove(&self.url);
        Ok(())
    }
}
