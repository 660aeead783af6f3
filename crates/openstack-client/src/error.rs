// SPDX-License-Identifier: Apache-2.0
//! The one error of this crate: what kind of failure, and the service's own words.

use std::time::Duration;

use reqwest::StatusCode;

/// Longest piece of a service's answer kept in an error, in characters.
const MESSAGE_LIMIT: usize = 500;

/// What a caller can decide on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// 404 and 410, and catalog look-ups that find nothing.
    NotFound,
    /// 401 after one fresh token, or credentials that Keystone refuses.
    Unauthorized,
    /// 403.
    Forbidden,
    /// 409.
    Conflict,
    /// Any other 4xx: the request itself is wrong for the resource's state.
    BadRequest,
    /// 413 and 429: a quota or a rate limit.
    OverLimit,
    /// No connection, timeout, or 5xx after the retries.
    Unavailable,
    /// The answer is not what the API promises.
    Protocol,
}

/// A failed call to another OpenStack service.
#[derive(Debug, thiserror::Error)]
#[error("{call}: {message}")]
pub struct ClientError {
    kind: ErrorKind,
    status: Option<u16>,
    call: String,
    message: String,
    retry_after: Option<Duration>,
    unsent: bool,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl ClientError {
    /// An error found on this side, without an answer's status.
    pub fn new(kind: ErrorKind, call: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            kind,
            status: None,
            call: call.into(),
            message: message.into(),
            retry_after: None,
            unsent: false,
            source: None,
        }
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The HTTP status, when the service answered.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// The service's own message, at most 500 characters.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// How long the service asked to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Whether the thing asked for is not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.kind == ErrorKind::NotFound
    }

    /// Whether no connection came about: the service has seen nothing of the call.
    #[must_use]
    pub fn is_unsent(&self) -> bool {
        self.unsent
    }

    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    pub(crate) fn protocol(call: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Protocol, call, message)
    }

    /// A transport failure. The URL is dropped from the source: queries may name tenants.
    pub(crate) fn transport(call: impl Into<String>, error: reqwest::Error) -> Self {
        let message = if error.is_timeout() {
            "no answer in time"
        } else if error.is_connect() {
            "cannot connect"
        } else if error.is_decode() || error.is_body() {
            "the answer broke off or cannot be read"
        } else {
            "the request failed"
        };
        let kind = if error.is_decode() { ErrorKind::Protocol } else { ErrorKind::Unavailable };
        let unsent = error.is_connect();
        Self { unsent, ..Self::new(kind, call, message).with_source(error.without_url()) }
    }

    /// An answer that is not a success.
    pub(crate) fn answer(
        call: impl Into<String>,
        status: StatusCode,
        retry_after: Option<Duration>,
        body: &str,
    ) -> Self {
        let kind = match status.as_u16() {
            401 => ErrorKind::Unauthorized,
            403 => ErrorKind::Forbidden,
            404 | 410 => ErrorKind::NotFound,
            409 => ErrorKind::Conflict,
            413 | 429 => ErrorKind::OverLimit,
            400..=499 => ErrorKind::BadRequest,
            500..=599 => ErrorKind::Unavailable,
            _ => ErrorKind::Protocol,
        };
        Self {
            kind,
            status: Some(status.as_u16()),
            call: call.into(),
            message: format!("{} {}", status.as_u16(), service_message(body)),
            retry_after,
            unsent: false,
            source: None,
        }
    }
}

/// The message inside an OpenStack error body: `{"itemNotFound": {"message": ..}}`, `{"error": {"message": ..}}`,
/// `{"message": ..}`, or plain text.
fn service_message(body: &str) -> String {
    let found = serde_json::from_str::<serde_json::Value>(body).ok().and_then(|value| {
        let direct = value.get("message").and_then(|m| m.as_str()).map(str::to_owned);
        direct.or_else(|| {
            let inner = value.as_object()?.values().find_map(|v| v.get("message")?.as_str())?;
            Some(inner.to_owned())
        })
    });
    let text = found.unwrap_or_else(|| body.split_whitespace().collect::<Vec<_>>().join(" "));
    let mut short: String = text.chars().take(MESSAGE_LIMIT).collect();
    if short.len() < text.len() {
        short.push_str("...");
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_is_found_in_each_body_shape() {
        for (body, wanted) in [
            (
                r#"{"itemNotFound": {"message": "Volume x could not be found.", "code": 404}}"#,
                "Volume x could not be found.",
            ),
            (r#"{"error": {"code": 401, "title": "Unauthorized", "message": "no"}}"#, "no"),
            (r#"{"message": "direct", "code": "409 Conflict"}"#, "direct"),
            ("404 Not Found\n\nNo image found\n\n   ", "404 Not Found No image found"),
            ("", ""),
        ] {
            assert_eq!(service_message(body), wanted);
        }
    }

    #[test]
    fn long_answers_are_cut_at_a_character() {
        let message = service_message(&"ä".repeat(2000));
        assert_eq!(message.chars().count(), MESSAGE_LIMIT + 3);
    }

    #[test]
    fn statuses_map_to_kinds() {
        for (status, kind) in [
            (400, ErrorKind::BadRequest),
            (401, ErrorKind::Unauthorized),
            (404, ErrorKind::NotFound),
            (409, ErrorKind::Conflict),
            (413, ErrorKind::OverLimit),
            (429, ErrorKind::OverLimit),
            (500, ErrorKind::Unavailable),
            (302, ErrorKind::Protocol),
        ] {
            let error = ClientError::answer("GET /x", StatusCode::from_u16(status).unwrap(), None, "");
            assert_eq!(error.kind(), kind, "{status}");
        }
    }
}
