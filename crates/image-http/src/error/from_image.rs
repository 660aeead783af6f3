// SPDX-License-Identifier: Apache-2.0
//! What the refusals of the use cases are on the wire.

use std::error::Error;

use http::header::{self, HeaderValue};
use http::{StatusCode, header::HeaderName};
use scurry_image::ImageError;
use scurry_store::{StoreError, StoreErrorKind};
use scurry_types::with_causes;

use super::ApiError;
use crate::resumption;

/// Glance puts this in front of what the limit library says, and clients print all of it.
const OVER_LIMIT: &str = "The request returned a 413 Request Entity Too Large. This generally means that rate \
                          limiting or a quota threshold was breached.\n\nThe response body:\n";

impl From<ImageError> for ApiError {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::NotFound(text) => Self::not_found(text),
            ImageError::Forbidden(text) => Self::forbidden(text),
            ImageError::Conflict(text) => Self::conflict(text),
            ImageError::Invalid(text) => Self::bad_request(text),
            ImageError::UnsupportedMedia(text) => Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text),
            ImageError::OverLimit(text) => Self::too_large(format!("{OVER_LIMIT}{text}")),
            ImageError::TooLarge(text) | ImageError::StorageFull(text) => Self::too_large(text),
            ImageError::Gone(text) => Self::new(StatusCode::GONE, text),
            ImageError::Upload(problem) => resumption::problem(&problem),
            ImageError::RangeNotSatisfiable { len } => Self::range(format!(
                "Invalid start position in Range header. Start position MUST be in the inclusive range [0, {}].",
                len.saturating_sub(1)
            ))
            .with_header(header::CONTENT_RANGE, content_range_of(len)),
            ImageError::Unavailable { text, retry_after } => {
                unavailable(text, retry_after.map(|after| after.as_secs().max(1)))
            }
            ImageError::Store(error) => from_store(&error),
            ImageError::ClientGone => Self::bad_request("The request body ended before it was complete."),
            other @ (ImageError::Database(_) | ImageError::Local { .. }) => {
                log_chain(&other);
                Self::internal()
            }
        }
    }
}

/// `bytes */LEN`
fn content_range_of(len: u64) -> HeaderValue {
    HeaderValue::from_str(&format!("bytes */{len}")).unwrap_or(HeaderValue::from_static("bytes */*"))
}

fn unavailable(text: String, seconds: Option<u64>) -> ApiError {
    let error = ApiError::unavailable(text);
    match seconds {
        Some(seconds) => {
            error.with_header(HeaderName::from_static("retry-after"), HeaderValue::from(seconds))
        }
        None => error,
    }
}

/// A store's message carries no secrets, but names places inside the deployment: clients get the kind.
fn from_store(error: &StoreError) -> ApiError {
    log_chain(error);
    match error.kind {
        StoreErrorKind::InUse => ApiError::conflict("The image's data is in use and cannot be changed."),
        StoreErrorKind::Full => ApiError::too_large("Image storage media is full."),
        StoreErrorKind::Denied => {
            ApiError::unavailable("The image service is not permitted to use its storage.")
        }
        StoreErrorKind::Unavailable => {
            unavailable("The store is not available at the moment.".into(), Some(30))
        }
        StoreErrorKind::Invalid => ApiError::bad_request("The location is not valid."),
        _ => ApiError::internal(),
    }
}

/// Logs an error with its causes, once, here at the edge; the request's span names the request.
fn log_chain(error: &(dyn Error + 'static)) {
    tracing::error!("{}", with_causes(error));
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use scurry_store::Operation;

    use super::*;

    #[test]
    fn a_limit_gets_the_text_around_it() {
        let error = ApiError::from(ImageError::OverLimit("Project p is over a limit for [x]".into()));
        assert_eq!(error.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert!(
            error.explanation.ends_with("breached.\n\nThe response body:\nProject p is over a limit for [x]")
        );
    }

    #[test]
    fn what_is_worth_a_retry_says_when() {
        let error = ApiError::from(ImageError::Unavailable {
            text: "busy".into(),
            retry_after: Some(Duration::from_millis(10)),
        });
        assert_eq!(error.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(error.headers[0].1, "1");
    }

    #[test]
    fn a_store_that_broke_does_not_tell_its_paths() {
        let store = "fast".into();
        let inner =
            StoreError::new(&store, Operation::Read, StoreErrorKind::Other, "cannot open /srv/images/1");
        let error = ApiError::from(ImageError::Store(inner));
        assert_eq!(error.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!error.explanation.contains("/srv"), "{}", error.explanation);
    }
}
