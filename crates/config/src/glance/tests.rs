// SPDX-License-Identifier: Apache-2.0
//! Tests of the Image service's configuration.

use std::path::Path;

use std::time::Duration;

use super::*;

/// The file of the walkthrough, its four stores written out, with what a deployment has beside it.
const WALKTHROUGH: &str = r#"
[DEFAULT]
show_multiple_locations = True
show_image_direct_url = False
enabled_backends = pure1:cinder, pure2:cinder, pure3:cinder, pure4:cinder

[pure1]
store_description = "Pure Array 1"
cinder_store_auth_address = http://controller/identity
cinder_store_user_name = glance
cinder_store_password = pureuser
cinder_store_project_name = service
cinder_volume_type = pure
[pure2]
store_description = "Pure Array 2"
cinder_store_auth_address = http://controller/identity
cinder_store_user_name = glance
cinder_store_password = pureuser
cinder_store_project_name = service
cinder_volume_type = pure2
[pure3]
store_description = "Pure Array 3"
cinder_store_auth_address = http://controller/identity
cinder_store_user_name = glance
cinder_store_password = pureuser
cinder_store_project_name = service
cinder_volume_type = pure3
[pure4]
store_description = "Pure Replicated"
cinder_store_auth_address = http://controller/identity
cinder_store_user_name = glance
cinder_store_password = pureuser
cinder_store_project_name = service
cinder_volume_type = replicated

[glance_store]
filesystem_store_datadir = /opt/stack/data/glance/images/
stores = file,cinder
default_store = cinder
default_backend = pure2

[os_glance_tasks_store]
filesystem_store_datadir = /opt/stack/data/glance/tasks_work_dir
[os_glance_staging_store]
filesystem_store_datadir = /opt/stack/data/glance/staging
"#;

fn load(text: &str) -> Result<GlanceConf, String> {
    let files =
        ConfigFiles::parse(Path::new("/etc/glance/glance-api.conf"), text).map_err(|e| e.to_string())?;
    GlanceConf::load(&files).map_err(|errors| errors.to_string())
}

fn errors(text: &str) -> Vec<String> {
    load(text).expect_err("a mistake is expected").lines().map(str::to_owned).collect()
}

#[test]
fn the_walkthroughs_file_loads_as_it_is() {
    let conf = load(WALKTHROUGH).unwrap();
    let ids: Vec<_> = conf.stores.iter().map(|store| store.id.as_str()).collect();
    assert_eq!(ids, ["pure1", "pure2", "pure3", "pure4"]);
    assert_eq!(conf.default_backend.as_deref(), Some("pure2"));
    assert!(conf.multi_store && conf.show_multiple_locations && !conf.show_image_direct_url);
    assert_eq!(conf.stores[3].description.as_deref(), Some("Pure Replicated"));
    assert_eq!(conf.stores[3].kind(), StoreKind::Cinder);
    let Store::Cinder(cinder) = &conf.stores[3].store else { panic!("cinder is expected") };
    assert_eq!(cinder.volume_type.as_deref(), Some("replicated"));
    assert_eq!(cinder.catalog_info, "volumev3::publicURL");
    let auth = cinder.auth.as_ref().unwrap();
    assert_eq!(auth.auth_url, "http://controller/identity");
    let AuthMethod::Password { user, password, project, user_domain, .. } = &auth.method else {
        panic!("a password is expected")
    };
    assert_eq!(
        (user.as_str(), password.expose(), project.as_deref()),
        ("glance", "pureuser", Some("service"))
    );
    assert_eq!(user_domain.name.as_deref(), Some("Default"));
    assert_eq!(conf.staging_dir, Path::new("/opt/stack/data/glance/staging"));
    assert_eq!(conf.tasks_dir, Path::new("/opt/stack/data/glance/tasks_work_dir"));
    assert!(!format!("{conf:?}").contains("pureuser"));
}

#[test]
fn an_empty_file_has_glances_defaults() {
    let conf = load("").unwrap();
    assert_eq!((conf.limit_param_default, conf.api_limit_max), (25, 1000));
    assert_eq!(conf.image_size_cap, 1 << 40);
    assert_eq!(conf.hashing_algorithm, HashAlgorithm::Sha512);
    assert_eq!(conf.image_location_quota, Some(10));
    assert_eq!(conf.user_storage_quota, None);
    assert_eq!(conf.enabled_import_methods, ["glance-direct", "web-download", "copy-image"]);
    assert_eq!(conf.import_allowed_ports, [80, 443]);
    assert_eq!((conf.bind_host.as_str(), conf.bind_port), ("0.0.0.0", 9292));
    assert!(!conf.multi_store && conf.keystone_authtoken.is_none());
    assert_eq!(conf.staging_dir, Path::new("/tmp/staging/"));
    let Store::File(file) = &conf.stores[0].store else { panic!("a file store is expected") };
    assert_eq!(file.datadir, Path::new("/var/lib/glance/images"));
}

