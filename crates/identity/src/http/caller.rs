// SPDX-License-Identifier: Apache-2.0
//! Who sends a request, and what they may do: Keystone's default policy in a few questions.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;

use super::api_error::ApiError;
use crate::service::Identity;
use crate::token::{self, Access, Scope};

/// The header with the caller's token.
pub(super) const X_AUTH_TOKEN: &str = "x-auth-token";
/// The header with the token a request is about.
pub(super) const X_SUBJECT_TOKEN: &str = "x-subject-token";

/// The sender of a request, by a valid `X-Auth-Token`; without one there is none but 401.
#[derive(Debug)]
pub(super) struct Caller(pub(super) Access);

impl FromRequestParts<Identity> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, service: &Identity) -> Result<Self, ApiError> {
        let text = header(&parts.headers, X_AUTH_TOKEN).ok_or(ApiError::Unauthorized)?;
        let access = token::validate(service.database(), text, false).await?;
        access.map(Self).ok_or(ApiError::Unauthorized)
    }
}

/// A header's text, if it has any.
pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().filter(|text| !text.is_empty())
}

impl Caller {
    pub(super) fn user_id(&self) -> &str {
        &self.0.user.id
    }

    /// Role admin, in whatever scope.
    pub(super) fn is_admin(&self) -> bool {
        self.0.has_role("admin")
    }

    /// Those who may read everything: administrators and readers of the system.
    pub(super) fn may_read_all(&self) -> bool {
        self.is_admin() || (matches!(self.0.scope, Some(Scope::System)) && self.0.has_role("reader"))
    }

    pub(super) fn require_admin(&self, action: &str) -> Result<(), ApiError> {
        allow(self.is_admin(), action)
    }

    pub(super) fn require_reader(&self, action: &str) -> Result<(), ApiError> {
        allow(self.may_read_all(), action)
    }

    /// For what users may see of themselves.
    pub(super) fn require_self_or_reader(&self, user_id: &str, action: &str) -> Result<(), ApiError> {
        allow(self.user_id() == user_id || self.may_read_all(), action)
    }

    /// The domain the caller's requests mean when they name none.
    pub(super) fn home_domain_id(&self) -> &str {
        match &self.0.scope {
            Some(Scope::Project { domain, .. } | Scope::Domain(domain)) => &domain.id,
            Some(Scope::System) => crate::bootstrap::DEFAULT_DOMAIN_ID,
            None => &self.0.user_domain.id,
        }
    }
}

/// 403 unless `allowed`.
pub(super) fn allow(allowed: bool, action: &str) -> Result<(), ApiError> {
    if allowed { Ok(()) } else { Err(ApiError::denied(action)) }
}
