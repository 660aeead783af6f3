// SPDX-License-Identifier: Apache-2.0
//! Tests of flavors and paste files.

use std::path::Path;

use crate::{Authentication, ConfigFiles, Dialect, GlanceConf, Pipeline, check};

const KEYSTONE: &str = "[keystone_authtoken]\nauth_url = http://k\nusername = glance\npassword = p\n";

/// Pipelines by flavor, behind a map of URLs, as in Glance 33.
const PASTE: &str = "\
[composite:glance-api]
paste.composite_factory = glance.api:root_app_factory
/: api
/healthcheck: health
[composite:glance-api-keystone+caching]
paste.composite_factory = glance.api:root_app_factory
/: api
/healthcheck: health
[composite:glance-api-proxied]
paste.composite_factory = glance.api:root_app_factory
/: api
[composite:api]
paste.composite_factory = glance.api:pipeline_factory
default = versions nobody rootapp
keystone+caching = cors audit versions authtoken context
  cache rootapp
proxied = context rootapp
[app:health]
paste.app_factory = oslo_middleware:Healthcheck.app_factory
backends = disable_by_file
disable_by_file_path = /run/glance-off
[filter:cors]
paste.filter_factory = oslo_middleware.cors:filter_factory
[filter:audit]
paste.filter_factory = keystonemiddleware.audit:filter_factory
[filter:versions]
paste.filter_factory = glance.api.middleware.version_negotiation:VersionNegotiationFilter.factory
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
[filter:context]
paste.filter_factory = glance.api.middleware.context:ContextMiddleware.factory
[filter:nobody]
paste.filter_factory = glance.api.middleware.context:UnauthenticatedContextMiddleware.factory
[filter:cache]
paste.filter_factory = glance.api.middleware.cache:CacheFilter.factory
";

/// One pipeline for each flavor, as older Glances have them.
const OLD: &str = "\
[pipeline:glance-api-keystone+cachemanagement]
pipeline = http_proxy_to_wsgi authtoken context cache cachemanage api
[filter:http_proxy_to_wsgi]
paste.filter_factory = oslo_middleware:HTTPProxyToWSGI.factory
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
[filter:context]
paste.filter_factory = glance.api.middleware.context:ContextMiddleware.factory
[filter:cache]
paste.filter_factory = glance.api.middleware.cache:CacheFilter.factory
[filter:cachemanage]
paste.filter_factory = glance.api.middleware.cache_manage:CacheManageFilter.factory
";

fn load(text: &str) -> Result<Pipeline, String> {
    let files = ConfigFiles::parse(Path::new("/nowhere/glance-api.conf"), text).unwrap();
    GlanceConf::load(&files).map(|conf| conf.pipeline).map_err(|errors| errors.to_string())
}

/// A configuration beside a paste file, not naming it.
fn beside(paste: &str, text: &str) -> (Result<Pipeline, String>, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("glance-api-paste.ini"), paste).unwrap();
    let conf = dir.path().join("glance-api.conf");
    std::fs::write(&conf, text).unwrap();
    let files = ConfigFiles::load(&[conf], &[]).unwrap();
    let warnings = check(&files, Dialect::Image).warnings;
    let loaded = GlanceConf::load(&files).map(|conf| conf.pipeline).map_err(|errors| errors.to_string());
    (loaded, warnings.iter().map(ToString::to_string).collect())
}

#[test]
fn every_flavor_has_its_filters() {
    use Authentication::{Keystone, Unauthenticated};
    for (flavor, authentication, cache, cache_manage) in [
        ("keystone", Keystone, false, false),
        ("keystone+caching", Keystone, true, false),
        ("keystone+cachemanagement", Keystone, true, true),
        ("caching", Unauthenticated, true, false),
        ("cachemanagement", Unauthenticated, true, true),
        ("", Unauthenticated, false, false),
    ] {
        let pipeline = load(&format!("[paste_deploy]\nflavor = {flavor}\n")).unwrap();
        let found = (pipeline.authentication, pipeline.cache, pipeline.cache_manage);
        assert_eq!(found, (authentication, cache, cache_manage), "{flavor}");
        assert!(pipeline.cors && pipeline.proxy_headers);
    }
    let error = load("[paste_deploy]\nflavor = keyston\n").unwrap_err();
    assert!(error.contains("conf:2:") && error.contains("keystone+caching"), "{error}");
}

#[test]
fn a_keystone_that_is_configured_is_used_where_no_flavor_says_otherwise() {
    assert_eq!(load(KEYSTONE).unwrap().authentication, Authentication::Keystone);
    let open = load(&format!("{KEYSTONE}[paste_deploy]\nflavor = caching\n")).unwrap();
    assert_eq!(open.authentication, Authentication::Unauthenticated);
    let trusting = load(&format!("{KEYSTONE}[scurry]\ntrusted_headers = True\n")).unwrap();
    assert_eq!(trusting.authentication, Authentication::Headers);
}

#[test]
fn a_paste_file_beside_the_configuration_is_followed() {
    let (pipeline, warnings) = beside(PASTE, "[paste_deploy]\nflavor = keystone+caching\n");
    let pipeline = pipeline.unwrap();
    assert_eq!(pipeline.authentication, Authentication::Keystone);
    assert!(pipeline.cache && !pipeline.cache_manage && pipeline.cors && !pipeline.proxy_headers);
    let health = pipeline.healthcheck.unwrap();
    assert!(health.contains(&("disable_by_file_path".into(), "/run/glance-off".into())));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("glance-api-paste.ini:24: [filter:audit]"), "{warnings:?}");

    let nobody = beside(PASTE, "[DEFAULT]\n").0.unwrap();
    assert_eq!((nobody.authentication, nobody.cors), (Authentication::Unauthenticated, false));
    assert_eq!(beside(PASTE, KEYSTONE).0.unwrap().authentication, Authentication::Keystone);

    let old = beside(OLD, "[paste_deploy]\nflavor = keystone+cachemanagement\n").0.unwrap();
    assert!(old.cache && old.cache_manage && old.proxy_headers && !old.cors);
}

#[test]
fn a_context_without_tokens_needs_the_trust_said_aloud() {
    let flavor = "[paste_deploy]\nflavor = proxied\n";
    let error = beside(PASTE, flavor).0.unwrap_err();
    assert!(error.contains("[scurry] trusted_headers"), "{error}");
    let trusting = beside(PASTE, &format!("{flavor}[scurry]\ntrusted_headers = yes\n")).0.unwrap();
    assert_eq!(trusting.authentication, Authentication::Headers);
}

#[test]
fn what_is_missing_in_a_paste_file_is_named() {
    let wrong = |paste: &str, flavor: &str| {
        beside(paste, &format!("[paste_deploy]\nflavor = {flavor}\n")).0.unwrap_err()
    };
    let missing = wrong(PASTE, "gold");
    assert!(missing.contains("[pipeline:glance-api-gold]") && missing.contains("-paste.ini"), "{missing}");
    let filter = wrong("[pipeline:glance-api-x]\npipeline = nothing api\n", "x");
    assert!(filter.contains("[filter:nothing]"), "{filter}");
    let circle = wrong("[composite:glance-api-x]\nuse = egg:Paste#urlmap\n/: glance-api-x\n", "x");
    assert!(circle.contains("circle"), "{circle}");
    let absent = load("[paste_deploy]\nconfig_file = /nowhere/paste.ini\n").unwrap_err();
    assert!(absent.contains("/nowhere/paste.ini"), "{absent}");
}
