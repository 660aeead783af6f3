// SPDX-License-Identifier: Apache-2.0
//! A store that keeps sparse objects in memory.

mod backend;
mod reader;
mod writer;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use scurry_store::{
    Capability, CloneOutcome, CloneSource, Offer, Operation, Store, StoreError, StoreErrorKind, StoreFacts,
    StoreReader, StoreWriter, StoredObject, Strategy, WriteSpec,
};
use scurry_types::{ImageId, ProjectId, StoreId};
use serde_json::Map;

use crate::faults::Faults;
use crate::pages::Pages;

pub use backend::MemoryBackend;

/// An image store in memory; clones are the same store.
#[derive(Debug, Clone)]
pub struct MemoryStore {
    facts: StoreFacts,
    capability: Capability,
    faults: Faults,
    backend: Option<MemoryBackend>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    owners: Mutex<BTreeMap<String, ProjectId>>,
    objects: Mutex<BTreeMap<String, Object>>,
    next: AtomicU64,
    readers: AtomicUsize,
}

#[derive(Debug, Clone)]
struct Object {
    image: ImageId,
    pages: Pages,
    /// `None` while the object is being written.
    len: Option<u64>,
}

impl Shared {
    fn objects(&self) -> MutexGuard<'_, BTreeMap<String, Object>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MemoryStore {
    /// An empty store that can do everything.
    pub fn new(id: impl Into<StoreId>) -> Self {
        Self {
            facts: StoreFacts {
                id: id.into(),
                kind: "memory",
                description: None,
                read_only: false,
                weight: 0,
                properties: Map::new(),
            },
            capability: Capability {
                write: true,
                read_ranges: true,
                extents: true,
                fresh_is_zero: true,
                resume: true,
                clone: true,
                preferred_io: 1 << 20,
            },
            faults: Faults::default(),
            backend: None,
            shared: Arc::default(),
        }
    }

    /// The same store with its facts changed.
    #[must_use]
    pub fn with_facts(mut self, change: impl FnOnce(&mut StoreFacts)) -> Self {
        change(&mut self.facts);
        self
    }

    /// The same store with its abilities changed. Without `fresh_is_zero`, space that was never written reads
    /// as garbage.
    #[must_use]
    pub fn with_capability(mut self, change: impl FnOnce(&mut Capability)) -> Self {
        change(&mut self.capability);
        self
    }

    /// The same store on a backend: from now on it also clones what other stores of that backend hold.
    #[must_use]
    pub fn with_backend(mut self, backend: &MemoryBackend) -> Self {
        backend.join(&self.shared);
        self.backend = Some(backend.clone());
        self
    }

