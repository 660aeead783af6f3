// SPDX-License-Identifier: Apache-2.0
//! Why a file store does not start, and what errors of the file system mean for those that run.

use std::io;
use std::path::PathBuf;

use rustix::io::Errno;
use scurry_store::{Operation, StoreError, StoreErrorKind};
use scurry_types::StoreId;

/// A file store cannot start as it is configured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileStoreError {
    /// There is no directory to write to.
    #[error("store {store} has no directory: set filesystem_store_datadir")]
    NoDirectory {
        /// The store.
        store: StoreId,
    },
    /// The directory cannot be part of a url.
    #[error("store {store}: {path} is not an absolute path of printable UTF-8")]
    InvalidPath {
        /// The store.
        store: StoreId,
        /// The directory.
        path: PathBuf,
    },
    /// A directory is there twice.
    #[error("store {store}: directory {path} is named twice in filesystem_store_datadirs")]
    Duplicate {
        /// The store.
        store: StoreId,
        /// The directory.
        path: PathBuf,
    },
    /// The directory is missing and cannot be made.
    #[error("store {store} cannot create directory {path}: create it, or correct filesystem_store_datadir")]
    Create {
        /// The store.
        store: StoreId,
        /// The directory.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// No file can be made in the directory.
    #[error("store {store} cannot write to directory {path}: give the service's user write permission")]
    NotWritable {
        /// The store.
        store: StoreId,
        /// The directory.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

/// What is being done to which file, for errors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deed<'a> {
    pub(crate) store: &'a StoreId,
    pub(crate) operation: Operation,
}

impl Deed<'_> {
    pub(crate) fn failed(self, message: impl Into<String>, error: impl Into<io::Error>) -> StoreError {
        let error = error.into();
        StoreError::new(self.store, self.operation, kind(&error), message).because(error)
    }

    pub(crate) fn refused(self, kind: StoreErrorKind, message: impl Into<String>) -> StoreError {
        StoreError::new(self.store, self.operation, kind, message)
    }
}

fn kind(error: &io::Error) -> StoreErrorKind {
    match error.kind() {
        io::ErrorKind::NotFound => StoreErrorKind::NotFound,
        io::ErrorKind::AlreadyExists => StoreErrorKind::AlreadyExists,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            StoreErrorKind::Full
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => StoreErrorKind::Denied,
        io::ErrorKind::UnexpectedEof => StoreErrorKind::Corrupt,
        io::ErrorKind::TimedOut | io::ErrorKind::StaleNetworkFileHandle => StoreErrorKind::Unavailable,
        _ => match Errno::from_io_error(error) {
            // A process without free descriptors recovers as soon as others close theirs.
            Some(Errno::MFILE | Errno::NFILE | Errno::AGAIN) => StoreErrorKind::Unavailable,
            _ => StoreErrorKind::Other,
        },
    }
}

/// Runs file I/O where it may block.
pub(crate) async fn blocking<T: Send + 'static>(
    store: &StoreId,
    operation: Operation,
    work: impl FnOnce(Deed<'_>) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let id = store.clone();
    let task = tokio::task::spawn_blocking(move || work(Deed { store: &id, operation }));
    match task.await {
        Ok(result) => result,
        Err(error) => {
            Err(StoreError::new(store, operation, StoreErrorKind::Other, "the I/O task died").because(error))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_file_system_have_their_kind() {
        for (errno, expected) in [
            (Errno::NOSPC, StoreErrorKind::Full),
            (Errno::DQUOT, StoreErrorKind::Full),
            (Errno::FBIG, StoreErrorKind::Full),
            (Errno::ACCESS, StoreErrorKind::Denied),
            (Errno::PERM, StoreErrorKind::Denied),
            (Errno::ROFS, StoreErrorKind::Denied),
            (Errno::NOENT, StoreErrorKind::NotFound),
            (Errno::EXIST, StoreErrorKind::AlreadyExists),
            (Errno::STALE, StoreErrorKind::Unavailable),
            (Errno::MFILE, StoreErrorKind::Unavailable),
            (Errno::IO, StoreErrorKind::Other),
        ] {
            assert_eq!(kind(&errno.into()), expected, "{errno:?}");
        }
    }
}
