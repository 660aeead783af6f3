// SPDX-License-Identifier: Apache-2.0
//! What the HTTP edge is told by the configuration.

use std::path::PathBuf;

use serde_json::{Map, Value};

/// Settings of the HTTP edge alone; those of the use cases are in [`scurry_image::ImageSettings`].
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// `public_endpoint`: base of the links clients are given. Without it, the request's own `Host` is used.
    pub public_endpoint: Option<String>,
    /// `max_request_id_length`: longest `x-openstack-request-id` taken over from a client, in bytes.
    pub max_request_id_length: usize,
    /// `[healthcheck] disable_by_file_path`: while this file exists, `/healthcheck` answers 503.
    pub healthcheck_disable_file: Option<PathBuf>,
    /// Properties that `schema-image.json` adds to the image schema.
    pub custom_properties: Map<String, Value>,
    /// Longest JSON body read, in bytes.
    pub max_json_body: usize,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            public_endpoint: None,
            max_request_id_length: 64,
            healthcheck_disable_file: None,
            custom_properties: Map::new(),
            max_json_body: 1024 * 1024,
        }
    }
}
