// SPDX-License-Identifier: Apache-2.0
//! `Range` of a download, and the `Content-Range` that very old clients send instead.

use http::{HeaderMap, header};
use scurry_image::ByteRange;

use crate::error::ApiError;

/// Reads the request's headers. `None` means the whole image.
pub(crate) fn wanted(headers: &HeaderMap) -> Result<Option<ByteRange>, ApiError> {
    if let Some(value) = headers.get(header::RANGE) {
        let text = value.to_str().map_err(|_| ApiError::range("Invalid Range header."))?;
        if text.contains(',') {
            return Err(ApiError::bad_request(
                "Requests with multiple ranges are not supported in Glance. You may make multiple \
                 single-range requests instead.",
            ));
        }
        return parse_range(text).map(Some).ok_or_else(|| ApiError::range("Invalid Range header."));
    }
    let Some(value) = headers.get(header::CONTENT_RANGE) else { return Ok(None) };
    let parsed = value.to_str().ok().and_then(parse_content_range);
    parsed.map(Some).ok_or_else(|| ApiError::range("Invalid Content-Range header."))
}

/// `bytes=FIRST-[LAST]` or `bytes=-COUNT`. A suffix of no bytes satisfies nobody (RFC 9110, 14.1.2).
fn parse_range(text: &str) -> Option<ByteRange> {
    let (unit, range) = text.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = range.trim().split_once('-')?;
    if first.is_empty() {
        return digits(last).filter(|count| *count > 0).map(ByteRange::Suffix);
    }
    let first = digits(first)?;
    if last.is_empty() {
        return Some(ByteRange::From(first));
    }
    let last = digits(last)?;
    (last >= first).then_some(ByteRange::Span { first, last })
}

/// `bytes FIRST-LAST/LENGTH` or `bytes FIRST-LAST/*`.
fn parse_content_range(text: &str) -> Option<ByteRange> {
    let (first, rest) = text.trim().strip_prefix("bytes ")?.trim().split_once('-')?;
    let (last, len) = rest.split_once('/')?;
    let (first, last) = (digits(first)?, digits(last)?);
    let fits = len == "*" || digits(len).is_some_and(|len| last < len);
    (first <= last && fits).then_some(ByteRange::Span { first, last })
}

/// A decimal number without sign; one too large for 64 bits lies past the end of any image.
fn digits(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use http::{HeaderValue, StatusCode};
    use rstest::rstest;

    use super::*;

    fn ask(name: http::HeaderName, value: &str, len: u64) -> Result<Option<Range<u64>>, StatusCode> {
        let headers = HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())]);
        match wanted(&headers) {
            Ok(None) => Ok(None),
            Ok(Some(part)) => part.resolve(len).map(Some).ok_or(StatusCode::RANGE_NOT_SATISFIABLE),
            Err(error) => Err(error.status),
        }
    }

    #[rstest]
    #[case("bytes=0-4", 0..5)]
    #[case("bytes=5-", 5..10)]
    #[case("bytes=-3", 7..10)]
    #[case("bytes=-100", 0..10)]
    #[case("bytes=0-100", 0..10)]
    #[case("Bytes=9-9", 9..10)]
    #[case("bytes=0-99999999999999999999999999", 0..10)]
    fn ranges_are_clipped_to_the_image(#[case] value: &str, #[case] expected: Range<u64>) {
        assert_eq!(ask(header::RANGE, value, 10), Ok(Some(expected)));
    }

    #[rstest]
    #[case("bytes=10-")]
    #[case("bytes=4-2")]
    #[case("bytes=-0")]
    #[case("bytes=--1")]
    #[case("bytes=+1-2")]
    #[case("items=0-1")]
    #[case("garbage")]
    #[case("bytes=")]
    #[case("bytes=99999999999999999999999999-")]
    fn what_cannot_be_served_is_416(#[case] value: &str) {
        assert_eq!(ask(header::RANGE, value, 10), Err(StatusCode::RANGE_NOT_SATISFIABLE));
    }

    #[test]
    fn an_empty_image_has_no_ranges_and_several_are_refused() {
        assert_eq!(ask(header::RANGE, "bytes=-1", 0), Err(StatusCode::RANGE_NOT_SATISFIABLE));
        assert_eq!(ask(header::RANGE, "bytes=0-1,3-4", 10), Err(StatusCode::BAD_REQUEST));
    }

    #[rstest]
    #[case("bytes 1-4/*", Ok(Some(1..5)))]
    #[case("bytes 1-4/10", Ok(Some(1..5)))]
    #[case("bytes */10", Err(StatusCode::RANGE_NOT_SATISFIABLE))]
    #[case("bytes 4-1/*", Err(StatusCode::RANGE_NOT_SATISFIABLE))]
    #[case("bytes 1-40/10", Err(StatusCode::RANGE_NOT_SATISFIABLE))]
    fn the_legacy_header_still_works(
        #[case] value: &str,
        #[case] expected: Result<Option<Range<u64>>, StatusCode>,
    ) {
        assert_eq!(ask(header::CONTENT_RANGE, value, 10), expected);
    }

    proptest::proptest! {
        /// What is served lies in the image and is never empty.
        #[test]
        fn any_header_is_answered(value in "(bytes=)?[0-9]{0,22}-?[0-9]{0,22}", len in 0..100_u64) {
            if let Ok(Some(range)) = ask(header::RANGE, &value, len) {
                proptest::prop_assert!(range.start < range.end && range.end <= len);
            }
        }

        /// RFC 9110's words, byte by byte: those of the image that lie in the range, or 416 when none does.
        #[test]
        fn ranges_mean_what_the_standard_says(first in 0..60_u64, last in 0..60_u64, len in 0..50_u64, kind in 0..4) {
            let meant = |byte: &u64| match kind {
                0 => *byte >= first && *byte <= last,
                1 => *byte >= first,
                2 => *byte + last >= len,
                _ => *byte >= first && *byte <= last,
            };
            let (name, value) = match kind {
                0 => (header::RANGE, format!("bytes={first}-{last}")),
                1 => (header::RANGE, format!("bytes={first}-")),
                2 => (header::RANGE, format!("bytes=-{last}")),
                _ => (header::CONTENT_RANGE, format!("bytes {first}-{last}/*")),
            };
            let expected: Vec<u64> = (0..len).filter(meant).collect();
            match ask(name, &value, len) {
                Ok(Some(range)) => proptest::prop_assert_eq!(range.collect::<Vec<_>>(), expected),
                other => {
                    proptest::prop_assert_eq!(other, Err(StatusCode::RANGE_NOT_SATISFIABLE));
                    proptest::prop_assert!(expected.is_empty(), "{value} of {len}");
                }
            }
        }

        /// Whatever bytes the headers hold.
        #[test]
        fn any_bytes_are_answered(value in "[ -~\u{80}-\u{ff}]{0,40}", legacy in proptest::bool::ANY) {
            let name = if legacy { header::CONTENT_RANGE } else { header::RANGE };
            let headers = HeaderMap::from_iter([(name, HeaderValue::from_bytes(value.as_bytes()).unwrap())]);
            if let Ok(Some(part)) = wanted(&headers) && let Some(range) = part.resolve(10) {
                proptest::prop_assert!(range.start < range.end && range.end <= 10);
            }
        }
    }
}