    /// What to break.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Urls of all objects, finished or not.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.shared.objects().keys().cloned().collect()
    }

    /// Content of a finished object.
    #[must_use]
    pub fn content(&self, url: &str) -> Option<Vec<u8>> {
        let objects = self.shared.objects();
        let object = objects.get(url)?;
        Some(object.pages.read(0, usize::try_from(object.len?).ok()?))
    }

    /// Bytes of a finished object that take space.
    #[must_use]
    pub fn allocated(&self, url: &str) -> Option<u64> {
        let objects = self.shared.objects();
        let object = objects.get(url)?;
        Some(object.pages.extents(0, object.len?).data_len())
    }

    /// Puts a finished object with that content in place; runs of zero pages become holes.
    pub fn put(&self, image: &ImageId, content: &[u8]) -> StoredObject {
        let mut pages = Pages::new(self.capability.fresh_is_zero);
        for (index, page) in content.chunks(4096).enumerate() {
            if !self.capability.fresh_is_zero || page.iter().any(|byte| *byte != 0) {
                pages.write(index as u64 * 4096, page);
            }
        }
        let url = self.fresh_url(image);
        let len = content.len() as u64;
        self.shared.objects().insert(url.clone(), Object { image: image.clone(), pages, len: Some(len) });
        StoredObject { url, len }
    }

    /// Overwrites bytes of an object behind everybody's back.
    pub fn tamper(&self, url: &str, offset: u64, data: &[u8]) {
        self.shared.objects().get_mut(url).expect("the object to tamper with").pages.write(offset, data);
    }

    /// Makes a hole in an object behind everybody's back.
    pub fn punch(&self, url: &str, offset: u64, len: u64) {
        self.shared.objects().get_mut(url).expect("the object to punch").pages.zero(offset, len);
    }

    /// The owner that was last written on an object.
    #[must_use]
    pub fn owner(&self, url: &str) -> Option<ProjectId> {
        self.shared.owners.lock().unwrap_or_else(PoisonError::into_inner).get(url).cloned()
    }

    /// Readers that were opened and not closed or dropped yet.
    #[must_use]
    pub fn open_readers(&self) -> usize {
        self.shared.readers.load(Ordering::SeqCst)
    }

    /// A finished object, of this store or its backend, and its length.
    fn cloneable(&self, url: &str) -> Option<(Object, u64)> {
        let own = self.shared.objects().get(url).cloned();
        let found = own.or_else(|| self.backend.as_ref()?.object(url))?;
        let len = found.len?;
        Some((found, len))
    }

    fn fresh_url(&self, image: &ImageId) -> String {
        let number = self.shared.next.fetch_add(1, Ordering::SeqCst);
        format!("memory://{}/{image}/{number}", self.facts.id)
    }

    fn error(&self, operation: Operation, kind: StoreErrorKind, message: impl Into<String>) -> StoreError {
        StoreError::new(&self.facts.id, operation, kind, message)
    }

    fn refuse_second(&self, operation: Operation, image: &ImageId) -> Result<(), StoreError> {
        let taken =
            self.shared.objects().values().any(|object| object.image == *image && object.len.is_some());
        if taken {
            let message = format!("image {image} is there already");
            return Err(self.error(operation, StoreErrorKind::AlreadyExists, message));
        }
        Ok(())
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn facts(&self) -> &StoreFacts {
        &self.facts
    }

    fn capability(&self) -> Capability {
        self.capability
    }

    async fn begin_write(&self, spec: &WriteSpec) -> Result<Box<dyn StoreWriter>, StoreError> {
        self.faults.meet(&self.facts.id, Operation::BeginWrite).await?;
        self.refuse_second(Operation::BeginWrite, &spec.image)?;
        let url = self.fresh_url(&spec.image);
        let pages = Pages::new(self.capability.fresh_is_zero);
        self.shared.objects().insert(url.clone(), Object { image: spec.image.clone(), pages, len: None });
        Ok(Box::new(writer::MemoryWriter::new(self.clone(), url, spec.image.clone())))
    }

    async fn resume_write(
        &self,
        url: &str,
        spec: &WriteSpec,
    ) -> Result<Option<Box<dyn StoreWriter>>, StoreError> {
        self.faults.meet(&self.facts.id, Operation::BeginWrite).await?;
        let objects = self.shared.objects();
        let unfinished =
            objects.get(url).is_some_and(|object| object.image == spec.image && object.len.is_none());
        let resume = || writer::MemoryWriter::new(self.clone(), url.to_owned(), spec.image.clone());
        Ok(unfinished.then(|| Box::new(resume()) as Box<dyn StoreWriter>))
    }

    async fn open_read(&self, url: &str) -> Result<Arc<dyn StoreReader>, StoreError> {
        self.faults.meet(&self.facts.id, Operation::Open).await?;
        let object = self.shared.objects().get(url).cloned();
        match object {
            Some(Object { len: Some(len), .. }) => {
                Ok(Arc::new(reader::MemoryReader::new(self.clone(), url.to_owned(), len)))
            }
            _ => Err(self.error(Operation::Open, StoreErrorKind::NotFound, format!("{url} is not there"))),
        }
    }

    async fn clone_from(&self, source: &CloneSource, spec: &WriteSpec) -> Result<CloneOutcome, StoreError> {
        self.faults.meet(&self.facts.id, Operation::Clone).await?;
        if !self.capability.clone {
            return Ok(CloneOutcome::Refused("this store does not clone".to_owned()));
        }
        if let Some(reason) = self.faults.refusal() {
            return Ok(CloneOutcome::Refused(reason));
        }
        self.refuse_second(Operation::Clone, &spec.image)?;
        let Some((found, len)) = self.cloneable(&source.url) else {
            return Ok(CloneOutcome::Refused(format!("{} is not an object of this backend", source.url)));
        };
        let url = self.fresh_url(&spec.image);
        self.shared.objects().insert(url.clone(), Object { image: spec.image.clone(), ..found });
        Ok(CloneOutcome::Cloned(StoredObject { url, len }))
    }

    async fn offers(&self, source: &CloneSource, _spec: &WriteSpec) -> Result<Vec<Offer>, StoreError> {
        let refused = if self.capability.clone {
            let elsewhere = || format!("store {} is of another backend", source.store);
            self.faults.refusal().or_else(|| self.cloneable(&source.url).is_none().then(elsewhere))
        } else {
            Some("this store does not clone".to_owned())
        };
        Ok(vec![Offer { strategy: Strategy::BackendClone, refused }])
    }

    async fn backend(&self) -> Option<String> {
        self.backend.as_ref().filter(|_| self.capability.clone).map(|backend| backend.name().to_owned())
    }

    async fn delete(&self, url: &str) -> Result<(), StoreError> {
        self.faults.meet(&self.facts.id, Operation::Delete).await?;
        match self.shared.objects().remove(url) {
            Some(_) => Ok(()),
            None => {
                Err(self.error(Operation::Delete, StoreErrorKind::NotFound, format!("{url} is not there")))
            }
        }
    }

    async fn find(&self, image: &ImageId) -> Result<Vec<String>, StoreError> {
        self.faults.meet(&self.facts.id, Operation::Find).await?;
        let objects = self.shared.objects();
        Ok(objects.iter().filter(|(_, object)| object.image == *image).map(|(url, _)| url.clone()).collect())
    }

    async fn set_owner(&self, url: &str, owner: Option<&ProjectId>) -> Result<(), StoreError> {
        self.faults.meet(&self.facts.id, Operation::Commit).await?;
        let mut owners = self.shared.owners.lock().unwrap_or_else(PoisonError::into_inner);
        match owner {
            Some(owner) => owners.insert(url.to_owned(), owner.clone()),
            None => owners.remove(url),
        };
        Ok(())
    }

    async fn recover(&self) -> Result<(), StoreError> {
        self.faults.meet(&self.facts.id, Operation::Recover).await
    }
}
