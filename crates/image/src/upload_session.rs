// SPDX-License-Identifier: Apache-2.0
//! Uploads in several requests: how they are announced, and what is answered.

use std::time::Duration;

use scurry_types::StoreId;

use crate::error::ImageError;

/// How a request that appends was announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Append {
    /// First byte of the image it brings.
    pub offset: u64,
    /// Bytes of the whole image, where the client says so.
    pub len: Option<u64>,
    /// It brings all that is missing.
    pub complete: bool,
}

/// How such a request ended when it was read to its end.
#[derive(Debug)]
pub enum Appended {
    /// More is to come, from this byte on.
    More {
        /// Bytes that are durable.
        offset: u64,
    },
    /// The image has its data.
    Complete {
        /// Bytes of the image.
        len: u64,
        /// [`scurry_transfer::block_digest`] of the image.
        block_digest: [u8; 32],
    },
    /// All of it came, but it may not count: the upload is over.
    Refused(ImageError),
}

/// How far an upload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadState {
    /// Bytes that are durable.
    pub offset: u64,
    /// Bytes of the whole image, once the client has said so.
    pub len: Option<u64>,
    /// How long the upload is kept without anything happening to it.
    pub expires_in: Duration,
    /// The image has its data; [`scurry_transfer::block_digest`] of it.
    pub complete: Option<[u8; 32]>,
}

/// Why an upload cannot be gone on with as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UploadProblem {
    /// 409.
    #[error("offset from request does not match offset of resource")]
    WrongOffset {
        /// Where the upload is.
        expected: u64,
        /// Where the client thought it was.
        provided: u64,
    },
    /// 400.
    #[error("upload is already completed")]
    Completed,
    /// 400.
    #[error("inconsistent length values for upload")]
    InconsistentLength,
    /// 409: a newer request goes on with the upload, this one ends.
    #[error("another request has taken the upload over")]
    TakenOver {
        /// Bytes that were durable then.
        offset: u64,
    },
    /// 404.
    #[error("no upload that could be gone on with has begun")]
    NotBegun,
    /// 501.
    #[error("store {0} cannot take an image in several requests: send it in one")]
    NotResumable(StoreId),
}
