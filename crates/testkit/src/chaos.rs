// SPDX-License-Identifier: Apache-2.0
//! Any store with faults on demand: before an operation, or after it took effect, when only its answer is lost.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use scurry_store::{
    Capability, CloneOutcome, CloneSource, Offer, Operation, Store, StoreError, StoreFacts, StoreReader,
    StoreWriter, StoredObject, WriteSpec,
};
use scurry_types::{Extents, ImageId, ProjectId, StoreId};

use crate::faults::Faults;

/// A store that fails when told to; what is not told goes to the store within.
#[derive(Debug, Clone)]
pub struct Chaos {
    inner: Arc<dyn Store>,
    faults: Faults,
}

impl Chaos {
    /// The store as it is, until a fault is ordered.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner, faults: Faults::default() }
    }

    /// What to break.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    async fn amid<T>(
        &self,
        operation: Operation,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        amid(&self.faults, &self.inner.facts().id, operation, work).await
    }

    fn writer(&self, inner: Box<dyn StoreWriter>) -> Box<dyn StoreWriter> {
        Box::new(Writer { inner, store: self.inner.facts().id.clone(), faults: self.faults.clone() })
    }
}

async fn amid<T>(
    faults: &Faults,
    store: &StoreId,
    operation: Operation,
    work: impl Future<Output = Result<T, StoreError>> + Send,
) -> Result<T, StoreError> {
    faults.meet(store, operation).await?;
    let done = work.await?;
    faults.answer(store, operation)?;
    Ok(done)
}

#[async_trait]
impl Store for Chaos {
    fn facts(&self) -> &StoreFacts {
        self.inner.facts()
    }

    fn capability(&self) -> Capability {
        self.inner.capability()
    }

    async fn begin_write(&self, spec: &WriteSpec) -> Result<Box<dyn StoreWriter>, StoreError> {
        let inner = self.amid(Operation::BeginWrite, self.inner.begin_write(spec)).await?;
        Ok(self.writer(inner))
    }

    async fn resume_write(
        &self,
        url: &str,
        spec: &WriteSpec,
    ) -> Result<Option<Box<dyn StoreWriter>>, StoreError> {
        let inner = self.amid(Operation::BeginWrite, self.inner.resume_write(url, spec)).await?;
        Ok(inner.map(|inner| self.writer(inner)))
    }

    async fn open_read(&self, url: &str) -> Result<Arc<dyn StoreReader>, StoreError> {
        let inner = self.amid(Operation::Open, self.inner.open_read(url)).await?;
        Ok(Arc::new(Reader { inner, store: self.inner.facts().id.clone(), faults: self.faults.clone() }))
    }

    async fn clone_from(&self, source: &CloneSource, spec: &WriteSpec) -> Result<CloneOutcome, StoreError> {
        if let Some(reason) = self.faults.refusal() {
            return Ok(CloneOutcome::Refused(reason));
        }
        self.amid(Operation::Clone, Store::clone_from(&*self.inner, source, spec)).await
    }

    async fn offers(&self, source: &CloneSource, spec: &WriteSpec) -> Result<Vec<Offer>, StoreError> {
        self.inner.offers(source, spec).await
    }

    async fn backend(&self) -> Option<String> {
        self.inner.backend().await
    }

    async fn delete(&self, url: &str) -> Result<(), StoreError> {
        self.amid(Operation::Delete, self.inner.delete(url)).await
    }

    async fn find(&self, image: &ImageId) -> Result<Vec<String>, StoreError> {
        self.amid(Operation::Find, self.inner.find(image)).await
    }

    async fn holds(&self, url: &str) -> Result<bool, StoreError> {
        self.inner.holds(url).await
    }

    async fn set_owner(&self, url: &str, owner: Option<&ProjectId>) -> Result<(), StoreError> {
        self.amid(Operation::Commit, self.inner.set_owner(url, owner)).await
    }

    async fn recover(&self) -> Result<(), StoreError> {
        self.amid(Operation::Recover, self.inner.recover()).await
    }
}

struct Writer {
    inner: Box<dyn StoreWriter>,
    store: StoreId,
    faults: Faults,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Writer").field(&self.inner).finish()
    }
}

#[async_trait]
impl StoreWriter for Writer {
    fn url(&self) -> &str {
        self.inner.url()
    }

    async fn write_at(&self, offset: u64, data: Bytes) -> Result<(), StoreError> {
        amid(&self.faults, &self.store, Operation::Write, self.inner.write_at(offset, data)).await
    }

    async fn write_zeroes(&self, offset: u64, len: u64) -> Result<(), StoreError> {
        amid(&self.faults, &self.store, Operation::Write, self.inner.write_zeroes(offset, len)).await
    }

    async fn sync(&self) -> Result<(), StoreError> {
        amid(&self.faults, &self.store, Operation::Sync, self.inner.sync()).await
    }

    async fn read_back(&self, offset: u64, len: usize) -> Result<Bytes, StoreError> {
        amid(&self.faults, &self.store, Operation::Read, self.inner.read_back(offset, len)).await
    }

    async fn commit(self: Box<Self>, len: u64) -> Result<StoredObject, StoreError> {
        let Self { inner, store, faults } = *self;
        amid(&faults, &store, Operation::Commit, inner.commit(len)).await
    }

    async fn abort(self: Box<Self>) -> Result<(), StoreError> {
        let Self { inner, store, faults } = *self;
        amid(&faults, &store, Operation::Abort, inner.abort()).await
    }
}

#[derive(Debug)]
struct Reader {
    inner: Arc<dyn StoreReader>,
    store: StoreId,
    faults: Faults,
}

#[async_trait]
impl StoreReader for Reader {
    fn len(&self) -> u64 {
        self.inner.len()
    }

    // Nothing is at hand: every read passes where it may fail.
    async fn read_at(&self, offset: u64, len: usize) -> Result<Bytes, StoreError> {
        amid(&self.faults, &self.store, Operation::Read, self.inner.read_at(offset, len)).await
    }

    async fn extents(&self, range: Range<u64>) -> Result<Extents, StoreError> {
        amid(&self.faults, &self.store, Operation::Read, self.inner.extents(range)).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.inner.close().await
    }
}
