// SPDX-License-Identifier: Apache-2.0
//! `/v3/{project_id}/volumes` and `/v3/volumes` are the same: the project is taken out of the path before routing.

use axum::extract::Request;
use http::Uri;
use http::uri::PathAndQuery;

/// The project id the URL had.
#[derive(Debug, Clone)]
pub(crate) struct UrlProject(pub(crate) String);

/// First path segments that are resources, so that what stands there otherwise is a project.
pub(crate) const RESOURCES: &[&str] = &[
    "volumes",
    "snapshots",
    "attachments",
    "types",
    "os-services",
    "os-hosts",
    "os-quota-sets",
    "limits",
    "scheduler-stats",
    "capabilities",
    "os-availability-zone",
    "extensions",
    "messages",
    "clusters",
    "backups",
    "groups",
    "group_snapshots",
    "qos-specs",
    "volume-transfers",
    "os-volume-transfer",
    "group_types",
];

/// Rewrites the request's path.
pub(crate) fn strip(mut request: Request) -> Request {
    let Some((project, rest)) = split(request.uri().path()) else { return request };
    let query = request.uri().query().map(|q| format!("?{q}")).unwrap_or_default();
    let project = percent_encoding::percent_decode_str(project).decode_utf8_lossy().into_owned();
    let Ok(path) = format!("/v3/{rest}{query}").parse::<PathAndQuery>() else { return request };
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = Some(path);
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
        request.extensions_mut().insert(UrlProject(project));
    }
    request
}

fn split(path: &str) -> Option<(&str, &str)> {
    let (project, rest) = path.strip_prefix("/v3/")?.split_once('/')?;
    (!RESOURCES.contains(&project) && !project.is_empty() && !rest.is_empty()).then_some((project, rest))
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn projects_are_told_from_resources() {
        assert_eq!(split("/v3/abc/volumes/detail"), Some(("abc", "volumes/detail")));
        assert_eq!(split("/v3/volumes/detail"), None);
        assert_eq!(split("/v3/volumes"), None);
        assert_eq!(split("/v3/"), None);
        assert_eq!(split("/"), None);
    }
}
