// SPDX-License-Identifier: Apache-2.0
//! `/v3/auth/tokens`: making, validating and revoking tokens.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::api_error::ApiError;
use super::body::Body;
use super::caller::{Caller, X_SUBJECT_TOKEN, allow, header};
use super::query::Query;
use crate::service::Identity;
use crate::token::{self, Access};

pub(super) async fn create(
    State(service): State<Identity>,
    query: Query,
    body: Body,
) -> Result<Response, ApiError> {
    let auth = body.value("auth")?;
    let (text, access) = token::issue(&service, &auth).await?;
    let document = token::document(&service, &access, !query.flag("nocatalog")).await?;
    Ok((StatusCode::CREATED, [(X_SUBJECT_TOKEN, text)], Json(document)).into_response())
}

/// Validates the subject token; axum answers `HEAD` with it too.
pub(super) async fn show(
    State(service): State<Identity>,
    caller: Caller,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (text, access) = subject(&service, &headers, query.flag("allow_expired")).await?;
    let allowed = caller.may_read_all() || caller.0.has_role("service") || owns(&caller, &access);
    allow(allowed, "identity:validate_token")?;
    let document = token::document(&service, &access, !query.flag("nocatalog")).await?;
    Ok(([(X_SUBJECT_TOKEN, text)], Json(document)).into_response())
}

pub(super) async fn revoke(
    State(service): State<Identity>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    let (_, access) = subject(&service, &headers, false).await?;
    allow(caller.is_admin() || owns(&caller, &access), "identity:revoke_token")?;
    token::revoke(service.database(), &access.digest).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn owns(caller: &Caller, subject: &Access) -> bool {
    caller.user_id() == subject.user.id
}

/// The token the request is about. The answer to a wrong one does not repeat it.
async fn subject(
    service: &Identity,
    headers: &HeaderMap,
    allow_expired: bool,
) -> Result<(String, Access), ApiError> {
    let text = header(headers, X_SUBJECT_TOKEN)
        .ok_or_else(|| ApiError::NotFound("No token in the request".into()))?;
    let access = token::validate(service.database(), text, allow_expired).await?;
    let access = access.ok_or_else(|| ApiError::NotFound("Failed to validate token".into()))?;
    Ok((text.to_owned(), access))
}
