// SPDX-License-Identifier: Apache-2.0
//! The store: opening urls, and saying no to everything else.

use std::sync::Arc;

use async_trait::async_trait;
use scurry_fetch::{FetchError, FetchSettings, Fetcher, Filter, Request};
use scurry_store::{
    Capability, CloneOutcome, CloneSource, Operation, Store, StoreError, StoreErrorKind, StoreFacts,
    StoreReader, StoreWriter, WriteSpec,
};
use scurry_types::{ImageId, StoreId};
use serde_json::Map;

use crate::failure::failed;
use crate::reader::HttpReader;

/// Bytes of one request for a part.
const PREFERRED_IO: usize = 4 << 20;

/// What an http store is made of.
#[derive(Debug, Clone)]
pub struct HttpStoreConfig {
    /// Its identifier.
    pub id: StoreId,
    /// `store_description`.
    pub description: Option<String>,
    /// `weight`.
    pub weight: i64,
    /// Which addresses may be connected to.
    pub filter: Filter,
    /// Certificates, proxies, timeouts.
    pub fetch: FetchSettings,
}

/// Images on web servers.
#[derive(Debug, Clone)]
pub struct HttpStore {
    facts: StoreFacts,
    fetcher: Fetcher,
}

impl HttpStore {
    /// A store with its own connections.
    pub fn new(config: HttpStoreConfig) -> Result<Self, FetchError> {
        let facts = StoreFacts {
            id: config.id,
            kind: "http",
            description: config.description,
            read_only: true,
            weight: config.weight,
            properties: Map::new(),
        };
        Ok(Self { facts, fetcher: Fetcher::new(config.filter, config.fetch)? })
    }

    fn read_only(&self, operation: Operation) -> StoreError {
        let text = "Adding images to this store is not possible: it only reads";
        StoreError::new(&self.facts.id, operation, StoreErrorKind::Denied, text)
    }
}

#[async_trait]
impl Store for HttpStore {
    fn facts(&self) -> &StoreFacts {
        &self.facts
    }

    /// Parts are read as parts where the server sends parts, else by reading on to them.
    fn capability(&self) -> Capability {
        Capability {
            write: false,
            read_ranges: true,
            extents: false,
            fresh_is_zero: false,
            resume: false,
            clone: false,
            preferred_io: PREFERRED_IO,
        }
    }

    async fn begin_write(&self, _spec: &WriteSpec) -> Result<Box<dyn StoreWriter>, StoreError> {
        Err(self.read_only(Operation::BeginWrite))
    }

    async fn open_read(&self, url: &str) -> Result<Arc<dyn StoreReader>, StoreError> {
        let request = Request::of(url);
        let found = self.fetcher.describe(&request).await;
        let found = found.map_err(|error| failed(&self.facts.id, Operation::Open, &error))?;
        let Some(len) = found.len else {
            let text = "the server does not say how long the image is";
            return Err(StoreError::new(&self.facts.id, Operation::Open, StoreErrorKind::Invalid, text));
        };
        let request = Request { if_range: found.validator, ..request };
        Ok(Arc::new(HttpReader::new(self.facts.id.clone(), self.fetcher.clone(), request, len)))
    }

    async fn clone_from(&self, _source: &CloneSource, _spec: &WriteSpec) -> Result<CloneOutcome, StoreError> {
        Ok(CloneOutcome::Refused("an http store only reads".to_owned()))
    }

    /// The object is somebody else's: giving it up is all that can be done.
    async fn delete(&self, _url: &str) -> Result<(), StoreError> {
        Ok(())
    }

    /// Nothing is ever made here.
    async fn find(&self, _image: &ImageId) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }

    /// Any address is.
    async fn holds(&self, url: &str) -> Result<bool, StoreError> {
        let scheme = url.split("://").next().unwrap_or_default();
        Ok(["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)))
    }

    async fn recover(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
