// SPDX-License-Identifier: Apache-2.0
//! The queries of metadata definitions' lists.

use scurry_image::metadef::{ItemQuery, ItemSortKey, NamespaceQuery, NamespaceSortKey};
use scurry_image::{Direction, ImageSettings};

use super::{Params, order};
use crate::error::ApiError;

const NAMESPACE_KEYS: [(&str, NamespaceSortKey); 9] = [
    ("id", NamespaceSortKey::Id),
    ("namespace", NamespaceSortKey::Name),
    ("display_name", NamespaceSortKey::DisplayName),
    ("description", NamespaceSortKey::Description),
    ("visibility", NamespaceSortKey::Visibility),
    ("protected", NamespaceSortKey::Protected),
    ("owner", NamespaceSortKey::Owner),
    ("created_at", NamespaceSortKey::CreatedAt),
    ("updated_at", NamespaceSortKey::UpdatedAt),
];
const OBJECT_KEYS: [(&str, ItemSortKey); 5] = [
    ("id", ItemSortKey::Id),
    ("name", ItemSortKey::Name),
    ("description", ItemSortKey::Description),
    ("created_at", ItemSortKey::CreatedAt),
    ("updated_at", ItemSortKey::UpdatedAt),
];
const TAG_KEYS: [(&str, ItemSortKey); 4] = [
    ("id", ItemSortKey::Id),
    ("name", ItemSortKey::Name),
    ("created_at", ItemSortKey::CreatedAt),
    ("updated_at", ItemSortKey::UpdatedAt),
];

/// The query of `GET /v2/metadefs/namespaces`.
pub(crate) fn namespace_query(params: &Params, settings: &ImageSettings) -> Result<NamespaceQuery, ApiError> {
    let direction = params.first("sort_dir").map_or(Ok(Direction::Desc), order::direction)?;
    let limit = params.limit(settings)?;
    check_visibility(params, &["public", "private"])?;
    let key = match params.first("sort_key") {
        Some(text) => key(text, &NAMESPACE_KEYS)?,
        None => NamespaceSortKey::CreatedAt,
    };
    let words = |name: &str| params.first(name).map(str::to_owned);
    Ok(NamespaceQuery {
        visibility: words("visibility"),
        resource_types: params
            .first("resource_types")
            .map(|types| types.split(',').map(str::to_owned).collect()),
        sort: (key, direction),
        marker: words("marker"),
        limit,
    })
}

/// The query of a namespace's objects: by name unless an order is asked for.
pub(crate) fn object_query(params: &Params) -> Result<ItemQuery, ApiError> {
    let direction = params.first("sort_dir").map_or(Ok(Direction::Desc), order::direction)?;
    check_visibility(params, &["public", "private", "shared"])?;
    let limit = params.limit_number()?;
    if limit == Some(0) {
        return Err(ApiError::bad_request("limit param must be positive"));
    }
    let ordered = params.first("sort_key").is_some() || params.first("sort_dir").is_some();
    let key = key(params.first("sort_key").unwrap_or("created_at"), &OBJECT_KEYS)?;
    Ok(ItemQuery {
        sort: ordered.then_some((key, direction)),
        marker: params.first("marker").map(str::to_owned),
        limit: limit.map(|limit| limit as usize),
    })
}

/// The query of a namespace's tags: newest first unless another order is asked for.
pub(crate) fn tag_query(params: &Params) -> Result<ItemQuery, ApiError> {
    let direction = params.first("sort_dir").map_or(Ok(Direction::Desc), order::direction)?;
    check_visibility(params, &["public", "private", "shared"])?;
    let given = params.first("limit").is_some_and(|text| !text.is_empty());
    let limit = if given { params.limit_number()? } else { None };
    let key = key(params.first("sort_key").unwrap_or("created_at"), &TAG_KEYS)?;
    Ok(ItemQuery {
        sort: Some((key, direction)),
        marker: params.first("marker").filter(|text| !text.is_empty()).map(str::to_owned),
        limit: limit.map(|limit| limit as usize),
    })
}

/// Refuses a `visibility` that is none of the words; an empty one is let through.
pub(crate) fn check_visibility(params: &Params, words: &[&str]) -> Result<(), ApiError> {
    match params.first("visibility") {
        Some(text) if !text.is_empty() && !words.contains(&text) => {
            Err(ApiError::bad_request(format!("Invalid visibility value: {text}")))
        }
        _ => Ok(()),
    }
}

fn key<K: Copy>(text: &str, keys: &[(&str, K)]) -> Result<K, ApiError> {
    if let Some((_, key)) = keys.iter().find(|(name, _)| *name == text) {
        return Ok(*key);
    }
    let available: Vec<_> = keys.iter().map(|(name, _)| *name).collect();
    Err(order::no_key(text, &available))
}
