// SPDX-License-Identifier: Apache-2.0
//! A failure on its way to a [`StoreError`]: made where it happens, given the store and operation at the edge.

use std::error::Error;

use scurry_connect::ConnectError;
use scurry_openstack_client::{ClientError, ErrorKind};
use scurry_store::{Operation, StoreError, StoreErrorKind};
use scurry_types::StoreId;

/// Kind, words and cause of a failure.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: StoreErrorKind,
    pub(crate) message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Failure {
    pub(crate) fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    pub(crate) fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// A failed call; `doing` says what for, and names the volume and image.
    pub(crate) fn call(doing: impl std::fmt::Display, error: ClientError) -> Self {
        let kind = match error.kind() {
            ErrorKind::NotFound => StoreErrorKind::NotFound,
            ErrorKind::Unauthorized | ErrorKind::Forbidden => StoreErrorKind::Denied,
            ErrorKind::OverLimit => StoreErrorKind::Full,
            ErrorKind::Conflict => StoreErrorKind::InUse,
            ErrorKind::Unavailable => StoreErrorKind::Unavailable,
            ErrorKind::BadRequest | ErrorKind::Protocol => StoreErrorKind::Other,
        };
        Self::new(kind, format!("{doing}: {}", error.message())).because(error)
    }

    /// A failed access to an open volume.
    pub(crate) fn volume(doing: impl std::fmt::Display, error: ConnectError) -> Self {
        let kind = match error.store_kind() {
            // The service knows the volume: what this node does not reach is not gone.
            StoreErrorKind::NotFound => StoreErrorKind::Unavailable,
            kind => kind,
        };
        Self::new(kind, format!("{doing}: {error}")).because(error)
    }

    /// The same failure as part of something larger.
    pub(crate) fn during(mut self, doing: impl std::fmt::Display) -> Self {
        self.message = format!("{doing}: {}", self.message);
        self
    }

    /// The same failure with what could not be cleared up after it.
    pub(crate) fn leaving(mut self, left: Option<String>) -> Self {
        if let Some(left) = left {
            self.message = format!("{}; left behind: {left}", self.message);
        }
        self
    }

    pub(crate) fn at(self, store: &StoreId, operation: Operation) -> StoreError {
        let error = StoreError::new(store, operation, self.kind, self.message);
        match self.source {
            Some(source) => error.because(source),
            None => error,
        }
    }
}
