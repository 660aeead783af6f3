// SPDX-License-Identifier: Apache-2.0
//! What a service needs to know to validate tokens.

use std::time::Duration;

use scurry_openstack_client::{Credentials, SessionOptions};

/// `[keystone_authtoken]`, ready for use.
#[derive(Debug, Clone)]
pub struct AuthSettings {
    /// The service's own account, which asks Keystone about tokens.
    pub credentials: Credentials,
    /// How to reach Keystone.
    pub session: SessionOptions,
    /// The address clients are told to get a token from.
    pub www_authenticate_uri: String,
    /// How long an answer of Keystone is believed.
    pub token_cache_time: Duration,
    /// The roles one of which makes a token a service token.
    pub service_token_roles: Vec<String>,
    /// Refuse calls whose service token has none of these roles, instead of ignoring that token.
    pub service_token_roles_required: bool,
}

impl AuthSettings {
    /// With keystonemiddleware's defaults: 300 s of cache, the role `service`, not required.
    #[must_use]
    pub fn new(credentials: Credentials, session: SessionOptions) -> Self {
        Self {
            www_authenticate_uri: credentials.auth_url.clone(),
            credentials,
            session,
            token_cache_time: Duration::from_secs(300),
            service_token_roles: vec!["service".to_owned()],
            service_token_roles_required: false,
        }
    }
}
