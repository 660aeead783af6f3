// SPDX-License-Identifier: Apache-2.0
//! A part of an image's data.

use std::ops::Range;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use reqwest::header::CONTENT_RANGE;
use reqwest::{Method, StatusCode};

use super::{ImageClient, path};
use crate::error::{ClientError, ErrorKind};

/// An answer's data as it comes.
pub type Data = BoxStream<'static, Result<Bytes, ClientError>>;

/// What a service gave of the range asked for.
pub enum Stretch {
    /// The range.
    Part(Data),
    /// The whole image: the service, or the store behind it, knows no ranges.
    Whole(Data),
}

impl std::fmt::Debug for Stretch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Part(_) => "Part",
            Self::Whole(_) => "Whole",
        })
    }
}

impl ImageClient {
    /// The bytes of `range`, which must not be empty, or the whole image.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no data; the stream itself fails when the data breaks off.
    pub async fn stretch(&self, id: &str, range: Range<u64>) -> Result<Stretch, ClientError> {
        let target = format!("{}/file", path(id));
        let call = format!("GET {target}");
        let wanted = format!("bytes={}-{}", range.start, range.end.saturating_sub(1));
        let response = self.call(Method::GET, target).header("range", &wanted).unlimited().send().await?;
        let (status, given) = (response.status(), response.headers().get(CONTENT_RANGE).cloned());
        let wrong = {
            let call = call.clone();
            move |text: &str| ClientError::protocol(call.as_str(), text)
        };
        let data = response
            .bytes_stream()
            .map_err(move |error| ClientError::transport(call.as_str(), error))
            .boxed();
        match status {
            StatusCode::NO_CONTENT => {
                Err(ClientError::new(ErrorKind::NotFound, wanted, "the image has no data"))
            }
            StatusCode::PARTIAL_CONTENT => {
                let expected = format!("bytes {}-{}/", range.start, range.end.saturating_sub(1));
                match given.as_ref().and_then(|value| value.to_str().ok()) {
                    Some(given) if given.starts_with(&expected) => Ok(Stretch::Part(data)),
                    _ => Err(wrong("the answer is another range than the one asked for")),
                }
            }
            _ => Ok(Stretch::Whole(data)),
        }
    }
}
