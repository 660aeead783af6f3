// SPDX-License-Identifier: Apache-2.0
//! What can go wrong with a volume or its pool.

use std::io;
use std::path::{Path, PathBuf};

use scurry_types::VolumeId;

/// A failed operation on a pool or a volume.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VolumeError {
    /// The id cannot be part of a file name.
    #[error("{0:?} is not a volume id: 1 to 64 letters, digits and hyphens are expected")]
    InvalidId(String),
    /// There is such a volume already.
    #[error("volume {0} exists already")]
    AlreadyExists(VolumeId),
    /// There is no such volume.
    #[error("there is no volume {0}")]
    NotFound(VolumeId),
    /// Somebody has the volume open for writing.
    #[error("volume file {} is open for writing elsewhere: close it there first", .0.display())]
    Busy(PathBuf),
    /// The file is shared with clones and must not change.
    #[error("volume file {} is frozen because clones read it: prepare the volume for writing first", .0.display())]
    Frozen(PathBuf),
    /// The pool's directory is in use by another pool object, of this or another process.
    #[error("pool {} is in use by another process: one block-storage service at a time may serve it", .0.display())]
    PoolInUse(PathBuf),
    /// A clone may not be shorter than its source.
    #[error("a clone of {len} bytes cannot hold its source of {source_len} bytes")]
    CloneTooShort {
        /// Length asked for, in bytes.
        len: u64,
        /// Length of the source, in bytes.
        source_len: u64,
    },
    /// More than an overlay's bitmap has room for.
    #[error("a length of {len} bytes is over the limit of {max} bytes")]
    TooLong {
        /// Length asked for, in bytes.
        len: u64,
        /// The longest possible, in bytes.
        max: u64,
    },
    /// Beyond the end of the volume.
    #[error("{len} bytes at {offset} reach beyond the end of the volume at {volume_len}")]
    OutOfBounds {
        /// First byte asked for.
        offset: u64,
        /// Number of bytes asked for.
        len: u64,
        /// Length of the volume, in bytes.
        volume_len: u64,
    },
    /// Opened for reading only.
    #[error("volume file {} is open for reading only", .0.display())]
    ReadOnly(PathBuf),
    /// Not a regular file.
    #[error("{} is not a regular file", .0.display())]
    NotRegular(PathBuf),
    /// The file is not what its name says.
    #[error("volume file {} is damaged: {reason}", .path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// Primary and replica are of different length.
    #[error("the replica has {replica} bytes and its volume has {primary}: build the replica anew")]
    ReplicaMismatch {
        /// Length of the volume, in bytes.
        primary: u64,
        /// Length of the replica, in bytes.
        replica: u64,
    },
    /// The file system refused.
    #[error("cannot {op} {}", .path.display())]
    Io {
        /// What was tried: "open volume file", …
        op: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
}

impl VolumeError {
    /// Whether the file system had no room left (or the owner's quota was used up).
    #[must_use]
    pub fn is_out_of_space(&self) -> bool {
        matches!(self, Self::Io { source, .. }
            if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
    }

    pub(crate) fn corrupt(path: &Path, reason: impl Into<String>) -> Self {
        Self::Corrupt { path: path.to_owned(), reason: reason.into() }
    }
}

/// Says what was tried on which file when `result` is an error.
pub(crate) trait IoContext<T> {
    fn or_io(self, op: &'static str, path: &Path) -> Result<T, VolumeError>;
}

impl<T, E: Into<io::Error>> IoContext<T> for Result<T, E> {
    fn or_io(self, op: &'static str, path: &Path) -> Result<T, VolumeError> {
        self.map_err(|source| VolumeError::Io { op, path: path.to_owned(), source: source.into() })
    }
}