#[test]
fn every_mistake_is_told_with_file_line_and_what_is_allowed() {
    let found = errors(
        "[DEFAULT]\nlimit_param_default = zero\napi_limit_max = 0\nshow_multiple_locations = maybe\n\
         hashing_algorithm = crc\nenabled_import_methods = glance-direct, ftp\nuser_storage_quota = 10 PB\n",
    );
    assert_eq!(
        found[0],
        "/etc/glance/glance-api.conf:2: [DEFAULT] limit_param_default = zero: an integer of at least 1 is expected"
    );
    for (line, name) in [
        (3, "api_limit_max"),
        (4, "show_multiple_locations"),
        (5, "hashing_algorithm"),
        (6, "enabled_import_methods"),
        (7, "user_storage_quota"),
    ] {
        let start = format!("/etc/glance/glance-api.conf:{line}: [DEFAULT] {name}");
        assert!(found.iter().any(|error| error.starts_with(&start)), "{start} not in {found:#?}");
    }
    assert_eq!(found.len(), 6, "{found:#?}");
}

#[test]
fn stores_must_fit_together() {
    let found =
        errors("[DEFAULT]\nenabled_backends = a:rbd, b:files, c:file\n[glance_store]\ndefault_backend = d\n");
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(found[0].contains("a is of type rbd, which is not yet supported"), "{found:#?}");
    assert!(found[1].contains("b is of type files, which is not a type of store"), "{found:#?}");
    assert!(
        found[2].contains(":4: [glance_store] default_backend: d is not in enabled_backends"),
        "{found:#?}"
    );
}

#[test]
fn a_default_is_needed_and_an_empty_section_is_none() {
    let found = errors("[DEFAULT]\nenabled_backends = c:file\n");
    assert!(found.len() == 1 && found[0].contains("default_backend"), "{found:#?}");
    let conf = load("[DEFAULT]\nenabled_backends = c:file\n[glance_store]\ndefault_backend = c\n").unwrap();
    assert_eq!(conf.staging_dir, Path::new("/var/lib/glance/os_glance_staging_store"));
}

#[test]
fn a_wrong_enabled_backends_is_one_mistake() {
    let text = "[DEFAULT]\nenabled_backends = pure1\n[glance_store]\ndefault_store = cinder\ndefault_backend = pure1\n";
    assert_eq!(errors(text).len(), 1, "{:#?}", errors(text));
}

#[test]
fn half_an_account_is_refused_without_showing_it() {
    let text = "[DEFAULT]\nenabled_backends = p:cinder\n[glance_store]\ndefault_backend = p\n[p]\n\
                cinder_store_user_name = glance\ncinder_store_password = geheim\n";
    let found = errors(text);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].contains("cinder_store_project_name, cinder_store_auth_address must be set too"),
        "{found:#?}"
    );
    assert!(!found[0].contains("geheim"));
}

#[test]
fn no_account_means_the_users_token() {
    let text = "[DEFAULT]\nenabled_backends = p:cinder\n[glance_store]\ndefault_backend = p\n";
    let conf = load(text).unwrap();
    let Store::Cinder(cinder) = &conf.stores[0].store else { panic!("cinder is expected") };
    assert_eq!(cinder.auth, None);
}

#[test]
fn backend_defaults_fill_stores_in() {
    let text = "[DEFAULT]\nenabled_backends = a:cinder, b:cinder\n[glance_store]\ndefault_backend = a\n\
                [backend_defaults]\ncinder_volume_type = slow\ncinder_http_retries = 7\n[b]\ncinder_volume_type = fast\n";
    let conf = load(text).unwrap();
    let types: Vec<_> = conf
        .stores
        .iter()
        .map(|store| match &store.store {
            Store::Cinder(cinder) => (cinder.volume_type.clone().unwrap(), cinder.http_retries),
            Store::File(_) | Store::Http(_) => panic!("cinder is expected"),
        })
        .collect();
    assert_eq!(types, [("slow".to_owned(), 7), ("fast".to_owned(), 7)]);
}

