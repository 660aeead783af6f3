// SPDX-License-Identifier: Apache-2.0
//! What a store of this kind is told.

use std::path::PathBuf;
use std::time::Duration;

use scurry_connect::Connector;
use scurry_openstack_client::{ClientError, Credentials, Interface, Session, SessionOptions};
use scurry_types::StoreId;

/// One `cinder` store of `enabled_backends`. The option each field comes from stands beside it.
#[derive(Debug, Clone)]
pub struct CinderStoreConfig {
    /// The identifier from `enabled_backends`.
    pub id: StoreId,
    /// `store_description`, as written.
    pub description: Option<String>,
    /// `weight`.
    pub weight: i64,
    /// `cinder_volume_type`, a name or an id; Cinder's default type when absent.
    pub volume_type: Option<String>,
    /// Who a store acts as (`cinder_store_*`); the project of these credentials owns the image volumes.
    pub credentials: Credentials,
    /// `cinder_catalog_info`: `type:name:interface`, the name may be empty.
    pub catalog_info: String,
    /// `cinder_endpoint_template`: an address that is used instead of the catalog's.
    pub endpoint_template: Option<String>,
    /// `cinder_os_region_name`.
    pub region: Option<String>,
    /// `cinder_ca_certificates_file`.
    pub ca_certificates_file: Option<PathBuf>,
    /// `cinder_api_insecure`: certificates are not verified.
    pub insecure: bool,
    /// `cinder_http_retries`.
    pub http_retries: u32,
    /// `cinder_state_transition_timeout`: how long a volume may take from one state to the next.
    pub state_transition_timeout: Duration,
    /// `cinder_attachment_retry_attempts`: how often an attachment of a volume that is in use is asked for.
    pub attachment_retry_attempts: u32,
    /// Pause before the second attempt; doubles from one attempt to the next, up to 10 s.
    pub attachment_retry_delay: Duration,
    /// `cinder_use_multipath`, shown in the details of stores.
    pub use_multipath: bool,
    /// How long an attachment for reading is kept when its last reader is gone.
    pub read_linger: Duration,
    /// Who this node is to Cinder. `host` must be the node's own and stay the same over restarts.
    pub connector: Connector,
}

impl CinderStoreConfig {
    /// The options' defaults for everything else.
    #[must_use]
    pub fn new(id: StoreId, credentials: Credentials, connector: Connector) -> Self {
        Self {
            id,
            description: None,
            weight: 0,
            volume_type: None,
            credentials,
            catalog_info: "volumev3::publicURL".to_owned(),
            endpoint_template: None,
            region: None,
            ca_certificates_file: None,
            insecure: false,
            http_retries: 3,
            state_transition_timeout: Duration::from_secs(300),
            attachment_retry_attempts: 5,
            attachment_retry_delay: Duration::from_secs(1),
            use_multipath: false,
            read_linger: Duration::from_secs(5),
            connector,
        }
    }

    /// A session with these credentials. Stores of the same credentials and transport options may share one;
    /// others must not.
    ///
    /// # Errors
    /// When the address is not a URL or the file of certificates cannot be used. Nothing is sent.
    pub fn session(&self) -> Result<Session, ClientError> {
        self.session_among(&mut Vec::new())
    }

    /// One of `open` for the same user, else a new one, which joins them: stores of one Cinder log in once.
    ///
    /// # Errors
    /// As [`Self::session`].
    pub fn session_among(&self, open: &mut Vec<Session>) -> Result<Session, ClientError> {
        let options = SessionOptions {
            region: self.region.clone(),
            interface: self.interface(),
            cafile: self.ca_certificates_file.clone(),
            insecure: self.insecure,
            retries: self.http_retries,
            ..SessionOptions::default()
        };
        if let Some(session) = open.iter().find(|session| session.is_of(&self.credentials, &options)) {
            return Ok(session.clone());
        }
        let session = Session::new(self.credentials.clone(), options)?;
        open.push(session.clone());
        Ok(session)
    }

    /// Which block-storage service this is, as far as the options tell. Two ways to write the same one look different.
    pub(crate) fn service(&self) -> String {
        let options = [&self.endpoint_template, &self.region].map(|option| option.as_deref().unwrap_or(""));
        format!("{} {} {}", self.credentials.auth_url, options[0], options[1])
    }

    fn interface(&self) -> Interface {
        self.catalog_info.rsplit(':').next().and_then(Interface::parse).unwrap_or_default()
    }
}
