// SPDX-License-Identifier: Apache-2.0
//! What a use case answers when it does not do what was asked, with the texts clients see.

use std::time::Duration;

use scurry_store::{StoreError, StoreErrorKind};

use crate::ports::RepositoryError;
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
            StoreErrorKind::Full => {
                Self::StorageFull(format!("Image storage media is full: {}", error.message))
            }
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
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

impl From<RepositoryError> for ImageError {
    fn from(error: RepositoryError) -> Self {
        Self::Database(error)
    }
}

impl From<scurry_jobs::JobStoreError> for ImageError {
    fn from(error: scurry_jobs::JobStoreError) -> Self {
        Self::Database(RepositoryError { action: error.action, source: error.source })
    }
}
