// SPDX-License-Identifier: Apache-2.0
//! Why a volume could not be opened, read or written.

use std::io;
use std::path::PathBuf;

use scurry_store::StoreErrorKind;
use scurry_volume_file::VolumeError;

use crate::IscsiFailure;

/// A failed operation on a connected volume.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// A transport this build does not speak.
    #[error("volumes reached by {protocol:?} are not supported; supported are {}", crate::PROTOCOLS.join(", "))]
    Unsupported {
        /// `driver_volume_type` of the connection.
        protocol: String,
    },
    /// The volume's type encrypts on the host.
    #[error("the volume is encrypted by its host: use a volume type without front-end encryption for images")]
    Encrypted,
    /// The connection lacks something, or it is of the wrong kind.
    #[error("the connection_info has no usable {0:?}")]
    Malformed(&'static str),
    /// Neither a regular file nor a block device.
    #[error("{} is neither a regular file nor a block device", .0.display())]
    OddFile(PathBuf),
    /// The range does not lie in the volume.
    #[error("{len} bytes at {offset} reach beyond the end of the volume at {volume_len}")]
    OutOfBounds {
        /// First byte asked for.
        offset: u64,
        /// Number of bytes asked for.
        len: u64,
        /// Length of the volume, in bytes.
        volume_len: u64,
    },
    /// Several paths were asked for and insisted on.
    #[error("multipath is enforced, but there is one path alone: {0}")]
    SinglePath(String),
    /// Opened for reading only.
    #[error("the volume is attached for reading only")]
    ReadOnly,
    /// Used after it was closed.
    #[error("the volume has been closed")]
    Closed,
    /// The thread that did the work ended early.
    #[error("the operation on the volume broke off")]
    Interrupted(#[source] tokio::task::JoinError),
    /// A session with an iSCSI target, or the disk there.
    #[error(transparent)]
    Iscsi(IscsiFailure),
    /// A volume file of ours.
    #[error(transparent)]
    Volume(VolumeError),
    /// A block device or its path.
    #[error("cannot {op} {}", .path.display())]
    Io {
        /// What was tried: "open", "read", …
        op: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
}

impl ConnectError {
    /// What the failure means to the user of an image store.
    #[must_use]
    pub fn store_kind(&self) -> StoreErrorKind {
        let of_io = |error: &io::Error| match error.kind() {
            io::ErrorKind::NotFound => StoreErrorKind::NotFound,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => StoreErrorKind::Denied,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreErrorKind::Full,
            io::ErrorKind::ResourceBusy => StoreErrorKind::InUse,
            _ => StoreErrorKind::Other,
        };
        match self {
            Self::Unsupported { .. }
            | Self::Encrypted
            | Self::Malformed(_)
            | Self::OddFile(_)
            | Self::SinglePath(_) => StoreErrorKind::Invalid,
            Self::ReadOnly => StoreErrorKind::Denied,
            Self::Iscsi(failure) => failure.store_kind(),
            Self::Io { source, .. } | Self::Volume(VolumeError::Io { source, .. }) => of_io(source),
            Self::Volume(VolumeError::Busy(_) | VolumeError::Frozen(_)) => StoreErrorKind::InUse,
            Self::Volume(VolumeError::Corrupt { .. } | VolumeError::ReplicaMismatch { .. }) => {
                StoreErrorKind::Corrupt
            }
            _ => StoreErrorKind::Other,
        }
    }
}

impl From<VolumeError> for ConnectError {
    fn from(error: VolumeError) -> Self {
        match error {
            VolumeError::OutOfBounds { offset, len, volume_len } => {
                Self::OutOfBounds { offset, len, volume_len }
            }
            VolumeError::ReadOnly(_) => Self::ReadOnly,
            other => Self::Volume(other),
        }
    }
}
