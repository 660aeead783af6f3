// SPDX-License-Identifier: Apache-2.0
//! How connections are made and how long they may take.

use std::path::PathBuf;
use std::time::Duration;

/// Which proxies are used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Proxies {
    /// `http_proxy`, `https_proxy` and `no_proxy` of the environment.
    #[default]
    Environment,
    /// None.
    Direct,
    /// An address for each scheme.
    Given {
        /// For `http` addresses.
        http: Option<String>,
        /// For `https` addresses.
        https: Option<String>,
    },
}

/// Settings of a [`crate::Fetcher`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchSettings {
    /// PEM file of the only authorities that count; the system's without it.
    pub ca_file: Option<PathBuf>,
    /// Certificates are not verified.
    pub insecure: bool,
    /// Proxies.
    pub proxies: Proxies,
    /// Until a connection stands.
    pub connect_timeout: Duration,
    /// Without a byte, in an answer or before it.
    pub idle_timeout: Duration,
    /// Waiting for a server in which at least [`FetchSettings::pace_bytes`] must come.
    pub pace_window: Duration,
    /// See [`FetchSettings::pace_window`].
    pub pace_bytes: u64,
    /// Redirects that are followed.
    pub max_redirects: usize,
    /// How often a broken answer is taken up again without a byte in between.
    pub resumes: u32,
    /// Pause before that.
    pub resume_pause: Duration,
}

impl Default for FetchSettings {
    fn default() -> Self {
        Self {
            ca_file: None,
            insecure: false,
            proxies: Proxies::default(),
            connect_timeout: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(60),
            pace_window: Duration::from_secs(300),
            pace_bytes: 256 << 10,
            max_redirects: 5,
            resumes: 4,
            resume_pause: Duration::from_secs(1),
        }
    }
}
