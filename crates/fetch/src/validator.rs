// SPDX-License-Identifier: Apache-2.0
//! What tells whether an answer is of the same bytes as an earlier one (RFC 9110 §13.1.5).

use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderValue, LAST_MODIFIED};

/// The value of `If-Range` for an answer: a strong entity tag, else the date; none when there is neither.
pub(crate) fn validator(headers: &HeaderMap) -> Option<HeaderValue> {
    let strong = headers.get(ETAG).filter(|tag| tag.as_bytes().starts_with(b"\""));
    strong.or_else(|| headers.get(LAST_MODIFIED)).cloned()
}

/// Whether an answer is of the version that validator is of. One that names none is believed.
pub(crate) fn same_version(headers: &HeaderMap, earlier: &HeaderValue) -> bool {
    let name = if earlier.as_bytes().starts_with(b"\"") { ETAG } else { LAST_MODIFIED };
    headers.get(name).is_none_or(|now| now == earlier)
}

/// `Content-Length` of a whole answer.
pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

/// First byte and whole length of a 206 answer (`bytes 5-9/10`); the length may be unknown (`*`).
pub(crate) fn content_range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let text = headers.get(CONTENT_RANGE)?.to_str().ok()?;
    let (span, total) = text.trim().strip_prefix("bytes")?.trim_start().split_once('/')?;
    let (first, _) = span.split_once('-')?;
    let total = match total.trim() {
        "*" => None,
        digits => Some(digits.parse().ok()?),
    };
    Some((first.trim().parse().ok()?, total))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: http::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn weak_tags_do_not_count() {
        assert_eq!(validator(&headers(ETAG, "\"a\"")).unwrap(), "\"a\"");
        assert!(validator(&headers(ETAG, "W/\"a\"")).is_none());
        assert!(validator(&headers(LAST_MODIFIED, "Sun, 06 Nov 1994 08:49:37 GMT")).is_some());
        assert!(validator(&HeaderMap::new()).is_none());
    }

    #[test]
    fn another_version_names_itself() {
        let tag = HeaderValue::from_static("\"a\"");
        for (name, value, same) in [
            (ETAG, "\"a\"", true),
            (ETAG, "\"b\"", false),
            (ETAG, "W/\"a\"", false),
            (LAST_MODIFIED, "Sun, 06 Nov 1994 08:49:37 GMT", true),
        ] {
            assert_eq!(same_version(&headers(name, value), &tag), same, "{value}");
        }
        let date = HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT");
        assert!(!same_version(&headers(LAST_MODIFIED, "Mon, 07 Nov 1994 08:49:37 GMT"), &date));
        assert!(same_version(&HeaderMap::new(), &date));
    }

    #[test]
    fn content_ranges() {
        assert_eq!(content_range(&headers(CONTENT_RANGE, "bytes 5-9/10")), Some((5, Some(10))));
        assert_eq!(content_range(&headers(CONTENT_RANGE, "bytes 5-9/*")), Some((5, None)));
        for bad in ["bytes */10", "5-9/10 bytes", "bytes 5/10", "bytes x-9/10", "bytes 5-9/x"] {
            assert_eq!(content_range(&headers(CONTENT_RANGE, bad)), None, "{bad}");
        }
    }
}
