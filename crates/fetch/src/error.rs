// SPDX-License-Identifier: Apache-2.0
//! Why an address was not read.

use std::error::Error;

/// A fetch that failed. Texts name the host, never what else an address holds: a query may be a password.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The filter does not let it pass.
    #[error("{place}: {reason}")]
    Refused {
        /// Scheme, host and port.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The server says something else than the bytes.
    #[error("{place} answered {status}")]
    Status {
        /// Scheme, host and port.
        place: String,
        /// The status and its words.
        status: http::StatusCode,
    },
    /// The answer cannot be used.
    #[error("{place}: {reason}")]
    Answer {
        /// Scheme, host and port.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No connection, or it broke off.
    #[error("{place} {what}")]
    Broken {
        /// Scheme, host and port.
        place: String,
        /// What happened.
        what: &'static str,
        /// The cause.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// The settings cannot be used.
    #[error("{what}")]
    Settings {
        /// What is wrong with them.
        what: String,
        /// The cause.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
}

impl FetchError {
    /// Whether another attempt may help.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Broken { .. } => true,
            Self::Status { status, .. } => {
                status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429)
            }
            _ => false,
        }
    }
}
