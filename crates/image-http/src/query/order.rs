// SPDX-License-Identifier: Apache-2.0
//! `sort=key:dir,…`, or the older pairs of `sort_key` and `sort_dir`.

use scurry_image::{Direction, SortKey};

use super::Params;
use crate::error::ApiError;

const KEYS: [(&str, SortKey); 8] = [
    ("name", SortKey::Name),
    ("status", SortKey::Status),
    ("container_format", SortKey::ContainerFormat),
    ("disk_format", SortKey::DiskFormat),
    ("size", SortKey::Size),
    ("id", SortKey::Id),
    ("created_at", SortKey::CreatedAt),
    ("updated_at", SortKey::UpdatedAt),
];

/// The order asked for; newest first when none is.
pub(super) fn order(params: &Params) -> Result<Vec<(SortKey, Direction)>, ApiError> {
    let old_keys: Vec<&str> = params.all("sort_key").collect();
    let old_dirs: Vec<&str> = params.all("sort_dir").collect();
    if let Some(sort) = params.first("sort") {
        if !old_keys.is_empty() || !old_dirs.is_empty() {
            return Err(ApiError::bad_request("Old and new sorting syntax cannot be combined"));
        }
        return sort.trim().split(',').map(one).collect();
    }
    let mut keys = old_keys.iter().map(|text| key(text.trim())).collect::<Result<Vec<_>, _>>()?;
    let dirs = old_dirs.iter().map(|text| direction(text.trim())).collect::<Result<Vec<_>, _>>()?;
    if dirs.len() > 1 && dirs.len() != keys.len() {
        return Err(ApiError::bad_request("Number of sort dirs does not match the number of sort keys"));
    }
    if keys.is_empty() {
        keys.push(SortKey::CreatedAt);
    }
    let only = if dirs.len() == 1 { dirs[0] } else { Direction::Desc };
    Ok(keys
        .into_iter()
        .enumerate()
        .map(|(index, key)| (key, if dirs.len() > 1 { dirs[index] } else { only }))
        .collect())
}

fn one(text: &str) -> Result<(SortKey, Direction), ApiError> {
    let (name, dir) = text.split_once(':').unwrap_or((text, ""));
    let dir = if dir.is_empty() { Direction::Desc } else { direction(dir.trim())? };
    Ok((key(name.trim())?, dir))
}

fn key(text: &str) -> Result<SortKey, ApiError> {
    if let Some((_, key)) = KEYS.iter().find(|(name, _)| *name == text) {
        return Ok(*key);
    }
    let available: Vec<_> = KEYS.iter().map(|(name, _)| *name).collect();
    Err(no_key(text, &available))
}

/// 400 for a key that lists are not ordered by.
pub(super) fn no_key(text: &str, available: &[&str]) -> ApiError {
    ApiError::bad_request(format!(
        "Invalid sort key: {text}. It must be one of the following: {}.",
        available.join(", ")
    ))
}

/// `asc` or `desc`.
pub(super) fn direction(text: &str) -> Result<Direction, ApiError> {
    match text {
        "asc" => Ok(Direction::Asc),
        "desc" => Ok(Direction::Desc),
        other => Err(ApiError::bad_request(format!("Invalid sort direction: {other}"))),
    }
}
