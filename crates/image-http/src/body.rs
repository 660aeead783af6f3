// SPDX-License-Identifier: Apache-2.0
//! Request bodies: none where none is expected, bounded JSON, or a stream of image bytes.

use axum::extract::FromRequestParts;
use axum::extract::Request;
use http::request::Parts;
use http::{HeaderMap, Method, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::Value;

use crate::error::ApiError;

/// Extractor that refuses a request with a body.
#[derive(Debug)]
pub(crate) struct NoBody;

impl<S: Sync> FromRequestParts<S> for NoBody {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        if has_body(&parts.method, &parts.headers) {
            return Err(ApiError::bad_request("A body is not expected with this request."));
        }
        Ok(Self)
    }
}

fn has_body(method: &Method, headers: &HeaderMap) -> bool {
    let chunked = headers.contains_key(header::TRANSFER_ENCODING)
        && matches!(method.as_str(), "POST" | "PUT" | "PATCH");
    chunked || declared_length(headers).is_some_and(|len| len > 0)
}

/// `Content-Length` in bytes.
pub(crate) fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

/// The media type of the body, lower case, without parameters.
pub(crate) fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// Reads a JSON object or array of at most `limit` bytes.
pub(crate) async fn read_json(request: Request, limit: usize) -> Result<Value, ApiError> {
    let (parts, body) = request.into_parts();
    if declared_length(&parts.headers).is_some_and(|len| len > limit as u64) {
        return Err(too_long(limit));
    }
    let bytes = match Limited::new(body, limit).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(too_long(limit)),
        Err(_) => return Err(ApiError::bad_request("The request body ended before it was complete.")),
    };
    if bytes.is_empty() {
        return Err(ApiError::bad_request("Body expected in request."));
    }
    match serde_json::from_slice::<Value>(&bytes) {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => Ok(value),
        Ok(_) => Err(ApiError::bad_request("Unexpected body type. Expected list/dict.")),
        Err(_) => Err(ApiError::bad_request("Malformed JSON in request body.")),
    }
}

fn too_long(limit: usize) -> ApiError {
    ApiError::too_large(format!("The request body is longer than the {limit} bytes allowed for JSON."))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::StatusCode;

    use super::*;

    async fn read(body: &str) -> Result<Value, (StatusCode, String)> {
        let request = Request::new(Body::from(body.to_owned()));
        read_json(request, 64).await.map_err(|error| (error.status, error.explanation))
    }

    #[tokio::test]
    async fn only_objects_and_arrays_of_bounded_length_are_read() {
        assert_eq!(read("{\"a\": 1}").await.unwrap()["a"], 1);
        assert_eq!(read("").await.unwrap_err().1, "Body expected in request.");
        assert_eq!(read("{").await.unwrap_err().1, "Malformed JSON in request body.");
        assert_eq!(read("7").await.unwrap_err().1, "Unexpected body type. Expected list/dict.");
        let long = format!("[\"{}\"]", "x".repeat(80));
        assert_eq!(read(&long).await.unwrap_err().0, StatusCode::PAYLOAD_TOO_LARGE);
        let deep = "[".repeat(60);
        assert_eq!(read(&deep).await.unwrap_err().0, StatusCode::BAD_REQUEST);
    }
}
