// SPDX-License-Identifier: Apache-2.0
//! Calls that manage the image cache of the node behind the address.

use reqwest::Method;
use serde::Deserialize;

use super::ImageClient;
use crate::error::ClientError;
use crate::service::segment;

/// What a node has cached.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct CacheContents {
    /// Images that are there.
    pub cached_images: Vec<CachedImage>,
    /// Ids of images to be fetched, in their turn.
    pub queued_images: Vec<String>,
}

/// An image in a node's cache; times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct CachedImage {
    /// The image's id.
    pub image_id: String,
    /// Downloads from the cache.
    pub hits: u64,
    /// When it was last given out.
    pub last_accessed: f64,
    /// When it came.
    pub last_modified: f64,
    /// Bytes.
    pub size: u64,
}

/// What pruning removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Pruned {
    /// How many images.
    pub total_files_pruned: u64,
    /// How many bytes.
    pub total_bytes_pruned: u64,
}

impl ImageClient {
    /// What is cached and what is queued.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`] where there is no cache, [`crate::ErrorKind::Forbidden`] to most callers.
    pub async fn cache_contents(&self) -> Result<CacheContents, ClientError> {
        self.call(Method::GET, "/v2/cache").fetch().await
    }

    /// Has an image fetched into the cache.
    ///
    /// # Errors
    /// [`crate::ErrorKind::BadRequest`] for an image without data, and as [`Self::cache_contents`].
    pub async fn cache_image(&self, id: &str) -> Result<(), ClientError> {
        self.call(Method::PUT, cached(id)).done().await
    }

    /// Takes an image out of cache and queue.
    ///
    /// # Errors
    /// As [`Self::cache_contents`].
    pub async fn uncache_image(&self, id: &str) -> Result<(), ClientError> {
        self.call(Method::DELETE, cached(id)).done().await
    }

    /// Empties `cache` or `queue`, or both.
    ///
    /// # Errors
    /// As [`Self::cache_contents`].
    pub async fn clear_cache(&self, part: Option<&str>) -> Result<(), ClientError> {
        let call = self.call(Method::DELETE, "/v2/cache");
        let call = part.into_iter().fold(call, |call, part| call.header("x-image-cache-clear-target", part));
        call.done().await
    }

    /// Removes files that are wrong or have been incomplete for too long.
    ///
    /// # Errors
    /// As [`Self::cache_contents`].
    pub async fn clean_cache(&self) -> Result<(), ClientError> {
        self.call(Method::POST, "/v2/cache/clean").done().await
    }

    /// Makes the cache as small as `image_cache_max_size` says.
    ///
    /// # Errors
    /// As [`Self::cache_contents`].
    pub async fn prune_cache(&self) -> Result<Pruned, ClientError> {
        self.call(Method::POST, "/v2/cache/prune").fetch().await
    }

    /// Addresses of the nodes that have an image cached.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Conflict`] where the nodes keep no common books, and as [`Self::cache_contents`].
    pub async fn nodes_with_cached(&self, id: &str) -> Result<Vec<String>, ClientError> {
        self.call(Method::GET, format!("/v2/cache/nodes/{}", segment(id))).fetch().await
    }
}

fn cached(id: &str) -> String {
    format!("/v2/cache/{}", segment(id))
}
