// SPDX-License-Identifier: Apache-2.0
//! Giving an image's bytes out, from the best place that has them.

mod pour;
mod sent;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use scurry_store::{StoreError, StoreErrorKind, StoreReader};
use scurry_types::{ImageId, ImageStatus, StoreId};

use self::pour::{Copy, Pour};
use super::core::Core;
use super::{Answer, ImageService};
use crate::body::{ByteRange, Download};
use crate::cache::{Pace, tee};
use crate::caller::Caller;
use crate::error::ImageError;
use crate::image::{Image, ImageLocation};

impl Core {
    /// An image's locations in the order they are tried: those in `prefer`, then by the weight of their
    /// stores, then as they came.
    pub(super) fn ranked<'a>(&self, image: &'a Image, prefer: &[StoreId]) -> Vec<&'a ImageLocation> {
        let mut ranked: Vec<_> = image.locations.iter().filter(|one| one.status == "active").collect();
        ranked.sort_by_key(|location| {
            let preferred = location.store().is_some_and(|store| is_among(store, prefer));
            (!preferred, self.lightness(location))
        });
        ranked
    }

    /// Opens a location.
    pub(super) async fn open(&self, location: &ImageLocation) -> Result<Arc<dyn StoreReader>, StoreError> {
        let name = location.store().unwrap_or("");
        let Some(store) = self.stores.get(name) else {
            return Err(StoreError::new(
                &StoreId::from(name),
                scurry_store::Operation::Open,
                StoreErrorKind::NotFound,
                "the store is not enabled",
            ));
        };
        store.open_read(&location.url).await
    }

    /// The image in the cache, where downloads use it. What is wrong with the cache is not the client's problem.
    async fn cached(&self, image: &Image, prefer: &[StoreId]) -> Option<Arc<dyn StoreReader>> {
        let cache = self.cache.as_ref().filter(|cache| cache.settings.serve)?;
        // Who asks for a store means that store's bytes.
        let elsewhere = image.stores().into_iter().any(|store| is_among(store, prefer));
        if image.status != ImageStatus::Active || elsewhere {
            return None;
        }
        match cache.open(image).await {
            Ok(reader) => reader,
            Err(error) => {
                tracing::warn!(image.id = %image.id, error = error.reason(), "a cached image cannot be read");
                None
            }
        }
    }

    /// All bytes of an image from its stores, and how many there are.
    pub(super) async fn stored_bytes(
        self: &Arc<Self>,
        image: &Image,
    ) -> Result<Option<(u64, impl Stream<Item = Result<Bytes, StoreError>> + Send + use<>)>, StoreError> {
        let copies = self.ranked(image, &[]).into_iter().cloned().map(Copy::Stored).collect();
        let mut pour = Pour::new(self, &image.id, image.size, copies);
        let Some(len) = pour.open().await? else { return Ok(None) };
        pour.seek(0..len);
        Ok(Some((len, pour.stream())))
    }
}

fn is_among(store: &str, prefer: &[StoreId]) -> bool {
    prefer.iter().any(|one| one.as_str() == store)
}

impl ImageService {
    /// Opens an image's bytes; `None` when it has none (204). Stores in `prefer` are tried first, then the
    /// cache, then the other stores.
    pub async fn download(
        &self,
        caller: &Caller,
        id: &ImageId,
        range: Option<ByteRange>,
        prefer: &[StoreId],
    ) -> Answer<Option<Download>> {
        let core = &self.core;
        let image = core.visible(caller, id).await?;
        if image.status == ImageStatus::Deactivated && !caller.is_admin {
            return Err(ImageError::Forbidden(
                "The requested image has been deactivated. Image data download is forbidden.".to_owned(),
            ));
        }
        let cached = core.cached(&image, prefer).await;
        let hit = cached.is_some();
        let mut copies: VecDeque<_> = cached.map(Copy::Cached).into_iter().collect();
        copies.extend(core.ranked(&image, prefer).into_iter().cloned().map(Copy::Stored));
        let mut pour = Pour::new(core, id, image.size, copies);
        let len = match pour.open().await {
            Ok(Some(len)) => len,
            Ok(None) => return Ok(None),
            Err(error) => return unreadable(error),
        };
        let part = match range {
            None => 0..len,
            Some(range) => range.resolve(len).ok_or(ImageError::RangeNotSatisfiable { len })?,
        };
        pour.seek(part.clone());
        // The first bytes tell whether there are any: afterwards it is too late to answer with an error.
        let first = match pour.next().await.transpose() {
            Ok(first) => first,
            Err(error) => return unreadable(error),
        };
        let whole = part == (0..len);
        let body = stream::iter(first.map(Ok)).chain(pour.stream());
        let fill = match &core.cache {
            Some(cache) if hit => {
                cache.hit(id, whole);
                None
            }
            Some(cache) if whole && cache.settings.serve && image.status == ImageStatus::Active => {
                cache.begin(&image, len, Pace::Client).await
            }
            _ => None,
        };
        let body = match fill {
            Some(fill) => tee(body, fill).boxed(),
            None => body.boxed(),
        };
        let body = core.told_when_sent(&image, caller, part.end - part.start, body);
        Ok(Some(Download { image, range: part, len, body }))
    }
}

/// What a client is told when no copy can be read.
fn unreadable(error: StoreError) -> Answer<Option<Download>> {
    match error.kind {
        // Glance answers a location without its object like an image without data.
        StoreErrorKind::NotFound => Ok(None),
        StoreErrorKind::Unavailable => {
            Err(ImageError::Unavailable { text: error.to_string(), retry_after: None })
        }
        _ => Err(ImageError::Store(error)),
    }
}
