// SPDX-License-Identifier: Apache-2.0
//! Ids of requests: `req-` and a UUID, or what the caller brought.

use std::fmt;

use http::{HeaderName, HeaderValue};

/// The header that carries the id, both ways.
pub const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-openstack-request-id");

const PREFIX: &str = "req-";

/// The id of a request; begins with `req-` and is plain visible ASCII.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestId(String);

/// The caller's id is longer than `max_request_id_length`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the request id has more than {limit} characters")]
pub struct RequestIdTooLong {
    /// The most characters allowed.
    pub limit: usize,
}

impl RequestId {
    /// A fresh id.
    #[must_use]
    pub fn random() -> Self {
        Self(format!("{PREFIX}{}", uuid::Uuid::new_v4()))
    }

    /// The caller's id with `req-` in front, as Glance keeps it; a fresh one when there is none or it is not visible
    /// ASCII (it ends up in logs).
    ///
    /// # Errors
    /// [`RequestIdTooLong`] over `limit` characters: the answer is 413.
    pub fn accept(header: Option<&HeaderValue>, limit: usize) -> Result<Self, RequestIdTooLong> {
        let Some(value) = header else { return Ok(Self::random()) };
        if value.len() > limit {
            return Err(RequestIdTooLong { limit });
        }
        let brought = value.to_str().unwrap_or("").trim();
        if brought.is_empty() || !brought.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(Self::random());
        }
        Ok(Self(if brought.starts_with(PREFIX) { brought.to_owned() } else { format!("{PREFIX}{brought}") }))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id as a header's value.
    #[must_use]
    pub fn to_header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).unwrap_or_else(|_| HeaderValue::from_static("req-unknown"))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(text: &str) -> Result<RequestId, RequestIdTooLong> {
        RequestId::accept(Some(&HeaderValue::from_str(text).unwrap()), 64)
    }

    #[test]
    fn the_callers_id_gets_the_prefix_once() {
        assert_eq!(accept("abc").unwrap().as_str(), "req-abc");
        assert_eq!(accept("req-abc").unwrap().as_str(), "req-abc");
    }

    #[test]
    fn too_long_is_an_error() {
        assert!(accept(&"a".repeat(64)).is_ok());
        assert_eq!(accept(&"a".repeat(65)), Err(RequestIdTooLong { limit: 64 }));
    }

    #[test]
    fn what_could_forge_a_log_line_is_replaced() {
        for bad in ["a b", "a\tb", ""] {
            let id = accept(bad).unwrap();
            assert_eq!(id.as_str().len(), "req-".len() + 36, "{bad:?}");
        }
        assert_ne!(RequestId::accept(None, 64).unwrap(), RequestId::accept(None, 64).unwrap());
    }
}
