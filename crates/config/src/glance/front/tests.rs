// SPDX-License-Identifier: Apache-2.0
//! Tests of CORS, health checks and proxy headers.

use std::path::Path;

use super::*;
use crate::{ConfigFiles, Dialect, GlanceConf, check};

fn load(text: &str) -> Result<GlanceConf, String> {
    let files = ConfigFiles::parse(Path::new("/nowhere/glance-api.conf"), text).unwrap();
    GlanceConf::load(&files).map_err(|errors| errors.to_string())
}

#[test]
fn nobody_is_allowed_by_default() {
    let conf = load("[DEFAULT]\n").unwrap();
    assert!(conf.cors.is_empty() && !conf.enable_proxy_headers_parsing);
    let health = conf.healthcheck.unwrap();
    assert_eq!(
        health.backends,
        [HealthBackend::DisableByFile(Some("/etc/glance/healthcheck_disable".into()))]
    );
}

#[test]
fn origins_have_glances_defaults_and_named_sections_theirs_of_cors() {
    let text = "[cors]\nallowed_origin = https://a, https://b\nmax_age = 60\n\
                [cors.more]\nallowed_origin = https://c,https://a\nallow_credentials = no\nmax_age = 0\n";
    let origins = load(text).unwrap().cors;
    let names: Vec<_> = origins.iter().map(|origin| origin.origin.as_str()).collect();
    assert_eq!(names, ["https://a", "https://b", "https://c"]);
    assert_eq!(origins[0].allow_methods, ["GET", "PUT", "POST", "DELETE", "PATCH"]);
    assert!(origins[0].allow_headers.iter().any(|name| name == "X-Auth-Token"));
    assert!(origins[0].expose_headers.iter().any(|name| name == "X-OpenStack-Request-ID"));
    assert_eq!((origins[0].allow_credentials, origins[0].max_age), (true, Some(60)));
    assert_eq!((origins[2].allow_credentials, origins[2].max_age), (false, None));
    assert_eq!(origins[2].allow_methods, origins[0].allow_methods);
    let files = ConfigFiles::parse(Path::new("g.conf"), text).unwrap();
    assert_eq!(check(&files, Dialect::Image).warnings, []);
}

#[test]
fn health_is_asked_as_configured() {
    let text = "[healthcheck]\nbackends = disable_by_files_ports\ndetailed = True\n\
                disable_by_file_paths = 9292:/run/off, 9293:/run/other\nallowed_source_ranges = 10.0.0.0/8, ::1\n";
    let health = load(text).unwrap().healthcheck.unwrap();
    let files = vec![(9292, "/run/off".into()), (9293, "/run/other".into())];
    assert_eq!(health.backends, [HealthBackend::DisableByFilesPorts(files)]);
    assert!(health.detailed && !health.ignore_proxied_requests);
    let allowed = |address: &str| {
        let address = address.parse().unwrap();
        health.allowed_source_ranges.iter().any(|range| range.contains(address))
    };
    assert!(allowed("10.255.0.1") && allowed("::1"));
    assert!(!allowed("11.0.0.1") && !allowed("::2") && !allowed("127.0.0.1"));
}

#[test]
fn what_cannot_be_asked_is_refused() {
    for (text, told) in [
        ("backends = magic\n", "magic"),
        ("backends = disable_by_file, enable_by_files\n", "both"),
        ("backends = disable_by_files_ports\ndisable_by_file_paths = /run/off\n", "port:path"),
        ("allowed_source_ranges = 10.0.0.0/33\n", "10.0.0.0/33"),
        ("allowed_source_ranges = house\n", "house"),
    ] {
        let error = load(&format!("[healthcheck]\n{text}")).unwrap_err();
        assert!(error.contains(told), "{error}");
    }
}
