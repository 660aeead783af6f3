// SPDX-License-Identifier: Apache-2.0
//! The image cache.

use super::{Body, Operation, Reply, row};

const NONE: &[(u16, Reply)] = &[(204, Reply::Empty)];
const LISTED: &[(u16, Reply)] = &[(200, Reply::Json("object"))];
const COUNTED: &[(u16, Reply)] = &[(200, Reply::Json("anything"))];

#[rustfmt::skip]
pub(super) const OPERATIONS: &[Operation] = &[
    row("GET", "/v2/cache", "List what is cached and queued", &[], Body::None, LISTED, &[400]),
    row("DELETE", "/v2/cache", "Empty the cache or the queue", &["x_image_cache_clear_target"], Body::None, NONE, &[400]),
    row("PUT", "/v2/cache/{id}", "Queue an image for caching", &[], Body::None, &[(202, Reply::Empty)], &[400]),
    row("DELETE", "/v2/cache/{id}", "Remove an image from cache and queue", &[], Body::None, NONE, &[400]),
    row("GET", "/v2/cache/nodes/{id}", "List the nodes that hold an image", &[], Body::None, COUNTED, &[400, 409]),
    row("POST", "/v2/cache/clean", "Remove what was cut short", &[], Body::None, &[(200, Reply::Empty)], &[]),
    row("POST", "/v2/cache/prune", "Shrink the cache to its size", &[], Body::None, LISTED, &[]),
    row("GET", "/v2/cached_images", "List cached images", &[], Body::None, LISTED, &[400]),
    row("DELETE", "/v2/cached_images", "Remove all cached images", &[], Body::None, COUNTED, &[400]),
    row("DELETE", "/v2/cached_images/{id}", "Remove a cached image", &[], Body::None, COUNTED, &[400]),
    row("GET", "/v2/queued_images", "List queued images", &[], Body::None, LISTED, &[400]),
    row("DELETE", "/v2/queued_images", "Remove all queued images", &[], Body::None, COUNTED, &[400]),
    row("PUT", "/v2/queued_images/{id}", "Queue an image", &[], Body::None, COUNTED, &[400]),
    row("DELETE", "/v2/queued_images/{id}", "Remove a queued image", &[], Body::None, COUNTED, &[400]),
];
