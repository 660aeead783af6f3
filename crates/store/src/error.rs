// SPDX-License-Identifier: Apache-2.0
//! Why a store did not do what it was asked: a kind to act on, whether to try again, and the cause.

use std::error::Error;
use std::fmt;

use scurry_types::StoreId;

/// What was being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Operation {
    Open,
    BeginWrite,
    Write,
    Sync,
    Commit,
    Abort,
    Read,
    Clone,
    Delete,
    Find,
    Recover,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::BeginWrite => "begin a write",
            Self::Write => "write",
            Self::Sync => "make durable",
            Self::Commit => "commit",
            Self::Abort => "abort",
            Self::Read => "read",
            Self::Clone => "clone",
            Self::Delete => "delete",
            Self::Find => "look for objects",
            Self::Recover => "recover",
        })
    }
}

/// What went wrong, in terms the use cases act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// The object is not there.
    NotFound,
    /// An object of that name is there already.
    AlreadyExists,
    /// Something (a clone, a snapshot, an attachment) still needs the object.
    InUse,
    /// The medium is full, or a quota of the backend is reached.
    Full,
    /// The backend refused the credentials or the store is read-only.
    Denied,
    /// The url or the store's configuration is not valid.
    Invalid,
    /// The object is shorter than it should be, or its content is wrong.
    Corrupt,
    /// The backend did not answer, or not in time.
    Unavailable,
    /// Anything else.
    Other,
}

/// Whether doing it again may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It will fail in the same way.
    Never,
    /// A later attempt may succeed.
    Later,
}

/// A failed operation of a store.
#[derive(Debug, thiserror::Error)]
#[error("store {store} cannot {operation}: {message}")]
pub struct StoreError {
    /// The store.
    pub store: StoreId,
    /// What was being done.
    pub operation: Operation,
    /// What went wrong.
    pub kind: StoreErrorKind,
    /// Whether to try again.
    pub retry: Retry,
    /// The reason in words, without secrets.
    pub message: String,
    /// The cause.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl StoreError {
    /// An error without a cause of its own; `Unavailable` is worth another attempt, the rest is not.
    pub fn new(
        store: &StoreId,
        operation: Operation,
        kind: StoreErrorKind,
        message: impl Into<String>,
    ) -> Self {
        let retry = if kind == StoreErrorKind::Unavailable { Retry::Later } else { Retry::Never };
        Self { store: store.clone(), operation, kind, retry, message: message.into(), source: None }
    }

    /// The same error with what caused it.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}
