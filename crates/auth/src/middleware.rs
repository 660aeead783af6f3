// SPDX-License-Identifier: Apache-2.0
//! axum layers: the request's id, and the caller behind its token or a proxy's headers.
//!
//! ```text
//! Router::new()...
//!     .layer(from_fn_with_state(validator, middleware::authenticate))
//!     .layer(from_fn_with_state(RequestIds::accept(64), middleware::request_id))
//! ```

mod callers;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use scurry_telemetry::{REQUEST_ID_HEADER, RequestId};
use scurry_types::Secret;

use crate::context::{Context, Identity, ServiceCaller};
use crate::validator::{AuthError, TokenValidator};

pub use callers::{Callers, admit};

/// Headers by which keystonemiddleware names the caller to the service behind it: never a client's to send.
const IDENTITY_HEADERS: [&str; 32] = [
    "x-identity-status",
    "x-domain-id",
    "x-domain-name",
    "x-project-id",
    "x-project-name",
    "x-project-domain-id",
    "x-project-domain-name",
    "x-user-id",
    "x-user-name",
    "x-user-domain-id",
    "x-user-domain-name",
    "x-roles",
    "x-is-admin-project",
    "x-service-identity-status",
    "x-service-domain-id",
    "x-service-domain-name",
    "x-service-project-id",
    "x-service-project-name",
    "x-service-project-domain-id",
    "x-service-project-domain-name",
    "x-service-user-id",
    "x-service-user-name",
    "x-service-user-domain-id",
    "x-service-user-domain-name",
    "x-service-roles",
    "x-service-catalog",
    "x-role",
    "x-user",
    "x-tenant",
    "x-tenant-id",
    "x-tenant-name",
    "openstack-system-scope",
];

/// Where request ids come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestIds {
    limit: Option<usize>,
}

impl RequestIds {
    /// The caller's own id is taken, up to `limit` characters, as Glance does.
    #[must_use]
    pub fn accept(limit: usize) -> Self {
        Self { limit: Some(limit) }
    }

    /// Every request gets a fresh id, as in Cinder.
    #[must_use]
    pub fn fresh() -> Self {
        Self { limit: None }
    }
}

/// Gives the request its id, as a [`RequestId`] in its extensions and a header of the answer.
pub async fn request_id(State(ids): State<RequestIds>, mut request: Request, next: Next) -> Response {
    let accepted = match ids.limit {
        Some(limit) => RequestId::accept(request.headers().get(REQUEST_ID_HEADER), limit),
        None => Ok(RequestId::random()),
    };
    let (id, mut response) = match accepted {
        Ok(id) => {
            request.extensions_mut().insert(id.clone());
            (id, next.run(request).await)
        }
        Err(error) => {
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            (RequestId::random(), error_body(status, "Request Entity Too Large", &error.to_string()))
        }
    };
    response.headers_mut().insert(REQUEST_ID_HEADER, id.to_header());
    response
}

/// Finds out who calls and puts the [`Context`] into the request's extensions; answers 401 and 503 itself.
pub async fn authenticate(
    State(validator): State<TokenValidator>,
    mut request: Request,
    next: Next,
) -> Response {
    strip_identity_headers(request.headers_mut());
    let request_id = request.extensions().get::<RequestId>().cloned().unwrap_or_else(RequestId::random);
    match identify(&validator, request.headers(), &request_id).await {
        Ok(context) => {
            request.extensions_mut().insert(context);
            next.run(request).await
        }
        Err(error) => refusal(&validator, &error, &request_id),
    }
}

/// The caller a request's headers name.
///
/// # Errors
/// [`AuthError`] when the token, or a service token that is required, is not valid.
pub async fn identify(
    validator: &TokenValidator,
    headers: &HeaderMap,
    request_id: &RequestId,
) -> Result<Context, AuthError> {
    let service = match service_of(validator, headers).await? {
        Service::Refused => return Err(AuthError::Unauthorized),
        other => other,
    };
    let token = token_in(headers, "x-auth-token").ok_or(AuthError::Unauthorized)?;
    caller(validator, &token, service, request_id).await
}

