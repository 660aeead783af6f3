// SPDX-License-Identifier: Apache-2.0
//! Members of an image as clients read and write them.

use scurry_image::Member;
use serde_json::{Value, json};

use super::time;
use crate::error::ApiError;
use crate::names;

/// A member's JSON.
pub(crate) fn view(member: &Member) -> Value {
    json!({
        "member_id": member.member,
        "image_id": member.image_id,
        "status": member.status,
        "created_at": time(member.created_at),
        "updated_at": time(member.updated_at),
        "schema": "/v2/schemas/member",
    })
}

/// The project in `{"member": "<project>"}`.
pub(crate) fn new_member(body: &Value) -> Result<&str, ApiError> {
    let body = body
        .as_object()
        .ok_or_else(|| ApiError::bad_request("Expected a member in the form: {\"member\": \"image_id\"}"))?;
    match body.get("member") {
        None => Err(ApiError::bad_request("Member to be added not specified")),
        Some(Value::Null) => Err(ApiError::bad_request("Member can't be empty")),
        Some(Value::String(member)) if member.is_empty() => {
            Err(ApiError::bad_request("Member can't be empty"))
        }
        Some(Value::String(member)) if names::has_astral(member) => {
            Err(ApiError::bad_request("Member can't contain 4 byte unicode characters."))
        }
        Some(Value::String(member)) if member.chars().count() <= 255 => Ok(member),
        Some(_) => {
            Err(ApiError::bad_request("Member must be the id of a project, a text of at most 255 characters"))
        }
    }
}

/// The word in `{"status": …}`.
pub(crate) fn new_status(body: &Value) -> Result<scurry_types::MemberStatus, ApiError> {
    let body = body
        .as_object()
        .ok_or_else(|| ApiError::bad_request("Expected a status in the form: {\"status\": \"status\"}"))?;
    let status = body.get("status").ok_or_else(|| ApiError::bad_request("Status not specified"))?;
    status.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| {
        ApiError::bad_request("Incorrect request: Status must be \"pending\", \"accepted\" or \"rejected\".")
    })
}
