// SPDX-License-Identifier: Apache-2.0
//! Image bytes on their way in and out.

use std::fmt;
use std::ops::Range;
use std::pin::Pin;

use bytes::Bytes;
use futures::{Stream, TryStreamExt, stream};
use scurry_store::StoreError;
use scurry_transfer::Chunk;
use scurry_types::StoreId;

use crate::image::Image;

/// What a client sends. Owned, because an upload outlives the request that started it: when the client goes
/// away the use case still has to put the image back to `queued`.
pub type Body = Pin<Box<dyn Stream<Item = Result<Chunk, BodyError>> + Send>>;

/// A body whose zeroes are bytes in memory like any other.
pub(crate) fn in_memory(body: Body) -> impl Stream<Item = Result<Bytes, BodyError>> + Send {
    body.map_ok(|chunk| stream::iter(chunk.into_bytes().map(Ok))).try_flatten()
}

/// Why a request's body ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The connection went away.
    #[error("the client went away while it sent the image")]
    ClientGone,
    /// The framing of the body is broken.
    #[error("malformed request body: {0}")]
    Malformed(String),
    /// The address the bytes come from broke off.
    #[error("{text}")]
    Outbound {
        /// What happened.
        text: String,
        /// Whether another attempt may help.
        later: bool,
    },
    /// An import plugin cannot do with the bytes what it is there for.
    #[error("{0}")]
    Unusable(String),
    /// A staged image cannot be read back.
    #[error("the staged image cannot be read")]
    Local(#[source] std::io::Error),
}

/// How an upload was announced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Upload {
    /// `x-image-meta-store`; the default store when absent.
    pub store: Option<StoreId>,
    /// Bytes to come: `x-openstack-image-size`, else `Content-Length`.
    pub declared_len: Option<u64>,
}

/// One range of bytes as a client asks for it (RFC 9110 §14.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteRange {
    /// `bytes=a-`
    From(u64),
    /// `bytes=a-b`, both ends included.
    Span {
        /// First byte.
        first: u64,
        /// Last byte.
        last: u64,
    },
    /// `bytes=-n`: the last `n` bytes.
    Suffix(u64),
}

impl ByteRange {
    /// The bytes meant, of an image of `len` bytes; `None` when there are none (416).
    #[must_use]
    pub fn resolve(self, len: u64) -> Option<Range<u64>> {
        let range = match self {
            Self::From(first) => first..len,
            Self::Span { first, last } if last >= first => first..last.saturating_add(1).min(len),
            Self::Span { .. } => return None,
            Self::Suffix(count) => len.saturating_sub(count)..len,
        };
        (range.start < range.end).then_some(range)
    }
}

/// An image's bytes, ready to be sent.
pub struct Download {
    /// The image.
    pub image: Image,
    /// The bytes the body holds.
    pub range: Range<u64>,
    /// Length of the whole image in bytes.
    pub len: u64,
    /// The bytes of `range`.
    pub body: Pin<Box<dyn Stream<Item = Result<Bytes, StoreError>> + Send>>,
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("image", &self.image.id)
            .field("range", &self.range)
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::ByteRange::{From, Span, Suffix};

    #[test]
    fn ranges_are_clipped_and_empty_ones_refused() {
        assert_eq!(From(5).resolve(10), Some(5..10));
        assert_eq!(From(10).resolve(10), None);
        assert_eq!(Span { first: 0, last: 100 }.resolve(10), Some(0..10));
        assert_eq!(Span { first: 4, last: 2 }.resolve(10), None);
        assert_eq!(Span { first: 3, last: u64::MAX }.resolve(10), Some(3..10));
        assert_eq!(Suffix(3).resolve(10), Some(7..10));
        assert_eq!(Suffix(100).resolve(10), Some(0..10));
        assert_eq!(Suffix(0).resolve(10), None);
        assert_eq!(From(0).resolve(0), None);
    }
}
