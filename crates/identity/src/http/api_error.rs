// SPDX-License-Identifier: Apache-2.0
//! Errors as Keystone's clients know them: `{"error": {"code", "message", "title"}}`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use sea_orm::{DbErr, SqlErr};
use serde_json::json;

use crate::password::PasswordError;

/// What goes wrong with a request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("{0}")]
    BadRequest(String),
    #[error("The request you have made requires authentication.")]
    Unauthorized,
    #[error("{0}")]
    Forbidden(String),
    #[error("{0}")]
    NotFound(String),
    #[error("The method is not allowed for the requested URL.")]
    MethodNotAllowed,
    #[error("Conflict occurred attempting to store {kind} - {details}.")]
    Conflict { kind: &'static str, details: String },
    #[error("Request is too large.")]
    TooLarge,
    #[error("An unexpected error prevented the server from fulfilling your request.")]
    Store(#[source] DbErr),
    #[error("An unexpected error prevented the server from fulfilling your request.")]
    Password(#[from] PasswordError),
}

impl ApiError {
    /// 404 for a resource of this kind.
    pub(crate) fn missing(kind: &str, id: &str) -> Self {
        Self::NotFound(format!("Could not find {kind}: {id}."))
    }

    /// 403 for an action such as `identity:create_project`.
    pub(crate) fn denied(action: &str) -> Self {
        Self::Forbidden(format!("You are not authorized to perform the requested action: {action}."))
    }

    /// 400 for something the body lacks.
    pub(crate) fn expecting(attribute: &str, target: &str) -> Self {
        Self::BadRequest(format!(
            "Expecting to find {attribute} in {target}. The server could not comply with the request since it is \
             either malformed or otherwise incorrect. The client is assumed to be in error."
        ))
    }

    /// 400 for a value that is not what the field takes.
    pub(crate) fn invalid(field: &str, problem: impl std::fmt::Display) -> Self {
        Self::BadRequest(format!("Invalid input for field/attribute {field}. {problem}"))
    }

    /// Turns the breach of a unique index into 409 and leaves other errors as they are.
    pub(crate) fn on_store(error: DbErr, kind: &'static str, details: impl FnOnce() -> String) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => Self::Conflict { kind, details: details() },
            _ => error.into(),
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict { .. } => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Store(_) | Self::Password(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<DbErr> for ApiError {
    fn from(error: DbErr) -> Self {
        match error.sql_err() {
            // What a request names is looked up first, so it was there a moment ago.
            Some(SqlErr::ForeignKeyConstraintViolation(_)) => {
                Self::NotFound("Something the request names has been deleted meanwhile.".into())
            }
            _ => Self::Store(error),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            let cause = std::error::Error::source(&self).map(ToString::to_string).unwrap_or_default();
            tracing::error!(cause, "request failed");
        }
        let body = json!({"error": {
            "code": status.as_u16(),
            "message": self.to_string(),
            "title": status.canonical_reason().unwrap_or_default(),
        }});
        (status, Json(body)).into_response()
    }
}
