// SPDX-License-Identifier: Apache-2.0
//! Why a transfer ended early, and what it could not clear away.

use std::error::Error;
use std::fmt;

use scurry_store::StoreError;
use scurry_types::StoreId;

/// A transfer that ended early. Every target was told to abort before this is returned.
#[derive(Debug)]
pub struct Failed<E> {
    /// Why.
    pub error: E,
    /// Objects that could not be removed: they are still in their stores.
    pub left_behind: Vec<LeftBehind>,
}

/// An object of a failed transfer that its store would not remove.
#[derive(Debug)]
pub struct LeftBehind {
    /// The store.
    pub store: StoreId,
    /// Url of the object.
    pub url: String,
    /// Why it is still there.
    pub error: StoreError,
}

impl<E: fmt::Display> fmt::Display for Failed<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.error)?;
        for left in &self.left_behind {
            write!(f, "; {} is left behind in store {}", left.url, left.store)?;
        }
        Ok(())
    }
}

impl<E: Error + 'static> Error for Failed<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

/// Why an image was not taken in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IngestError {
    /// The body has more bytes than an image may have.
    #[error("the image is larger than the {max} bytes allowed")]
    TooLarge {
        /// `max_len` of the request.
        max: u64,
    },
    /// The body did not end where it was said to.
    #[error("the body has more than the {declared} bytes announced")]
    LongerThanDeclared {
        /// Bytes announced.
        declared: u64,
    },
    /// The body ended early.
    #[error("the body ended after {received} of the {declared} bytes announced")]
    ShorterThanDeclared {
        /// Bytes announced.
        declared: u64,
        /// Bytes that came.
        received: u64,
    },
    /// The body could not be read to its end.
    #[error("cannot read the image data")]
    Source(#[source] Box<dyn Error + Send + Sync>),
    /// The caller asked to stop.
    #[error("the transfer was cancelled")]
    Cancelled,
    /// A target failed and [`crate::OnFailure::AbortAll`] was asked for, or every target failed.
    #[error("cannot write the image: {}", first(.0))]
    AllTargetsFailed(Vec<StoreError>),
    /// The process ran out of threads, or one of its hashing threads died.
    #[error("cannot hash the image data")]
    Hashing(#[source] std::io::Error),
    /// The body broke off; what came is written, durable, and in the checkpoint that was kept last. The
    /// targets are as they were left, for [`scurry_store::Store::resume_write`].
    #[error("the body broke off after {offset} bytes, which are kept")]
    Suspended {
        /// Bytes that need not be sent again.
        offset: u64,
    },
    /// A checkpoint could not be kept: another goes on with the transfer, or nobody can. The targets are as
    /// they were left.
    #[error("the transfer is not this process's any more")]
    TakenOver,
    /// A target does not hold what the checkpoint says.
    #[error("cannot go on from byte {offset}: {reason}")]
    CannotResume {
        /// Where the checkpoint was made.
        offset: u64,
        /// What is wrong.
        reason: String,
    },
}

/// Why an object was not copied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// A block of the source is not what it was when it was written.
    #[error("block {block} of the source, at byte {offset}, does not have the content that was stored")]
    Corrupt {
        /// Index of the block.
        block: u64,
        /// Its first byte.
        offset: u64,
    },
    /// The source has another length than the image.
    #[error("the source has {actual} bytes, the image {expected}")]
    WrongLength {
        /// Length of the image.
        expected: u64,
        /// Length of the source.
        actual: u64,
    },
    /// The source as a whole is not what it was when it was written.
    #[error("{algorithm} of the source is {actual}, of the image {expected}")]
    WrongDigest {
        /// Name of the digest.
        algorithm: &'static str,
        /// As recorded with the image.
        expected: String,
        /// As computed.
        actual: String,
    },
    /// The source could not be read.
    #[error("cannot read the source")]
    Source(#[source] StoreError),
    /// The caller asked to stop.
    #[error("the transfer was cancelled")]
    Cancelled,
    /// The copy ended early and its targets were left as they are, to be gone on with.
    #[error("the copy was interrupted")]
    Suspended,
    /// A target failed and [`crate::OnFailure::AbortAll`] was asked for, or every target failed.
    #[error("cannot write the copy: {}", first(.0))]
    AllTargetsFailed(Vec<StoreError>),
    /// The process ran out of threads, or one of its hashing threads died.
    #[error("cannot hash the image data")]
    Hashing(#[source] std::io::Error),
}

fn first(errors: &[StoreError]) -> String {
    errors.first().map_or_else(|| "there is no target".to_owned(), ToString::to_string)
}
