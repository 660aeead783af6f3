// SPDX-License-Identifier: Apache-2.0
//! Uploads that can be gone on with (draft-ietf-httpbis-resumable-upload); Glance has none of this.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::Stream;
use reqwest::Method;
use reqwest::header::HeaderMap;
use scurry_types::extent_frames;

use super::{ImageClient, path};
use crate::error::{ClientError, ErrorKind};

/// `Upload-Draft-Interop-Version` of what is spoken here.
const INTEROP: (&str, &str) = ("upload-draft-interop-version", "8");

/// Where an upload stands that can be gone on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadState {
    /// Bytes of the image the service holds.
    pub offset: u64,
    /// Length of the whole image in bytes, once it was said.
    pub length: Option<u64>,
    /// Largest image taken, in bytes.
    pub max_size: Option<u64>,
    /// Whether stretches of zeroes may be sent as such.
    pub takes_extents: bool,
    /// How it ended, when it did.
    pub done: Option<UploadDone>,
}

/// A complete upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadDone {
    /// BLAKE3 over the concatenated BLAKE3 hashes of the 4 MiB blocks the service received.
    pub block_digest: Option<[u8; 32]>,
}

/// The rest of an image, sent in one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadRest<'a> {
    /// Bytes the service holds already; `None` to begin an upload.
    pub offset: Option<u64>,
    /// Length of the whole image in bytes.
    pub length: u64,
    /// The body is made of frames ([`extent_frames`]).
    pub extents: bool,
    /// The store to begin in; the service's default one when absent.
    pub store: Option<&'a str>,
}

impl ImageClient {
    /// Where the image's upload stands; `None` from a service that cannot go on with one, and for an image with data.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthorized`], [`ErrorKind::Forbidden`] and [`ErrorKind::Unavailable`].
    pub async fn upload_state(&self, id: &str) -> Result<Option<UploadState>, ClientError> {
        let response = match self.call(Method::HEAD, file(id)).header(INTEROP.0, INTEROP.1).send().await {
            Ok(response) => response,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::BadRequest) => {
                return Ok(None);
            }
            // A service that has no HEAD there may fail in any way, so long as it answers.
            Err(error) if matches!(error.status(), Some(300..=399 | 409 | 500 | 501)) => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(state(response.headers()))
    }

    /// Sends the rest of an image; a success makes it active.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] when the service holds another number of bytes than `rest` says.
    pub async fn upload_rest<S, E>(
        &self,
        id: &str,
        rest: &UploadRest<'_>,
        data: S,
    ) -> Result<UploadDone, ClientError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        let begin = rest.offset.is_none();
        let media_type = match (rest.extents, begin) {
            (true, _) => extent_frames::MEDIA_TYPE,
            (false, true) => "application/octet-stream",
            (false, false) => "application/partial-upload",
        };
        let mut call = self
            .call(if begin { Method::PUT } else { Method::PATCH }, file(id))
            .header("content-type", media_type)
            .header(INTEROP.0, INTEROP.1)
            .header("upload-complete", "?1")
            .stream(reqwest::Body::wrap_stream(data));
        match rest.offset {
            None => call = call.header("upload-length", &rest.length.to_string()),
            Some(offset) => call = call.header("upload-offset", &offset.to_string()),
        }
        if let (true, Some(store)) = (begin, rest.store) {
            call = call.header("x-image-meta-store", store);
        }
        let response = call.send().await?;
        Ok(done(response.headers()))
    }
}

fn file(id: &str) -> String {
    format!("{}/file", path(id))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    Some(headers.get(name)?.to_str().ok()?.trim())
}

fn state(headers: &HeaderMap) -> Option<UploadState> {
    let number = |name| text(headers, name)?.parse().ok();
    let max_size = text(headers, "upload-limit").and_then(|limits| {
        limits.split(',').find_map(|limit| limit.trim().strip_prefix("max-size=")?.parse().ok())
    });
    Some(UploadState {
        offset: number("upload-offset")?,
        length: number("upload-length"),
        max_size,
        takes_extents: text(headers, "accept-patch").is_some_and(|types| {
            types.split(',').any(|found| found.trim().eq_ignore_ascii_case(extent_frames::MEDIA_TYPE))
        }),
        done: (text(headers, "upload-complete") == Some("?1")).then(|| done(headers)),
    })
}

/// A structured byte sequence named after the tree: `blake3-4m=:<base64>:`.
fn done(headers: &HeaderMap) -> UploadDone {
    let block_digest = text(headers, "scurry-block-digest").and_then(|digests| {
        let encoded = digests
            .split(',')
            .find_map(|digest| digest.trim().strip_prefix("blake3-4m=:")?.strip_suffix(':'))?;
        STANDARD.decode(encoded).ok()?.try_into().ok()
    });
    UploadDone { block_digest }
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn the_state_is_read_from_the_headers() {
        let found = state(&headers(&[
            ("upload-offset", "4096"),
            ("upload-complete", "?0"),
            ("upload-length", "8192"),
            ("upload-limit", "min-size=0, max-size=1099511627776"),
            ("accept-patch", "application/partial-upload, application/vnd.scurry.extents"),
        ]))
        .unwrap();
        assert_eq!((found.offset, found.length, found.max_size), (4096, Some(8192), Some(1 << 40)));
        assert!(found.takes_extents && found.done.is_none());
        assert_eq!(state(&headers(&[("content-length", "5")])), None);
    }

    #[test]
    fn the_block_digest_is_a_byte_sequence() {
        let value = "blake3-4m=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:";
        assert_eq!(done(&headers(&[("scurry-block-digest", value)])).block_digest, Some([0; 32]));
        for broken in ["blake3-4m=:AAAA:", "blake3-4m=AAAA", "", "sha-256=:AAAA:"] {
            assert_eq!(done(&headers(&[("scurry-block-digest", broken)])).block_digest, None, "{broken}");
        }
    }
}
