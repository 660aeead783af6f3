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
    /// Where to read on, if some of it was read before.
    pub resume: Option<OutboundResume>,
}

impl OutboundRequest {
    /// All of an address a client named.
    #[must_use]
    pub const fn of(url: String) -> Self {
        Self { url, token: None, trusted: false, resume: None }
    }
}

/// Bytes that were read before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboundResume {
    /// How many.
    pub offset: u64,
    /// What the address said that they are.
    pub validator: String,
    /// How many it has in all, where it said so.
    pub len: Option<u64>,
}

/// What an address gives.
pub struct OutboundBody {
    /// Bytes of the whole announced; the stream fails when it has more or fewer.
    pub len: Option<u64>,
    /// Where in the whole the stream begins: where it was asked to, or 0 when the address gives no parts, or
    /// other bytes than before.
    pub offset: u64,
    /// What the address says that the bytes are, in a way parts can be asked for by.
    pub validator: Option<String>,
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
