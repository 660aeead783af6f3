// SPDX-License-Identifier: Apache-2.0
//! Names of properties a client may not write, and the refusals that say so.

use serde_json::Value;

use crate::error::ApiError;

/// Set by the service alone.
pub(crate) const READ_ONLY: [&str; 13] = [
    "created_at",
    "updated_at",
    "status",
    "checksum",
    "size",
    "virtual_size",
    "direct_url",
    "self",
    "file",
    "schema",
    "id",
    "os_hash_algo",
    "os_hash_value",
];
/// Names of columns that are no properties.
pub(crate) const RESERVED: [&str; 3] = ["location", "deleted", "deleted_at"];
/// Names the service keeps for itself begin like this.
pub(crate) const RESERVED_PREFIX: &str = "os_glance";
/// Longest name of a property, in characters.
pub(crate) const LONGEST_NAME: usize = 255;

/// 403 for a property the service sets.
pub(crate) fn read_only(name: &str) -> ApiError {
    ApiError::forbidden(format!("Attribute '{name}' is read-only."))
}

/// 403 for a name kept by the service.
pub(crate) fn reserved(name: &str) -> ApiError {
    ApiError::forbidden(format!("Attribute '{name}' is reserved."))
}

/// 400 for a body that breaks its schema.
pub(crate) fn no_match(schema: &str, reason: &str) -> ApiError {
    ApiError::bad_request(format!("Provided object does not match schema '{schema}': {reason}"))
}

/// Refuses characters beyond the basic plane in names and texts: Glance's tables cannot hold them everywhere,
/// and an image must be able to move back there.
pub(crate) fn check_characters(object: &Value) -> Result<(), ApiError> {
    for (name, value) in object.as_object().into_iter().flatten() {
        if has_astral(name) {
            return Err(ApiError::bad_request("Property names can't contain 4 byte unicode."));
        }
        let listed = value.as_array().map_or(&[][..], Vec::as_slice);
        if listed.iter().filter_map(Value::as_str).any(has_astral) {
            return Err(ApiError::bad_request("Param values can't contain 4 byte unicode."));
        }
        if value.as_str().is_some_and(has_astral) {
            return Err(ApiError::bad_request(format!(
                "{} can't contain 4 byte unicode characters.",
                titled(name)
            )));
        }
    }
    Ok(())
}

/// Whether a text holds characters that take four bytes in UTF-8.
pub(crate) fn has_astral(text: &str) -> bool {
    text.chars().any(|c| c > '\u{ffff}')
}

fn titled(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
