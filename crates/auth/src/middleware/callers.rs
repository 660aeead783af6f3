// SPDX-License-Identifier: Apache-2.0
//! The three ways in which a service may know its callers.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderName};
use scurry_openstack_client::Catalog;
use scurry_telemetry::RequestId;
use scurry_types::{ProjectId, Secret, UserId};

use super::{Service, caller, refusal, service_of, strip_identity_headers, token_in, unauthorized};
use crate::context::{Context, ServiceCaller};
use crate::validator::{AuthError, TokenValidator};

/// How callers are known.
#[derive(Debug, Clone)]
pub enum Callers {
    /// By the token of each request.
    Keystone {
        /// Asks Keystone.
        validator: TokenValidator,
        /// Let callers without a valid token read (`allow_anonymous_access`).
        anonymous: bool,
    },
    /// By the headers of a proxy in front, in keystonemiddleware's names. Whoever reaches the socket is believed.
    Headers {
        /// Let callers whose identity the proxy did not confirm read.
        anonymous: bool,
        /// The address clients are told to get a token from.
        www_authenticate_uri: Option<String>,
    },
    /// Nobody is asked: everybody is an admin without roles.
    Unauthenticated,
}

/// Finds out who calls and puts the [`Context`] into the request's extensions; answers 401 and 503 itself.
///
/// Unlike [`super::authenticate`] it is Glance's pipeline, where the middleware leaves the decision to the service: a
/// service token that is not valid is left out of account, and the user's own token decides.
pub async fn admit(State(callers): State<Callers>, mut request: Request, next: Next) -> Response {
    let request_id = request.extensions().get::<RequestId>().cloned().unwrap_or_else(RequestId::random);
    let found = match &callers {
        Callers::Keystone { validator, anonymous } => {
            strip_identity_headers(request.headers_mut());
            match by_token(validator, request.headers(), &request_id).await {
                Err(AuthError::Unauthorized) if *anonymous => Ok(Context::anonymous(request_id.as_str())),
                Err(error) => Err(refusal(validator, &error, &request_id)),
                Ok(context) => Ok(context),
            }
        }
        Callers::Headers { anonymous, www_authenticate_uri } => {
            match by_headers(request.headers(), &request_id) {
                None if *anonymous => Ok(Context::anonymous(request_id.as_str())),
                None => Err(unauthorized(www_authenticate_uri.as_deref())),
                Some(context) => Ok(context),
            }
        }
        Callers::Unauthenticated => {
            strip_identity_headers(request.headers_mut());
            Ok(Context::unauthenticated(request_id.as_str()))
        }
    };
    match found {
        Ok(context) => {
            request.extensions_mut().insert(context);
            next.run(request).await
        }
        Err(response) => response,
    }
}

async fn by_token(
    validator: &TokenValidator,
    headers: &HeaderMap,
    request_id: &RequestId,
) -> Result<Context, AuthError> {
    let token = token_in(headers, "x-auth-token")
        .or_else(|| token_in(headers, "x-storage-token"))
        .ok_or(AuthError::Unauthorized)?;
    let service = match service_of(validator, headers).await? {
        Service::Refused => {
            tracing::info!(%request_id, "the service token is not valid and is left out of account");
            Service::Absent
        }
        other => other,
    };
    caller(validator, &token, service, request_id).await
}

/// The caller an authenticating proxy names; none unless it says `X-Identity-Status: Confirmed`.
fn by_headers(headers: &HeaderMap, request_id: &RequestId) -> Option<Context> {
    let text = |name: &'static str| {
        let value = headers.get(HeaderName::from_static(name))?.to_str().ok()?.trim();
        // Python writes what is missing as this word.
        (!value.is_empty() && value != "None").then(|| value.to_owned())
    };
    let words = |name: &'static str| -> Vec<String> {
        let list = text(name).unwrap_or_default();
        list.split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()
    };
    if text("x-identity-status")? != "Confirmed" {
        return None;
    }
    let mut roles = words("x-roles");
    if roles.is_empty() {
        roles = words("x-role");
    }
    let (service_roles, service) = match text("x-service-identity-status").as_deref() {
        None | Some("Confirmed") => {
            let service = ServiceCaller {
                user_id: text("x-service-user-id"),
                user_domain_id: text("x-service-user-domain-id"),
                project_id: text("x-service-project-id"),
                project_domain_id: text("x-service-project-domain-id"),
            };
            (words("x-service-roles"), service)
        }
        Some(_) => (Vec::new(), ServiceCaller::default()),
    };
    Some(Context {
        user_id: UserId::new(text("x-user-id").unwrap_or_default()),
        user_name: text("x-user-name").or_else(|| text("x-user")),
        user_domain_id: text("x-user-domain-id"),
        project_id: text("x-project-id").or_else(|| text("x-tenant-id")).map(ProjectId::new),
        project_name: ["x-project-name", "x-tenant-name", "x-tenant"].into_iter().find_map(text),
        project_domain_id: text("x-project-domain-id"),
        domain_id: text("x-domain-id"),
        system_scope: text("openstack-system-scope"),
        is_admin: roles.iter().any(|role| role.eq_ignore_ascii_case("admin")),
        roles,
        service_roles,
        service,
        is_admin_project: text("x-is-admin-project").is_none_or(|word| word.eq_ignore_ascii_case("true")),
        read_only: false,
        unauthenticated: false,
        request_id: request_id.as_str().to_owned(),
        token: token_in(headers, "x-auth-token").unwrap_or_else(|| Secret::new("")),
        expires_at: DateTime::<Utc>::MAX_UTC,
        catalog: Arc::new(Catalog::default()),
    })
}
