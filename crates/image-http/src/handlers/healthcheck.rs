// SPDX-License-Identifier: Apache-2.0
//! `/healthcheck`: whether to send requests here, as oslo.middleware answers it.

use std::net::SocketAddr;
use std::path::Path;

use axum::extract::ConnectInfo;
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use scurry_config::{HealthBackend, Healthcheck};
use serde_json::json;

use crate::error::{ApiError, quality};
use crate::settings::HttpSettings;

/// What one question was answered.
struct Finding {
    class: &'static str,
    well: bool,
    reason: &'static str,
    details: String,
}

/// 200 (204 to `HEAD`), or 503 while the operator's files say so.
pub(crate) async fn show(http: &HttpSettings, request: &Parts) -> Response {
    let Some(check) = http.healthcheck.as_ref().filter(|check| answers(check, request)) else {
        return ApiError::no_resource().into_response();
    };
    let mut findings = Vec::new();
    for backend in &check.backends {
        findings.push(ask(backend, http.listen_port).await);
    }
    let well = findings.iter().all(|finding| finding.well);
    let ill = StatusCode::SERVICE_UNAVAILABLE;
    if request.method == Method::HEAD {
        return if well { StatusCode::NO_CONTENT } else { ill }.into_response();
    }
    let (kind, body) = match shape(&request.headers) {
        "text/html" => ("text/html; charset=UTF-8", html(&findings, check.detailed)),
        "application/json" => ("application/json; charset=UTF-8", as_json(&findings, check.detailed)),
        _ => {
            let reasons: Vec<&str> = findings.iter().map(|finding| finding.reason).collect();
            ("text/plain; charset=UTF-8", reasons.join("\n"))
        }
    };
    (if well { StatusCode::OK } else { ill }, [(CONTENT_TYPE, kind)], body).into_response()
}

/// Whether this client is told at all.
fn answers(check: &Healthcheck, request: &Parts) -> bool {
    let ranges = &check.allowed_source_ranges;
    let peer = request.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    let near = ranges.is_empty() || peer.is_some_and(|ip| ranges.iter().any(|range| range.contains(ip)));
    let proxied =
        ["x-forwarded", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-for", "x-forwarded-prefix"]
            .iter()
            .any(|name| request.headers.contains_key(*name));
    near && !(check.ignore_proxied_requests && proxied)
}

async fn ask(backend: &HealthBackend, port: u16) -> Finding {
    match backend {
        HealthBackend::DisableByFile(None) => {
            found("DisableByFile", true, "No 'disable_by_file_path' configuration value specified")
        }
        HealthBackend::DisableByFile(Some(path)) => disabled_by("DisableByFile", path).await,
        HealthBackend::DisableByFilesPorts(files) => match files.iter().find(|(of, _)| *of == port) {
            Some((_, path)) => disabled_by("DisableByFilesPorts", path).await,
            None => found("DisableByFilesPorts", true, ""),
        },
        HealthBackend::EnableByFiles(paths) => {
            for path in paths {
                if !exists(path).await {
                    let details = format!("File path {} is missing", path.display());
                    return Finding {
                        class: "EnableByFiles",
                        well: false,
                        reason: "FILE PATH MISSING",
                        details,
                    };
                }
            }
            found("EnableByFiles", true, "Specified file paths are available")
        }
    }
}

async fn disabled_by(class: &'static str, path: &Path) -> Finding {
    let there = exists(path).await;
    let was = if there { "was found" } else { "was not found" };
    found(class, !there, format!("Path '{}' {was}", path.display()))
}

async fn exists(path: &Path) -> bool {
    tokio::fs::try_exists(path).await.unwrap_or(false)
}

fn found(class: &'static str, well: bool, details: impl Into<String>) -> Finding {
    Finding { class, well, reason: if well { "OK" } else { "DISABLED BY FILE" }, details: details.into() }
}

/// The media type the client likes best, plain text when it does not care.
fn shape(headers: &HeaderMap) -> &'static str {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("*/*");
    let mut best = ("text/plain", 0.0);
    for (name, kind, subtype) in [
        ("text/plain", "text", "plain"),
        ("text/html", "text", "html"),
        ("application/json", "application", "json"),
    ] {
        let liked = quality(accept, kind, subtype);
        if liked > best.1 {
            best = (name, liked);
        }
    }
    best.0
}

fn as_json(findings: &[Finding], detailed: bool) -> String {
    let body = if detailed {
        let reasons: Vec<_> = findings
            .iter()
            .map(|finding| json!({"class": finding.class, "details": finding.details, "reason": finding.reason}))
            .collect();
        let platform = format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH);
        let version = env!("CARGO_PKG_VERSION");
        json!({"detailed": true, "now": Utc::now().to_rfc3339(), "platform": platform, "reasons": reasons, "version": version})
    } else {
        let reasons: Vec<&str> = findings.iter().map(|finding| finding.reason).collect();
        json!({"detailed": false, "reasons": reasons})
    };
    serde_json::to_string_pretty(&body).unwrap_or_default()
}

fn html(findings: &[Finding], detailed: bool) -> String {
    let cell = |text: &str| format!("    <TD>{}</TD>\n", crate::error::escape(text));
    let heads = if detailed { "<TH>Kind</TH>\n<TH>Reason</TH>\n<TH>Details</TH>" } else { "<TH>Reason</TH>" };
    let rows: String = findings
        .iter()
        .map(|finding| {
            let cells = if detailed {
                format!("{}{}{}", cell(finding.class), cell(finding.reason), cell(&finding.details))
            } else {
                cell(finding.reason)
            };
            format!("<TR>\n{cells}</TR>\n")
        })
        .collect();
    format!(
        "<HTML>\n<HEAD><TITLE>Healthcheck Status</TITLE></HEAD>\n<BODY>\n<H2>Result of {} checks:</H2>\n\
         <TABLE border=\"1\">\n<TBODY>\n<TR>\n{heads}\n</TR>\n{rows}</TBODY>\n</TABLE>\n</BODY>\n</HTML>",
        findings.len()
    )
}
