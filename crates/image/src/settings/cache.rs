// SPDX-License-Identifier: Apache-2.0
//! The options of the image cache.

use std::path::PathBuf;
use std::time::Duration;

/// The image cache of this node (`image_cache_dir` and its kin).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheSettings {
    /// Where the files are.
    pub dir: PathBuf,
    /// The name of this node in the books: the address others reach it at.
    pub node_url: String,
    /// Downloads fill the cache and are served from it (paste flavor `caching`); without it, only what is
    /// queued comes into the cache.
    pub serve: bool,
    /// `image_cache_driver` is `centralized_db`.
    pub central: bool,
    /// Bytes that pruning leaves.
    pub max_size: u64,
    /// How long a file may be incomplete.
    pub stall_time: Duration,
}

impl CacheSettings {
    /// A cache that downloads use, with Glance's defaults.
    #[must_use]
    pub fn new(dir: PathBuf, node_url: impl Into<String>) -> Self {
        Self {
            dir,
            node_url: node_url.into(),
            serve: true,
            central: true,
            max_size: 10 << 30,
            stall_time: Duration::from_secs(86_400),
        }
    }
}
