// SPDX-License-Identifier: Apache-2.0
//! The headers and problems of resumable uploads (draft-ietf-httpbis-resumable-upload, interop version 8).

use std::fmt::Display;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use scurry_image::{UploadProblem, UploadState};
use scurry_types::extent_frames;
use serde_json::{Value, json};

use crate::body::{content_type, declared_length};
use crate::error::ApiError;

const COMPLETE: HeaderName = HeaderName::from_static("upload-complete");
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const LENGTH: HeaderName = HeaderName::from_static("upload-length");
const LIMIT: HeaderName = HeaderName::from_static("upload-limit");
const VERSION: HeaderName = HeaderName::from_static("upload-draft-interop-version");
const BLOCK_DIGEST: HeaderName = HeaderName::from_static("scurry-block-digest");
const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");
const PARTIAL: &str = "application/partial-upload";
const PROBLEMS: &str = "https://iana.org/assignments/http-problem-types#";

/// What a request says of the part it brings; a header that is not well-formed is as if it were not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Announced {
    pub(crate) complete: Option<bool>,
    pub(crate) offset: Option<u64>,
    pub(crate) length: Option<u64>,
}

impl Announced {
    pub(crate) fn read(headers: &HeaderMap) -> Self {
        Self {
            complete: match item(headers, &COMPLETE) {
                Some("?1") => Some(true),
                Some("?0") => Some(false),
                _ => None,
            },
            offset: item(headers, &OFFSET).and_then(integer),
            length: item(headers, &LENGTH).and_then(integer),
        }
    }

    /// Bytes of the whole image, by all the request says of it: `Upload-Length`, what else the client `announced`, and
    /// where its last part ends.
    pub(crate) fn len(
        &self,
        headers: &HeaderMap,
        announced: Option<u64>,
        sparse: bool,
    ) -> Result<Option<u64>, ApiError> {
        let rest = declared_length(headers).filter(|_| self.complete == Some(true) && !sparse);
        let end = rest.map(|rest| self.offset.unwrap_or(0).saturating_add(rest));
        let mut said = [self.length, announced, end].into_iter().flatten();
        let len = said.next();
        if said.any(|other| Some(other) != len) {
            return Err(problem(&UploadProblem::InconsistentLength));
        }
        Ok(len)
    }
}

/// The value of a structured item without its parameters.
fn item<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    value.split(';').next().map(str::trim)
}

/// A structured integer that is not negative: at most 15 digits.
fn integer(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.len() <= 15 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

/// What the bytes of a request are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Those of the image.
    Plain,
    /// Frames of data and zeroes.
    Sparse,
}

/// The framing a `Content-Type` names, `plain` for bytes as they are; without a body none has to be named.
pub(crate) fn framing(headers: &HeaderMap, plain: &str) -> Result<Framing, ApiError> {
    match content_type(headers).as_deref() {
        Some(media) if media == plain => Ok(Framing::Plain),
        Some(extent_frames::MEDIA_TYPE) => Ok(Framing::Sparse),
        None if is_empty(headers) => Ok(Framing::Plain),
        media => {
            let media = media.unwrap_or("None");
            let error = ApiError::unsupported_media(media, format!("Invalid content type {media}"));
            Err(error.with_header(ACCEPT_PATCH, accepted()))
        }
    }
}

/// The framing of a part.
pub(crate) fn part_framing(headers: &HeaderMap) -> Result<Framing, ApiError> {
    framing(headers, PARTIAL)
}

fn is_empty(headers: &HeaderMap) -> bool {
    !headers.contains_key(header::TRANSFER_ENCODING) && declared_length(headers).unwrap_or(0) == 0
}

fn accepted() -> HeaderValue {
    HeaderValue::from_static("application/partial-upload, application/vnd.scurry.extents")
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: impl Display) {
    if let Ok(value) = HeaderValue::from_str(&value.to_string()) {
        headers.insert(name, value);
    }
}

fn flag(complete: bool) -> HeaderValue {
    HeaderValue::from_static(if complete { "?1" } else { "?0" })
}

/// What every answer about an upload says.
pub(crate) fn progress(offset: u64, complete: bool) -> HeaderMap {
    let mut headers = HeaderMap::new();
    put(&mut headers, OFFSET, offset);
    headers.insert(COMPLETE, flag(complete));
    headers.insert(VERSION, HeaderValue::from_static("8"));
    headers
}

