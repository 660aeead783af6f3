// SPDX-License-Identifier: Apache-2.0
//! The books of the image cache: which node keeps which image, and how often it was asked for.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use scurry_types::ImageId;

use super::RepositoryError;

/// An image in a node's cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedImage {
    /// Number of the entry.
    pub id: i64,
    /// The image.
    pub image: ImageId,
    /// When it was last given out, or came.
    pub last_accessed: DateTime<Utc>,
    /// When it came.
    pub last_modified: DateTime<Utc>,
    /// Bytes.
    pub size: u64,
    /// How often it was given out.
    pub hits: u64,
    /// MD5 of the image; Glance leaves it empty, and so does this service.
    pub checksum: Option<String>,
}

/// Downloads from the cache that are not in the books yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hits {
    /// The image.
    pub image: ImageId,
    /// How many.
    pub count: u64,
    /// The last of them.
    pub last: DateTime<Utc>,
}

/// The books of all nodes. A node is named by the address others reach it at. Every method is one transaction.
#[async_trait]
pub trait CacheRecords: Send + Sync {
    /// What a node keeps, in the order it came.
    async fn cached_images(&self, node: &str) -> Result<Vec<CachedImage>, RepositoryError>;

    /// One image of a node.
    async fn cached_image(&self, node: &str, image: &ImageId)
    -> Result<Option<CachedImage>, RepositoryError>;

    /// Notes that a node keeps an image now; noted again, it is as new.
    async fn add_cached(&self, node: &str, image: &ImageId, size: u64) -> Result<(), RepositoryError>;

    /// Adds to the counts of what a node still keeps.
    async fn count_hits(&self, node: &str, hits: &[Hits]) -> Result<(), RepositoryError>;

    /// Notes that a node keeps an image no more.
    async fn remove_cached(&self, node: &str, image: &ImageId) -> Result<(), RepositoryError>;

    /// Notes that no node is to keep an image.
    async fn remove_cached_everywhere(&self, image: &ImageId) -> Result<(), RepositoryError>;

    /// Notes that a node keeps nothing.
    async fn clear_cached(&self, node: &str) -> Result<(), RepositoryError>;

    /// The nodes that keep an image.
    async fn nodes_with(&self, image: &ImageId) -> Result<Vec<String>, RepositoryError>;
}
