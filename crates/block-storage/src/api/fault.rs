// SPDX-License-Identifier: Apache-2.0
//! The one error of the HTTP edge, in the shape Cinder's clients parse.

use std::error::Error;
use std::fmt;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use scurry_types::with_causes;
use sea_orm::DbErr;
use serde_json::json;

/// What a request fails with: a status, a text for the client, and what stays in the log.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What handlers return.
pub(crate) type Answer<T = Response> = Result<T, Fault>;

impl Fault {
    /// A fault of any status.
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), source: None }
    }

    /// 400 with the text as it is.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 400 for a request that contradicts itself or the state of what it names.
    pub(crate) fn invalid_input(reason: impl fmt::Display) -> Self {
        Self::bad_request(format!("Invalid input received: {reason}"))
    }

    /// 400 for a volume in the wrong state.
    pub(crate) fn invalid_volume(reason: impl fmt::Display) -> Self {
        Self::bad_request(format!("Invalid volume: {reason}"))
    }

    /// 400 for a snapshot in the wrong state.
    pub(crate) fn invalid_snapshot(reason: impl fmt::Display) -> Self {
        Self::bad_request(format!("Invalid snapshot: {reason}"))
    }

    /// 400 as Cinder's body schemas answer: which field, which value, what is wrong with it.
    pub(crate) fn invalid_field(field: &str, value: &serde_json::Value, problem: impl fmt::Display) -> Self {
        Self::bad_request(format!("Invalid input for field/attribute {field}. Value: {value}. {problem}"))
    }

    /// 404 with the text as it is.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// 404 of a volume.
    pub(crate) fn no_volume(id: &str) -> Self {
        Self::not_found(format!("Volume {id} could not be found."))
    }

    /// 404 of a snapshot.
    pub(crate) fn no_snapshot(id: &str) -> Self {
        Self::not_found(format!("Snapshot {id} could not be found."))
    }

    /// 404 of a volume type.
    pub(crate) fn no_type(id: &str) -> Self {
        Self::not_found(format!("Volume type {id} could not be found."))
    }

    /// 404 of an attachment.
    pub(crate) fn no_attachment(id: &str) -> Self {
        Self::not_found(format!("Volume attachment could not be found with filter: attachment_id = {id}."))
    }

    /// 409.
    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, message)
    }

    /// 413 of a quota; `name` is the exception's name, which Cinder puts in front of such texts.
    pub(crate) fn over_quota(name: &str, message: impl fmt::Display) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, format!("{name}: {message}"))
    }

    /// 403 of the policy.
    pub(crate) fn forbidden(rule: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, format!("Policy doesn't allow {rule} to be performed."))
    }

    /// 500; the source goes to the log, not to the client.
    pub(crate) fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            message: "The server has either erred or is incapable of performing the requested operation."
                .to_owned(),
            source: Some(source.into()),
        }
    }

    /// 503 when a service this one asks does not answer.
    pub(crate) fn unavailable(
        message: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, message: message.into(), source: Some(source.into()) }
    }

    fn key(&self) -> &'static str {
        match self.status.as_u16() {
            400 => "badRequest",
            401 => "unauthorized",
            403 => "forbidden",
            404 => "itemNotFound",
            405 => "badMethod",
            409 => "conflictingRequest",
            413 | 429 => "overLimit",
            415 => "badMediaType",
            501 => "notImplemented",
            503 => "serviceUnavailable",
            _ => "computeFault",
        }
    }
}

impl From<DbErr> for Fault {
    fn from(error: DbErr) -> Self {
        Self::internal(error)
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Self::internal(error)
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        if let Some(source) = &self.source {
            tracing::error!(status = self.status.as_u16(), error = %with_causes(source.as_ref()), "request failed");
        }
        let mut inner = json!({ "code": self.status.as_u16(), "message": self.message });
        let over_limit = matches!(self.status.as_u16(), 413 | 429);
        if over_limit && let Some(inner) = inner.as_object_mut() {
            inner.insert("retryAfter".to_owned(), "0".into());
        }
        let mut response = (self.status, axum::Json(json!({ self.key(): inner }))).into_response();
        if over_limit {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("0"));
        }
        response
    }
}
