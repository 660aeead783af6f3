// SPDX-License-Identifier: Apache-2.0
//! The image cache: `image_cache_dir` and its kin.

use std::path::PathBuf;

use super::filled;
use crate::reader::Reader;

/// Where images are cached, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageCache {
    /// `image_cache_dir`.
    pub dir: PathBuf,
    /// `image_cache_driver`: `centralized_db`, or one that Scurry keeps the central books for as well.
    pub driver: String,
    /// `image_cache_max_size`: bytes that pruning leaves.
    pub max_size: u64,
    /// `image_cache_stall_time`: seconds a file may be incomplete.
    pub stall_time: u64,
}

/// Reads the options.
pub(super) fn read(reader: &Reader<'_>) -> Option<ImageCache> {
    let d = "DEFAULT";
    let dir = filled(reader.opt(d, "image_cache_dir"))?;
    Some(ImageCache {
        dir: dir.into(),
        driver: reader.opt(d, "image_cache_driver").unwrap_or_else(|| "centralized_db".to_owned()),
        max_size: reader.opt(d, "image_cache_max_size").unwrap_or(10 << 30),
        stall_time: reader.opt(d, "image_cache_stall_time").unwrap_or(86_400),
    })
}