/// What is said of an upload that is complete.
pub(crate) fn completed(len: u64, block_digest: &[u8; 32]) -> HeaderMap {
    let mut headers = progress(len, true);
    put(&mut headers, BLOCK_DIGEST, format!("blake3-4m=:{}:", STANDARD.encode(block_digest)));
    headers
}

/// `Upload-Limit`
pub(crate) fn limits(headers: &mut HeaderMap, max_size: u64, max_age: Option<u64>) {
    let age = max_age.map(|seconds| format!(", max-age={seconds}")).unwrap_or_default();
    put(headers, LIMIT, format!("max-size={max_size}{age}"));
}

/// What a client learns that asks how far an upload is.
pub(crate) fn state(state: &UploadState, max_size: u64) -> HeaderMap {
    let mut headers = match &state.complete {
        Some(digest) => completed(state.offset, digest),
        None => progress(state.offset, false),
    };
    if let Some(len) = state.len {
        put(&mut headers, LENGTH, len);
    }
    limits(&mut headers, max_size, Some(state.expires_in.as_secs()));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(ACCEPT_PATCH, accepted());
    headers
}

/// A refusal of data that came completely: no other attempt to go on will help.
pub(crate) fn refused(error: ApiError) -> ApiError {
    error.with_header(COMPLETE, flag(true))
}

/// A problem (RFC 9457) of the protocol.
pub(crate) fn problem(problem: &UploadProblem) -> ApiError {
    let title = problem.to_string();
    let known = |name: &str| json!({"type": format!("{PROBLEMS}{name}"), "title": title});
    let other = || json!({"type": "about:blank", "title": title});
    match problem {
        UploadProblem::WrongOffset { expected, provided } => {
            let mut value = known("mismatching-upload-offset");
            value["expected-offset"] = Value::from(*expected);
            value["provided-offset"] = Value::from(*provided);
            ApiError::conflict(title)
                .with_problem(value)
                .with_header(OFFSET, HeaderValue::from(*expected))
                .with_header(COMPLETE, flag(false))
        }
        UploadProblem::Completed => ApiError::bad_request(&title).with_problem(known("completed-upload")),
        UploadProblem::InconsistentLength => {
            ApiError::bad_request(&title).with_problem(known("inconsistent-upload-length"))
        }
        // No offset: whoever hears this shall not take the upload back at once.
        UploadProblem::TakenOver { .. } => ApiError::conflict(&title).with_problem(other()),
        UploadProblem::NotBegun => ApiError::not_found(&title).with_problem(other()),
        UploadProblem::NotResumable(_) => {
            ApiError::new(http::StatusCode::NOT_IMPLEMENTED, &title).with_problem(other())
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    #[rstest]
    #[case("?1", Some(true))]
    #[case("?0; x=y", Some(false))]
    #[case("1", None)]
    #[case("true", None)]
    fn completeness_is_a_structured_boolean(#[case] text: &str, #[case] expected: Option<bool>) {
        assert_eq!(Announced::read(&headers(&[("upload-complete", text)])).complete, expected);
    }

    #[rstest]
    #[case("0", Some(0))]
    #[case("999999999999999", Some(999_999_999_999_999))]
    #[case("1000000000000000", None)]
    #[case("-1", None)]
    #[case("+1", None)]
    #[case("1.0", None)]
    #[case("", None)]
    fn offsets_are_structured_integers(#[case] text: &str, #[case] expected: Option<u64>) {
        assert_eq!(Announced::read(&headers(&[("upload-offset", text)])).offset, expected);
    }

    #[rstest]
    #[case(&[("upload-complete", "?1"), ("content-length", "7")], false, Ok(Some(7)))]
    #[case(&[("upload-complete", "?1"), ("content-length", "7"), ("upload-offset", "3")], false, Ok(Some(10)))]
    #[case(&[("upload-complete", "?1"), ("content-length", "7"), ("upload-length", "9")], false, Err(400))]
    #[case(&[("upload-complete", "?1"), ("content-length", "7"), ("upload-length", "9")], true, Ok(Some(9)))]
    #[case(&[("upload-complete", "?0"), ("content-length", "7"), ("upload-length", "9")], false, Ok(Some(9)))]
    #[case(&[("upload-complete", "?0"), ("content-length", "7")], false, Ok(None))]
    fn lengths_must_agree(
        #[case] pairs: &[(&'static str, &str)],
        #[case] sparse: bool,
        #[case] expected: Result<Option<u64>, u16>,
    ) {
        let headers = headers(pairs);
        let len = Announced::read(&headers).len(&headers, None, sparse);
        assert_eq!(len.map_err(|error| error.status.as_u16()), expected);
    }
}
