// SPDX-License-Identifier: Apache-2.0
//! Tests of what operators are told.

use std::path::Path;

use super::*;

const GLANCE: &str = r"
[DEFAULT]
enabled_backends = fast:file, pure2:cinder
show_multiple_location = True
debug = true
log_file = /var/log/glance/api.log
image_cache_dir = /var/lib/glance/cache
api_limit_max = many
my_ip = 10.0.0.1
public_endpoint = http://${my_ip}:9292

[glance_store]
default_backend = pure2

[fast]
filesystem_store_datadir = /srv/$$images
filesystem_store_datadirs = /srv/a:1

[pure2]
cinder_volume_tipe = pure2
cinder_store_auth_address = http://controller/identity
cinder_store_user_name = glance
cinder_store_password = pureuser
cinder_store_project_name = service

[pure3]
cinder_volume_type = pure3

[keystone_authtokn]
password = geheim

[oslo_messaging_rabbit]
rabbit_qos_prefetch_count = 1
";

fn files(text: &str) -> ConfigFiles {
    ConfigFiles::parse(Path::new("glance-api.conf"), text).unwrap()
}

fn report_text(report: &Report) -> String {
    let mut text = String::new();
    for (word, problems) in
        [("error", &report.errors), ("warning", &report.warnings), ("note", &report.notes)]
    {
        for problem in problems {
            text.push_str(&format!("{word}: {problem}\n"));
        }
    }
    text
}

#[test]
fn a_report_names_every_doubt() {
    insta::assert_snapshot!(report_text(&check(&files(GLANCE), Dialect::Image)));
}

#[test]
fn what_counts_is_shown_without_secrets() {
    let text = show(&files(GLANCE), Dialect::Image);
    assert!(!text.contains("pureuser") && !text.contains("geheim"), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn a_cinder_conf_is_checked_by_cinders_options() {
    let text = r"
[DEFAULT]
debug = True
transport_url = rabbit://guest:guest@127.0.0.1:5672/
auth_strategy = keystone
my_ip = 127.0.0.1
enabled_backends = puredriver-1,puredriver-2
default_volume_type = pure
allowed_direct_url_schemes = cinder
image_upload_use_cinder_backend = True
quota_volumes = -2
[puredriver-1]
volume_driver = cinder.volume.drivers.pure.PureISCSIDriver
volume_backend_name = puredriver-1
san_ip = 10.0.0.1
pure_api_token = geheim
[puredriver-2]
volume_backend_name = puredriver-2
replication_device = backend_id:puredriver-1,type:sync
scurry_pool_dirs = /srv/pool2
";
    let report = check(&files(text), Dialect::BlockStorage);
    let told = report_text(&report);
    assert!(!told.contains("geheim"));
    assert_eq!(report.errors.len(), 1, "{told}");
    assert_eq!(report.warnings.len(), 1, "{told}");
    assert!(told.contains("did you mean scurry_pool_dir?"), "{told}");
    let shown = show(&files(text), Dialect::BlockStorage);
    assert!(shown.contains("replication_device = backend_id:puredriver-1,type:sync"), "{shown}");
    assert!(!shown.contains("geheim"));
}

#[test]
fn a_library_group_is_no_doubt() {
    let report =
        check(&files("[cors]\nallowed_origin = http://h\n[healthcheck]\npath = /h\n"), Dialect::Image);
    assert_eq!(report.warnings, []);
}

#[test]
fn files_are_merged_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let main = dir.path().join("glance-api.conf");
    let more = dir.path().join("conf.d");
    std::fs::create_dir(&more).unwrap();
    std::fs::write(&main, "[DEFAULT]\napi_limit_max = 1\nlimit_param_default = 2\n").unwrap();
    std::fs::write(more.join("20.conf"), "[DEFAULT]\napi_limit_max = 20\n").unwrap();
    std::fs::write(more.join("10.conf"), "[DEFAULT]\napi_limit_max = 10\n").unwrap();
    std::fs::write(more.join("30.txt"), "nonsense").unwrap();
    let files = ConfigFiles::load(std::slice::from_ref(&main), &[more]).unwrap();
    assert_eq!(files.get("DEFAULT", "api_limit_max").unwrap().text, "20");
    assert_eq!(files.get("default", "x"), None);
    assert_eq!(files.paths().count(), 3);
    let conf = GlanceConf::load(&files).unwrap();
    assert_eq!((conf.api_limit_max, conf.limit_param_default), (20, 2));
    let missing = ConfigFiles::load(&[dir.path().join("none.conf"), main], &[dir.path().join("none.d")]);
    assert_eq!(missing.unwrap_err().0.len(), 2);
}
