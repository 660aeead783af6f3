// SPDX-License-Identifier: Apache-2.0
//! What the HTTP edge is told by the configuration.

use std::path::PathBuf;
use std::sync::Arc;

use scurry_auth::policy::PropertyProtections;

use crate::schema::CustomSchema;

/// Settings of the HTTP edge alone; those of the use cases are in [`scurry_image::ImageSettings`].
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// `public_endpoint`: base of the links clients are given. Without it, the request's own `Host` is used.
    pub public_endpoint: Option<String>,
    /// `max_request_id_length`: longest `x-openstack-request-id` taken over from a client, in bytes.
    pub max_request_id_length: usize,
    /// `[healthcheck] disable_by_file_path`: while this file exists, `/healthcheck` answers 503.
    pub healthcheck_disable_file: Option<PathBuf>,
    /// What `schema-image.json` adds to the image schema.
    pub custom_schema: CustomSchema,
    /// `property_protection_file`: who may touch which additional property.
    pub property_protections: Option<Arc<PropertyProtections>>,
    /// Longest JSON body read, in bytes.
    pub max_json_body: usize,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            public_endpoint: None,
            max_request_id_length: 64,
            healthcheck_disable_file: None,
            custom_schema: CustomSchema::default(),
            property_protections: None,
            max_json_body: 1024 * 1024,
        }
    }
}
