// SPDX-License-Identifier: Apache-2.0
//! The version document, and which version prefixes lead to the one API there is.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

/// Minor versions, newest first. They are labels for features, never switches of behaviour.
const SUPPORTED: [&str; 16] = [
    "2.15", "2.13", "2.12", "2.11", "2.10", "2.9", "2.8", "2.17", "2.7", "2.6", "2.5", "2.4", "2.3", "2.2",
    "2.1", "2.0",
];
const CURRENT: &str = "2.17";

/// Whether a first path segment (or a version from a media type) names this API.
pub(crate) fn is_known(segment: &str) -> bool {
    segment == "v2"
        || segment
            .strip_prefix('v')
            .is_some_and(|minor| SUPPORTED.contains(&minor) && minor.starts_with("2."))
}

/// The list of versions: 200 when asked for, 300 when the path names no version.
pub(crate) fn list(base: &str, status: StatusCode) -> Response {
    let href = format!("{}/v2/", base.trim_end_matches('/'));
    let versions: Vec<Value> = SUPPORTED
        .iter()
        .map(|minor| {
            json!({
                "id": format!("v{minor}"),
                "status": if *minor == CURRENT { "CURRENT" } else { "SUPPORTED" },
                "links": [{"rel": "self", "href": href}],
            })
        })
        .collect();
    (status, Json(json!({ "versions": versions }))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_version_is_a_prefix_and_nothing_else_is() {
        for minor in SUPPORTED {
            assert!(is_known(&format!("v{minor}")), "{minor}");
        }
        for other in ["v1", "v2.14", "v2.16", "v2.18", "v2.99", "2.0", "", "V2", "v2.", "versions"] {
            assert!(!is_known(other), "{other}");
        }
    }
}
