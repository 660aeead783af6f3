// SPDX-License-Identifier: Apache-2.0
//! The version document, and which version prefixes lead to the one API there is.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

/// Minor versions in Glance's order. They are labels for features, never switches of behaviour.
const PLAIN: [&str; 16] = [
    "2.15", "2.13", "2.12", "2.11", "2.10", "2.9", "2.8", "2.17", "2.7", "2.6", "2.5", "2.4", "2.3", "2.2",
    "2.1", "2.0",
];
/// The same where there is an image cache.
const CACHING: [&str; 19] = [
    "2.18", "2.17", "2.16", "2.15", "2.14", "2.13", "2.12", "2.11", "2.10", "2.9", "2.8", "2.7", "2.6",
    "2.5", "2.4", "2.3", "2.2", "2.1", "2.0",
];

fn supported(cache: bool) -> &'static [&'static str] {
    if cache { &CACHING } else { &PLAIN }
}

/// Whether a first path segment (or a version from a media type) names this API.
pub(crate) fn is_known(segment: &str, cache: bool) -> bool {
    segment == "v2"
        || segment
            .strip_prefix('v')
            .is_some_and(|minor| supported(cache).contains(&minor) && minor.starts_with("2."))
}

/// The list of versions: 200 when asked for, 300 when the path names no version.
pub(crate) fn list(base: &str, status: StatusCode, cache: bool) -> Response {
    let href = format!("{}/v2/", base.trim_end_matches('/'));
    let current = if cache { "2.18" } else { "2.17" };
    let versions: Vec<Value> = supported(cache)
        .iter()
        .map(|minor| {
            json!({
                "id": format!("v{minor}"),
                "status": if *minor == current { "CURRENT" } else { "SUPPORTED" },
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
        for cache in [false, true] {
            for minor in supported(cache) {
                assert!(is_known(&format!("v{minor}"), cache), "{minor}");
            }
            for other in ["v1", "v2.99", "2.0", "", "V2", "v2.", "versions"] {
                assert!(!is_known(other, cache), "{other}");
            }
        }
        for caching in ["v2.14", "v2.16", "v2.18"] {
            assert!(!is_known(caching, false), "{caching}");
        }
    }
}
