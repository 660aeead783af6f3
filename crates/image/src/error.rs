// SPDX-License-Identifier: Apache-2.0
//! What a use case answers when it does not do what was asked, with the texts clients see.

use std::time::Duration;

use scurry_store::{StoreError, StoreErrorKind};

use crate::ports::{RepositoryError, Unstorable};
use crate::upload_session::UploadProblem;

/// A refusal or failure of the image service.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// 404.
    #[error("{0}")]
    NotFound(String),
    /// 403.
    #[error("{0}")]
    Forbidden(String),
    /// 409.
    #[error("{0}")]
    Conflict(String),
    /// 400.
    #[error("{0}")]
    Invalid(String),
    /// 415: the bytes are not what the image says they are.
    #[error("{0}")]
    UnsupportedMedia(String),
    /// 413 of a project limit; the text is the one Keystone's limit library gives.
    #[error("{0}")]
    OverLimit(String),
    /// 413 of a static limit.
    #[error("{0}")]
    TooLarge(String),
    /// 413: the store's medium is full.
    #[error("{0}")]
    StorageFull(String),
    /// 410: the image was deleted while it was uploaded.
    #[error("{0}")]
    Gone(String),
    /// An upload in several requests that is not gone on with as asked.
    #[error(transparent)]
    Upload(#[from] UploadProblem),
    /// 416.
    #[error("the requested range lies outside the image of {len} bytes")]
    RangeNotSatisfiable {
        /// Length of the image in bytes.
        len: u64,
    },
    /// 503.
    #[error("{text}")]
    Unavailable {
        /// What is missing.
        text: String,
        /// When another attempt makes sense.
        retry_after: Option<Duration>,
    },
    /// 500, or what the kind of the store's error says.
    #[error("a store failed")]
    Store(#[source] StoreError),
    /// 500.
    #[error("the database failed")]
    Database(#[source] RepositoryError),
    /// 500: local files of the service (staging area) cannot be used.
    #[error("{text}")]
    Local {
        /// What was tried, with the path.
        text: String,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// The client is no longer there to be answered.
    #[error("the client went away")]
    ClientGone,
}

impl ImageError {
    /// Text of a missing or invisible image.
    pub(crate) fn no_image(id: &scurry_types::ImageId) -> Self {
        Self::NotFound(format!("No image found with ID {id}"))
    }

    /// What a client is told when a store fails to take data.
    pub(crate) fn from_write(error: StoreError) -> Self {
        match error.kind {
            StoreErrorKind::Full => Self::StorageFull(full(&error)),
            StoreErrorKind::Denied => Self::Unavailable {
                text: format!("Insufficient permissions on image storage media: {}", error.message),
                retry_after: None,
            },
            StoreErrorKind::Unavailable => {
                Self::Unavailable { text: error.to_string(), retry_after: Some(Duration::from_secs(30)) }
            }
            StoreErrorKind::AlreadyExists => Self::Conflict(error.to_string()),
            StoreErrorKind::Invalid => Self::Invalid(error.to_string()),
            _ => Self::Store(error),
        }
    }

    /// The reason with its causes, for a task's message.
    pub(crate) fn reason(&self) -> String {
        scurry_types::with_causes(self)
    }
}

/// Why one of several stores did not get an image, for a task's message.
pub(crate) fn loss_reason(error: &StoreError) -> String {
    if error.kind == StoreErrorKind::Full { full(error) } else { error.to_string() }
}

fn full(error: &StoreError) -> String {
    format!("Image storage media is full: {}", error.message)
}

impl From<RepositoryError> for ImageError {
    fn from(error: RepositoryError) -> Self {
        if error.source.is::<Unstorable>() {
            return Self::Invalid(error.source.to_string());
        }
        Self::Database(error)
    }
}

impl From<scurry_jobs::JobStoreError> for ImageError {
    fn from(error: scurry_jobs::JobStoreError) -> Self {
        Self::Database(RepositoryError { action: error.action, source: error.source })
    }
}

#[cfg(test)]
mod tests {
    use scurry_store::Operation;
    use scurry_types::StoreId;

    use super::*;

    #[test]
    fn a_full_store_is_called_full_wherever_it_is_told() {
        let store = StoreId::from("small");
        let error = |kind| StoreError::new(&store, Operation::Write, kind, "cannot write 5 bytes");
        let text = "Image storage media is full: cannot write 5 bytes";
        assert_eq!(loss_reason(&error(StoreErrorKind::Full)), text);
        assert!(
            matches!(ImageError::from_write(error(StoreErrorKind::Full)), ImageError::StorageFull(said) if said == text)
        );
        assert_eq!(
            loss_reason(&error(StoreErrorKind::Other)),
            "store small cannot write: cannot write 5 bytes"
        );
    }
}
