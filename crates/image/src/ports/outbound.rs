// SPDX-License-Identifier: Apache-2.0
//! Reading from addresses that clients name: other people's web servers and image services.

use std::fmt;

use async_trait::async_trait;
use scurry_types::Secret;

use crate::body::Body;

/// One address to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboundRequest {
    /// The address.
    pub url: String,
    /// A user's token, for that very host: it follows no redirect to another one.
    pub token: Option<Secret>,
    /// The address is the operator's own (of the service catalogue): it need not pass the filter.
    pub trusted: bool,
}

/// What an address gives.
pub struct OutboundBody {
    /// Bytes announced; the stream fails when it has more or fewer.
    pub len: Option<u64>,
    /// The bytes.
    pub body: Body,
}

impl fmt::Debug for OutboundBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutboundBody").field("len", &self.len).finish_non_exhaustive()
    }
}

/// Why an address is not read.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// The operator does not let clients name it.
    #[error("{0}")]
    Refused(String),
    /// It answers with something else than the bytes.
    #[error("{0}")]
    Failed(String),
    /// It does not answer at the moment.
    #[error("{0}")]
    Unavailable(String),
}

/// The outside world, behind the operator's filter of addresses.
#[async_trait]
pub trait Outbound: fmt::Debug + Send + Sync + 'static {
    /// Whether an address a client names may be read; its names are looked up for that, nothing is sent to it.
    async fn check(&self, url: &str) -> Result<(), OutboundError>;

    /// Begins to read it.
    async fn get(&self, request: &OutboundRequest) -> Result<OutboundBody, OutboundError>;
}
