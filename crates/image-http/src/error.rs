// SPDX-License-Identifier: Apache-2.0
//! The one error of this crate: a status and a text, shaped by the request's `Accept` the way Glance's clients parse it.

mod accept;
mod body;
mod from_image;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{self, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use serde_json::Value;

pub(crate) use accept::quality;
pub(crate) use body::{escape, render};

/// A refusal on its way to the client. Handlers return it; the outermost layer gives it a body.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) explanation: String,
    pub(crate) detail: String,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// The body, where it is a problem (RFC 9457) whatever the client accepts.
    pub(crate) problem: Option<Box<Value>>,
}

impl ApiError {
    /// A refusal with a text for the client.
    pub(crate) fn new(status: StatusCode, explanation: impl Into<String>) -> Self {
        let explanation = explanation.into();
        Self { status, explanation, detail: String::new(), headers: Vec::new(), problem: None }
    }

    /// 400.
    pub(crate) fn bad_request(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    /// 401, in the words the clients of Glance know.
    pub(crate) fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "This server could not verify that you are authorized to access the document you requested. Either you \
             supplied the wrong credentials (e.g., bad password), or your browser does not understand how to supply \
             the credentials required.",
        )
    }

    /// 403.
    pub(crate) fn forbidden(text: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, text)
    }

    /// 403 for an action that a policy rule refuses.
    pub(crate) fn not_permitted(rule: &str) -> Self {
        Self::forbidden(format!("You are not authorized to complete {rule} action."))
    }

    /// 404.
    pub(crate) fn not_found(text: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, text)
    }

    /// 404 for an image that is not there, or not there for this caller.
    pub(crate) fn no_image(id: impl std::fmt::Display) -> Self {
        Self::not_found(format!("No image found with ID {id}"))
    }

    /// 404 for a path that leads nowhere.
    pub(crate) fn no_resource() -> Self {
        Self::not_found("The resource could not be found.")
    }

    /// 405 with the verbs that exist.
    pub(crate) fn method_not_allowed(method: &Method, allow: &'static str) -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            format!("The method {method} is not allowed for this resource. "),
        )
        .with_header(header::ALLOW, HeaderValue::from_static(allow))
    }

    /// 409.
    pub(crate) fn conflict(text: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, text)
    }

    /// 413.
    pub(crate) fn too_large(text: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, text)
    }

    /// 415 for a `Content-Type` the resource does not take; `detail` says what it does take.
    pub(crate) fn unsupported_media(content_type: &str, detail: impl Into<String>) -> Self {
        let mut error = Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("The request media type {content_type} is not supported by this server."),
        );
        error.detail = detail.into();
        error
    }

    /// 416.
    pub(crate) fn range(text: impl Into<String>) -> Self {
        Self::new(StatusCode::RANGE_NOT_SATISFIABLE, text)
    }

    /// 500 that tells the client nothing.
    pub(crate) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The server has either erred or is incapable of performing the requested operation.",
        )
    }

    /// 501 for a verb on a path that leads nowhere.
    pub(crate) fn not_implemented(method: &Method) -> Self {
        Self::new(
            StatusCode::NOT_IMPLEMENTED,
            format!("The request method {method} is not implemented for this server. "),
        )
    }

    /// 503.
    pub(crate) fn unavailable(text: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, text)
    }

    /// The same refusal in other words, where it is that the image is not there.
    pub(crate) fn for_missing_image(mut self, text: String) -> Self {
        if self.status == StatusCode::NOT_FOUND && self.explanation.starts_with("No image found with ID") {
            self.explanation = text;
        }
        self
    }

    /// The same refusal with a problem as its body.
    pub(crate) fn with_problem(mut self, problem: Value) -> Self {
        self.problem = Some(Box::new(problem));
        self
    }

    /// The same refusal with one more response header.
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        response.extensions_mut().insert(self);
        response
    }
}
