// SPDX-License-Identifier: Apache-2.0
//! The bytes of an image from whichever copy can give them: when one breaks, the next goes on where it was.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, stream};
use scurry_store::{Operation, StoreError, StoreErrorKind, StoreReader};
use scurry_transfer::read_stream;
use scurry_types::{ImageId, StoreId};

use crate::image::ImageLocation;
use crate::service::core::Core;

/// Somewhere the bytes are.
#[derive(Debug)]
pub(super) enum Copy {
    /// The cache.
    Cached(Arc<dyn StoreReader>),
    /// A store.
    Stored(ImageLocation),
}

/// Bytes on their way out.
pub(super) struct Pour {
    core: Arc<Core>,
    image: ImageId,
    /// Length of the image in bytes; a copy of another length is none.
    len: Option<u64>,
    copies: VecDeque<Copy>,
    opened: Option<Arc<dyn StoreReader>>,
    current: Option<BoxStream<'static, Result<Bytes, StoreError>>>,
    at: u64,
    end: u64,
    failure: Option<StoreError>,
}

impl Pour {
    pub(super) fn new(core: &Arc<Core>, image: &ImageId, len: Option<u64>, copies: VecDeque<Copy>) -> Self {
        Self {
            core: Arc::clone(core),
            image: image.clone(),
            len,
            copies,
            opened: None,
            current: None,
            at: 0,
            end: 0,
            failure: None,
        }
    }

    /// Opens the first copy that can be opened; the length of the image, or `None` when there is no copy.
    pub(super) async fn open(&mut self) -> Result<Option<u64>, StoreError> {
        while self.opened.is_none() {
            let Some(copy) = self.copies.pop_front() else {
                return self.failure.take().map_or(Ok(None), Err);
            };
            let (reader, store) = match copy {
                Copy::Cached(reader) => (Ok(reader), StoreId::from("image cache")),
                Copy::Stored(location) => {
                    (self.core.open(&location).await, StoreId::from(location.store().unwrap_or("")))
                }
            };
            match reader.and_then(|reader| self.fitting(&store, reader)) {
                Ok(reader) => self.opened = Some(reader),
                Err(error) => self.give_up_copy(error),
            }
        }
        Ok(self.len)
    }

    fn fitting(
        &mut self,
        store: &StoreId,
        reader: Arc<dyn StoreReader>,
    ) -> Result<Arc<dyn StoreReader>, StoreError> {
        let found = reader.len();
        match self.len {
            Some(expected) if expected != found => Err(StoreError::new(
                store,
                Operation::Open,
                StoreErrorKind::Corrupt,
                format!("the object has {found} bytes, the image {expected}"),
            )),
            _ => {
                self.len = Some(found);
                Ok(reader)
            }
        }
    }

    fn give_up_copy(&mut self, error: StoreError) {
        tracing::warn!(image.id = %self.image, %error, left = self.copies.len(), "a copy cannot be read, the next one is tried");
        self.failure = Some(error);
        self.opened = None;
        self.current = None;
    }

    /// Chooses the bytes to give out. To be called once, after [`Pour::open`].
    pub(super) fn seek(&mut self, range: std::ops::Range<u64>) {
        self.at = range.start;
        self.end = range.end;
    }

    /// The next bytes.
    pub(super) async fn next(&mut self) -> Option<Result<Bytes, StoreError>> {
        loop {
            let current = match &mut self.current {
                Some(current) => current,
                None if self.at >= self.end => return None,
                None => match self.open().await {
                    Ok(_) => {
                        let reader = self.opened.take()?;
                        self.current.insert(read_stream(reader, self.at..self.end, &self.core.budget).boxed())
                    }
                    Err(error) => {
                        self.end = self.at;
                        return Some(Err(error));
                    }
                },
            };
            match current.next().await {
                Some(Ok(data)) => {
                    self.at += data.len() as u64;
                    return Some(Ok(data));
                }
                // The reader is closed now.
                None if self.at >= self.end => return None,
                None => self.give_up_copy(StoreError::new(
                    &StoreId::from(""),
                    Operation::Read,
                    StoreErrorKind::Corrupt,
                    "the object ended early",
                )),
                Some(Err(error)) => self.give_up_copy(error),
            }
        }
    }

    /// All of them.
    pub(super) fn stream(self) -> impl Stream<Item = Result<Bytes, StoreError>> + Send {
        stream::unfold(self, |mut pour| async move {
            let item = pour.next().await?;
            Some((item, pour))
        })
    }
}
