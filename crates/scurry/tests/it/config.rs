// SPDX-License-Identifier: Apache-2.0
//! `scurry config`.

use crate::{said, scurry, text};

#[test]
fn every_wrong_value_is_named_with_its_line_and_secrets_are_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("glance-api.conf");
    let content = "[DEFAULT]\nlimit_param_default = zero\nshow_multiple_location = True\nenabled_backends = a:file\n\
                   [a]\nfilesystem_store_datadir = /tmp/a\n[glance_store]\ndefault_backend = a\n\
                   [keystone_authtoken]\nauth_url = http://k\nusername = glance\npassword = geheim\n";
    std::fs::write(&file, content).unwrap();
    let check = scurry(&["config", "check", text(&file)]);
    assert_eq!(check.status.code(), Some(1));
    let report = said(&check);
    assert!(report.contains(&format!("{}:2:", text(&file))), "{report}");
    assert!(report.contains("limit_param_default = zero"), "{report}");
    assert!(report.contains("did you mean show_multiple_locations?"), "{report}");
    assert!(report.contains("1 error, 1 warning, "), "{report}");

    let show = scurry(&["config", "show", text(&file)]);
    assert!(show.status.success());
    assert!(!said(&show).contains("geheim"));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let missing = scurry(&["config", "check", "/no/such/glance-api.conf"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(said(&missing).contains("/no/such/glance-api.conf"), "{}", said(&missing));
}

#[test]
fn completions_are_printed_for_a_shell() {
    let bash = scurry(&["completions", "bash"]);
    assert!(bash.status.success());
    assert!(said(&bash).contains("complete -F _scurry"));
}
