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
        // A full disk's error names a path of this node, and not that the disk is full: that is its cause.
        let message = match kind {
            StoreErrorKind::Full => format!("{doing}: its backend has no space left"),
            _ => format!("{doing}: {error}"),
        };
        Self::new(kind, message).because(error)
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

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_full_backend_is_named_and_no_path() {
        let failed = |kind: io::ErrorKind| {
            let error =
                ConnectError::Io { op: "write", path: "/srv/pool/volume-1".into(), source: kind.into() };
            Failure::volume("cannot write 5 bytes at 0 to volume 1", error)
        };
        let full = failed(io::ErrorKind::StorageFull);
        assert_eq!(full.kind, StoreErrorKind::Full);
        assert_eq!(full.message, "cannot write 5 bytes at 0 to volume 1: its backend has no space left");
        assert_eq!(failed(io::ErrorKind::NotFound).kind, StoreErrorKind::Unavailable);
    }
}