/// What an `X-Service-Token` is worth.
enum Service {
    /// There is none.
    Absent,
    /// Not valid, or without the roles that are required.
    Refused,
    /// Valid; `vouches` when it has a service's role, so that a user's token may have run out meanwhile.
    Known { identity: Arc<Identity>, vouches: bool },
}

async fn service_of(validator: &TokenValidator, headers: &HeaderMap) -> Result<Service, AuthError> {
    let Some(token) = token_in(headers, "x-service-token") else { return Ok(Service::Absent) };
    let identity = match validator.validate(&token).await {
        Ok(identity) => identity,
        Err(AuthError::Unauthorized) => return Ok(Service::Refused),
        Err(error) => return Err(error),
    };
    let settings = validator.settings();
    let wanted = &settings.service_token_roles;
    let vouches = identity.roles.iter().any(|role| wanted.iter().any(|w| w.eq_ignore_ascii_case(role)));
    if !vouches && settings.service_token_roles_required {
        return Ok(Service::Refused);
    }
    Ok(Service::Known { identity, vouches })
}

/// The user behind a token, with the service beside: its roles never become the user's.
async fn caller(
    validator: &TokenValidator,
    token: &Secret,
    service: Service,
    request_id: &RequestId,
) -> Result<Context, AuthError> {
    let vouched = matches!(service, Service::Known { vouches: true, .. });
    let identity = if vouched {
        validator.validate_for_service(token).await?
    } else {
        validator.validate(token).await?
    };
    let mut context = Context::new(&identity, Vec::new(), request_id.as_str(), token.clone());
    if let Service::Known { identity, .. } = service {
        context.service_roles.clone_from(&identity.roles);
        context.service = ServiceCaller::from(identity.as_ref());
    }
    Ok(context)
}

/// Marks an answer as this crate's refusal, for a service that shapes its errors in its own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// What the client is told.
    pub message: &'static str,
}

/// The answer to a request whose caller is not known, in the shape keystonemiddleware gives.
#[must_use]
pub fn refusal(validator: &TokenValidator, error: &AuthError, request_id: &RequestId) -> Response {
    match error {
        AuthError::Unauthorized => unauthorized(Some(&validator.settings().www_authenticate_uri)),
        AuthError::Unavailable { retry_after, source } => {
            tracing::error!(%request_id, error = %source, "a token could not be validated");
            let mut response = refused(
                StatusCode::SERVICE_UNAVAILABLE,
                "Service Unavailable",
                "The identity service is temporarily unavailable.",
            );
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(retry_after.as_secs().max(1)));
            response
        }
    }
}

/// 401 with the address to get a token from.
#[must_use]
pub fn unauthorized(www_authenticate_uri: Option<&str>) -> Response {
    let mut response = refused(
        StatusCode::UNAUTHORIZED,
        "Unauthorized",
        "The request you have made requires authentication.",
    );
    if let Some(uri) = www_authenticate_uri
        && let Ok(value) = HeaderValue::from_str(&format!("Keystone uri=\"{uri}\""))
    {
        response.headers_mut().insert(WWW_AUTHENTICATE, value);
    }
    response
}

fn strip_identity_headers(headers: &mut HeaderMap) {
    for name in IDENTITY_HEADERS {
        headers.remove(HeaderName::from_static(name));
    }
}

fn token_in(headers: &HeaderMap, name: &'static str) -> Option<Secret> {
    headers.get(HeaderName::from_static(name))?.to_str().ok().map(Secret::new)
}

fn refused(status: StatusCode, title: &str, message: &'static str) -> Response {
    let mut response = error_body(status, title, message);
    response.extensions_mut().insert(Refusal { message });
    response
}

fn error_body(status: StatusCode, title: &str, message: &str) -> Response {
    let body = serde_json::json!({"error": {"code": status.as_u16(), "title": title, "message": message}});
    (status, [(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
