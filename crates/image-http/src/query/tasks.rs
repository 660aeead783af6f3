// SPDX-License-Identifier: Apache-2.0
//! The query of `GET /v2/tasks`.

use scurry_image::{Direction, ImageSettings, TaskQuery, TaskSortKey};
use scurry_types::JobId;

use super::{Params, order};
use crate::error::ApiError;

/// Reads paging, order and the two filters tasks have.
pub(crate) fn task_query(params: &Params, settings: &ImageSettings) -> Result<TaskQuery, ApiError> {
    let status = match params.first("status").filter(|text| !text.is_empty()) {
        None => None,
        Some(text) => {
            Some(text.parse().map_err(|_| ApiError::bad_request(format!("Invalid status value: {text}")))?)
        }
    };
    let kind = match params.first("type").filter(|text| !text.is_empty()) {
        Some(text) if text != "import" => {
            return Err(ApiError::bad_request(format!("Invalid type value: {text}")));
        }
        other => other.map(str::to_owned),
    };
    let key = match params.first("sort_key").map(str::trim) {
        None | Some("created_at") => TaskSortKey::CreatedAt,
        Some("id") => TaskSortKey::Id,
        Some("type") => TaskSortKey::Kind,
        Some("status") => TaskSortKey::Status,
        Some("updated_at") => TaskSortKey::UpdatedAt,
        Some("expires_at") => TaskSortKey::ExpiresAt,
        Some(_) => return Err(ApiError::bad_request("Sort key supplied was not valid.")),
    };
    let direction = params.first("sort_dir").map_or(Ok(Direction::Desc), order::direction)?;
    let marker = match params.first("marker") {
        None => None,
        Some(text) if uuid::Uuid::try_parse(text).is_ok() => Some(JobId::new(text)),
        Some(_) => return Err(ApiError::bad_request("Invalid marker format")),
    };
    Ok(TaskQuery { status, kind, sort: (key, direction), marker, limit: params.limit(settings)? })
}
