// SPDX-License-Identifier: Apache-2.0
//! Looking after the image cache: what is in it, what shall come, what shall go.

mod tend;

use std::sync::Arc;
use std::time::Duration;

use scurry_types::{ImageId, ImageStatus};

use super::core::Core;
use super::{Answer, ImageService};
use crate::cache::Cache;
use crate::caller::Caller;
use crate::error::ImageError;
use crate::image::Image;
use crate::ports::CachedImage;

/// What pruning removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// How many images.
    pub files: u64,
    /// How many bytes.
    pub bytes: u64,
}

/// The part of the cache that is to be cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CachePart {
    /// Images that are there.
    Cached,
    /// Images to be fetched.
    Queued,
}

fn not_found(id: &str) -> ImageError {
    ImageError::NotFound(format!("Image {id} not found."))
}

impl Core {
    fn the_cache(&self) -> Answer<&Arc<Cache>> {
        let off = || ImageError::NotFound("Caching via API is not supported at this site.".to_owned());
        self.cache.as_ref().ok_or_else(off)
    }

    /// Takes an image out of the cache and its queue; `everywhere`, other nodes do the same when they tidy up.
    /// What cannot be removed now is removed when this node tidies up.
    pub(super) async fn drop_cached(&self, id: &ImageId) {
        let Some(cache) = &self.cache else { return };
        let dropped = async {
            cache.remove(id).await?;
            self.images.remove_cached_everywhere(id).await?;
            cache.dequeue(id).await
        };
        if let Err(error) = dropped.await {
            tracing::warn!(image.id = %id, error = error.reason(), "an image stays in the cache for now");
        }
    }
}

impl ImageService {
    /// Images in this node's cache, in the order they came, and those in its queue.
    pub async fn cache_contents(&self) -> Answer<(Vec<CachedImage>, Vec<ImageId>)> {
        let cache = self.core.the_cache()?;
        Ok((cache.entries().await?, cache.queue().await?))
    }

    /// An image that shall be cached, or `NotFound` in the cache's words.
    pub async fn image_to_cache(&self, caller: &Caller, id: &str) -> Answer<Image> {
        let parsed: ImageId = id.parse().map_err(|_| not_found(id))?;
        self.get(caller, &parsed).await.map_err(|error| match error {
            ImageError::NotFound(_) => not_found(id),
            other => other,
        })
    }

    /// Whether an image is in this node's cache or queue, whether or not there is such an image.
    pub async fn is_in_cache(&self, id: &str) -> Answer<Option<ImageId>> {
        let (Some(cache), Ok(id)) = (&self.core.cache, id.parse::<ImageId>()) else { return Ok(None) };
        let there = cache.entry(&id).await?.is_some() || cache.queue().await?.contains(&id);
        Ok(there.then_some(id))
    }

    /// Has an active image fetched into the cache.
    pub async fn queue_active(&self, image: &Image) -> Answer<()> {
        let cache = self.core.the_cache()?;
        if image.status != ImageStatus::Active {
            return Err(ImageError::Invalid(
                "Only images with status active can be targeted for queueing".to_owned(),
            ));
        }
        self.queue(&image.id).await?;
        cache.queued.notify_one();
        Ok(())
    }

    /// Puts an image into the queue, to be fetched when its turn comes; not one that is cached.
    pub async fn queue(&self, id: &ImageId) -> Answer<()> {
        let cache = self.core.the_cache()?;
        if cache.entry(id).await?.is_none() {
            cache.enqueue(id).await?;
            // It may have come meanwhile.
            if !cache.is_coming(id) && cache.entry(id).await?.is_some() {
                cache.dequeue(id).await?;
            }
        }
        Ok(())
    }

    /// Takes an image out of the cache.
    pub async fn remove_cached(&self, id: &ImageId) -> Answer<()> {
        let cache = self.core.the_cache()?;
        cache.entry(id).await?;
        cache.remove(id).await?;
        Ok(())
    }

    /// Takes an image out of the queue.
    pub async fn remove_queued(&self, id: &ImageId) -> Answer<()> {
        self.core.the_cache()?.dequeue(id).await
    }

    /// Clears a part of the cache; how many images were in it.
    pub async fn clear_cache(&self, part: CachePart) -> Answer<u64> {
        let cache = self.core.the_cache()?;
        match part {
            CachePart::Cached => cache.clear().await,
            CachePart::Queued => cache.clear_queue().await,
        }
    }

    /// Removes files that were found wrong, and those that have been incomplete for too long.
    pub async fn clean_cache(&self) -> Answer<()> {
        self.core.the_cache()?.clean(Duration::ZERO).await
    }

    /// Removes the images asked for longest ago until the cache is no larger than it may be.
    pub async fn prune_cache(&self) -> Answer<Pruned> {
        let cache = self.core.the_cache()?;
        self.core.prune(cache).await
    }

    /// Addresses of the nodes that have an image cached. Whoever sees the image may ask.
    pub async fn nodes_with_cached(&self, caller: &Caller, id: &str) -> Answer<Vec<String>> {
        let cache = self.core.the_cache()?;
        if !cache.settings.central {
            return Err(ImageError::Conflict("Centralized caching is not enabled".to_owned()));
        }
        let image = self.image_to_cache(caller, id).await?;
        cache.landed().await;
        Ok(self.core.images.nodes_with(&image.id).await?)
    }
}