#[test]
fn an_http_store_verifies_certificates_unless_told() {
    let text = "[DEFAULT]\nenabled_backends = a:file, web:http, lax:http\n[glance_store]\ndefault_backend = a\n\
                [lax]\nhttps_insecure = true\nhttp_proxy_information = http:10.0.0.1:3128, https:10.0.0.2:1080\n\
                weight = 5\n";
    let conf = load(text).unwrap();
    let Store::Http(web) = &conf.stores[1].store else { panic!("http is expected") };
    assert_eq!((conf.stores[1].kind(), web.insecure, web.proxies.len()), (StoreKind::Http, false, 0));
    let Store::Http(lax) = &conf.stores[2].store else { panic!("http is expected") };
    assert!(lax.insecure && conf.stores[2].weight == 5);
    assert_eq!(lax.proxies[1], ("https".to_owned(), "10.0.0.2:1080".to_owned()));
    let found = errors(&text.replace("http:10", "ftp:10"));
    assert!(found[0].contains("ftp has no proxy here"), "{found:#?}");
}

#[test]
fn keystone_groups_are_read() {
    let conf = load(
        "[DEFAULT]\nuse_keystone_limits = on\n[keystone_authtoken]\nauth_url = http://k:5000\nusername = glance\n\
         password = s$$1\nproject_name = service\nuser_domain_id = default\nproject_domain_name = Default\n\
         token_cache_time = -1\nservice_token_roles = service, worker\nservice_token_roles_required = true\n\
         [oslo_limit]\nauth_url = http://k:5000\nauth_type = v3applicationcredential\n\
         application_credential_id = ac\napplication_credential_secret = acs\nendpoint_id = e1\n",
    )
    .unwrap();
    let authtoken = conf.keystone_authtoken.unwrap();
    assert_eq!(authtoken.www_authenticate_uri, "http://k:5000");
    assert_eq!(authtoken.token_cache_time, Duration::ZERO);
    assert_eq!(authtoken.service_token_roles, ["service", "worker"]);
    assert!(authtoken.service_token_roles_required);
    let AuthMethod::Password { password, user_domain, project_domain, .. } = &authtoken.auth.method else {
        panic!("a password is expected")
    };
    assert_eq!(password.expose(), "s$1");
    assert_eq!(user_domain.id.as_deref(), Some("default"));
    assert_eq!(project_domain.name.as_deref(), Some("Default"));
    let limit = conf.oslo_limit.unwrap();
    assert!(matches!(limit.auth.method, AuthMethod::ApplicationCredential { .. }));
    assert_eq!(limit.endpoint_id.as_deref(), Some("e1"));
}

#[test]
fn half_a_keystone_group_is_refused() {
    let found = errors("[keystone_authtoken]\nauth_url = http://k:5000\nusername = glance\n");
    assert_eq!(
        found,
        ["/etc/glance/glance-api.conf:1: [keystone_authtoken] password: it must be set, as auth_url is"]
    );
    let found = errors("[DEFAULT]\nuse_keystone_limits = true\n");
    assert_eq!(found, ["[oslo_limit] auth_url: it must be set, as use_keystone_limits is on"]);
    let found = errors("[keystone_authtoken]\nauth_url = http://k\nauth_type = v3oidc\n");
    assert!(found[0].contains("v3oidc is not supported"), "{found:#?}");
}

#[test]
fn sizes_have_units() {
    for (text, bytes) in [("0", Some(0)), ("10", Some(10)), ("1KB", Some(1024)), ("2 GB", Some(2 << 30))] {
        assert_eq!(size_with_unit(text), bytes, "{text}");
    }
    for bad in ["", "GB", "1PB", "-1", "99999999999999999999", "18446744073709551615TB"] {
        assert_eq!(size_with_unit(bad), None, "{bad}");
    }
}

#[test]
fn policy_files_are_looked_for_beside_the_configuration() {
    let conf = load("[DEFAULT]\n").unwrap().oslo_policy;
    assert_eq!(conf.policy_file, [Path::new("/etc/glance/policy.yaml")]);
    assert_eq!(conf.policy_dirs, [vec![std::path::PathBuf::from("/etc/glance/policy.d")]]);
    assert!(!conf.policy_file_required && conf.enforce_scope && conf.enforce_new_defaults);
    let named = "[oslo_policy]\npolicy_file = /srv/rules.json\npolicy_dirs = a\npolicy_dirs = /b\nenforce_scope = no\n\
                 enforce_new_defaults = False\npolicy_default_rule = fallback\n";
    let conf = load(named).unwrap().oslo_policy;
    assert_eq!(conf.policy_file, [Path::new("/srv/rules.json")]);
    assert_eq!(conf.policy_dirs, [vec![std::path::PathBuf::from("/etc/glance/a")], vec!["/b".into()]]);
    assert!(conf.policy_file_required && !conf.enforce_scope && !conf.enforce_new_defaults);
    assert_eq!(conf.policy_default_rule, "fallback");
}
