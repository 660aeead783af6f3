// SPDX-License-Identifier: Apache-2.0
//! JSON bodies as clients read and write them.

pub(crate) mod image;
pub(crate) mod member;
pub(crate) mod metadef;
pub(crate) mod new_image;
pub(crate) mod task;

use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SecondsFormat, Utc};
use http::header;
use serde::Serialize;

use crate::error::ApiError;

/// An answer written straight from what it shows, without a tree of values between.
pub(crate) fn json<T: Serialize>(shown: &T) -> Result<Response, ApiError> {
    let bytes = serde_json::to_vec(shown).map_err(|error| {
        tracing::error!(%error, "an answer cannot be written as JSON");
        ApiError::internal()
    })?;
    Ok(([(header::CONTENT_TYPE, "application/json")], bytes).into_response())
}

/// A time on the wire: UTC, whole seconds.
pub(crate) fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}
