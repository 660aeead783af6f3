// SPDX-License-Identifier: Apache-2.0
//! The contract of an image store: where image bytes are kept, and what every such place can do.
//!
//! The image service knows stores only through [`Store`], [`StoreWriter`] and [`StoreReader`]; which driver
//! stands behind a store id is decided once, where the binary is wired.

mod buffer;
mod capability;
mod error;
mod object;
mod offer;
mod registry;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use scurry_types::{Extents, ImageId, ProjectId};

pub use buffer::{Buffer, reaches};
pub use capability::Capability;
pub use error::{Operation, Retry, StoreError, StoreErrorKind};
pub use object::{CloneOutcome, CloneSource, StoreFacts, StoredObject, WriteSpec};
pub use offer::{Offer, Strategy};
pub use registry::{Registry, RegistryError};

/// One place images are kept.
///
/// Every method may be called from many tasks at once. A future that is dropped half way leaves at most an
/// object that [`Store::find`] reports: callers journal what they begin and clear it up after a crash.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// What is known of the store without asking it.
    fn facts(&self) -> &StoreFacts;

    /// What the store can do.
    fn capability(&self) -> Capability;

    /// Makes a new, empty object for an image and opens it for writing.
    async fn begin_write(&self, spec: &WriteSpec) -> Result<Box<dyn StoreWriter>, StoreError>;

    /// Opens an unfinished object to go on where an earlier writer stopped, on whatever node. `None` when that
    /// cannot be: the object is gone, or this store does not go on. What was written after the last
    /// [`StoreWriter::sync`] may or may not be there.
    async fn resume_write(
        &self,
        _url: &str,
        _spec: &WriteSpec,
    ) -> Result<Option<Box<dyn StoreWriter>>, StoreError> {
        Ok(None)
    }

    /// Opens a finished object. `NotFound` when it is gone.
    async fn open_read(&self, url: &str) -> Result<Arc<dyn StoreReader>, StoreError>;

    /// Makes the object by the backend itself, without moving bytes, from an object of this or another store.
    /// A refusal says why and is not an error: the caller copies the bytes then.
    async fn clone_from(&self, source: &CloneSource, spec: &WriteSpec) -> Result<CloneOutcome, StoreError>;

    /// What [`Store::clone_from`] can be expected to do with that source, best first, without doing anything. What is not
    /// named is not there.
    async fn offers(&self, _source: &CloneSource, _spec: &WriteSpec) -> Result<Vec<Offer>, StoreError> {
        let reason = format!("store {} does not clone", self.facts().id);
        Ok(vec![Offer::refused(Strategy::BackendClone, reason)])
    }

    /// An opaque name of the backend that new objects of this store come to lie on: stores of one kind with the same
    /// name can be expected to clone from one another. A hint, not a promise: [`Store::clone_from`] may still
    /// refuse. `None` when there is none or it cannot be told.
    async fn backend(&self) -> Option<String> {
        None
    }

    /// Removes an object. `NotFound` when it is gone already, `InUse` when something still depends on it.
    async fn delete(&self, url: &str) -> Result<(), StoreError>;

    /// Urls of all objects this store holds for an image, finished or not, whoever made them.
    async fn find(&self, image: &ImageId) -> Result<Vec<String>, StoreError>;

    /// Whether the object of a url that names no store (`cinder://<volume>`, `file:///…`) is one of this store's; the
    /// object itself need not be there.
    async fn holds(&self, _url: &str) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// Writes on an object whose image it is now, where the backend gives weight to that.
    async fn set_owner(&self, _url: &str, _owner: Option<&ProjectId>) -> Result<(), StoreError> {
        Ok(())
    }

    /// Releases what an earlier life of this process left open (attachments, temporary files). Called once,
    /// before the first request is served.
    async fn recover(&self) -> Result<(), StoreError>;
}

/// An object on its way. Dropped without [`StoreWriter::commit`], the object is left for [`Store::find`].
#[async_trait]
pub trait StoreWriter: fmt::Debug + Send + Sync {
    /// The object's url, known from the start so that it can be journalled before the first byte.
    fn url(&self) -> &str;

    /// Writes `data` at `offset` bytes. Ranges of concurrent calls must not overlap. Regions never written
    /// read as zeroes where [`Capability::fresh_is_zero`] says so.
    async fn write_at(&self, offset: u64, data: Bytes) -> Result<(), StoreError>;

    /// Makes `len` bytes at `offset` read as zeroes, by the cheapest means there are.
    async fn write_zeroes(&self, offset: u64, len: u64) -> Result<(), StoreError>;

    /// Makes every write that has returned durable, so that a checkpoint may count on it.
    async fn sync(&self) -> Result<(), StoreError>;

    /// Reads back `len` bytes at `offset` that were written, by this writer or the one it goes on for.
    async fn read_back(&self, offset: u64, len: usize) -> Result<Bytes, StoreError>;

    /// Makes the object durable and final at `len` bytes; only then does it count.
    async fn commit(self: Box<Self>, len: u64) -> Result<StoredObject, StoreError>;

    /// Removes the object. Best effort is not enough: an error means that something was left behind.
    async fn abort(self: Box<Self>) -> Result<(), StoreError>;
}

/// A finished object, open for reading by any number of tasks.
#[async_trait]
pub trait StoreReader: fmt::Debug + Send + Sync {
    /// Length of the image in bytes.
    fn len(&self) -> u64;

    /// Whether the image has no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads exactly `len` bytes at `offset`; `Corrupt` when the object ends before.
    async fn read_at(&self, offset: u64, len: usize) -> Result<Bytes, StoreError>;

    /// Some bytes from `offset` on, at most `len`, if they are in memory already. This neither waits nor fails: what
    /// is not at hand is left to [`StoreReader::read_at`].
    fn read_now(&self, _offset: u64, _len: usize) -> Option<Bytes> {
        None
    }

    /// What of `range` holds data; extents start at `range.start` counted from zero. Stores that cannot tell
    /// answer that all is data.
    async fn extents(&self, range: Range<u64>) -> Result<Extents, StoreError>;

    /// Lets go of the object. Dropping a reader does the same in the background.
    async fn close(&self) -> Result<(), StoreError>;
}
