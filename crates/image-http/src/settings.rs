// SPDX-License-Identifier: Apache-2.0
//! What the HTTP edge is told by the configuration.

use std::sync::Arc;

use scurry_auth::policy::PropertyProtections;
use scurry_config::{CorsOrigin, Healthcheck};

use crate::schema::CustomSchema;

/// Settings of the HTTP edge alone; those of the use cases are in [`scurry_image::ImageSettings`].
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// `public_endpoint`: base of the links clients are given. Without it, the request's own `Host` is used.
    pub public_endpoint: Option<String>,
    /// `max_request_id_length`: longest `x-openstack-request-id` taken over from a client, in bytes.
    pub max_request_id_length: usize,
    /// `[healthcheck]`: what `/healthcheck` asks; without it there is none.
    pub healthcheck: Option<Healthcheck>,
    /// Port listened on, for health checks by port.
    pub listen_port: u16,
    /// `[cors]`: origins whose pages may call; none when the pipeline has no such filter.
    pub cors: Option<Vec<CorsOrigin>>,
    /// Believe a proxy's headers on scheme, host and path.
    pub proxy_headers: bool,
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
            healthcheck: None,
            listen_port: 9292,
            cors: Some(Vec::new()),
            proxy_headers: false,
            custom_schema: CustomSchema::default(),
            property_protections: None,
            max_json_body: 1024 * 1024,
        }
    }
}
