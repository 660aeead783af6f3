// SPDX-License-Identifier: Apache-2.0
//! `scurry policy`.

use crate::{said, scurry, text};

#[test]
fn a_rule_that_cannot_be_used_is_named_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.yaml");
    for rule in ["role:admin or", "http://policy.example/check"] {
        std::fs::write(&file, format!("get_image: ''\nadd_image: {rule}\n")).unwrap();
        let check = scurry(&["policy", "check", text(&file)]);
        assert_eq!(check.status.code(), Some(1));
        let told = said(&check);
        assert!(told.contains("policy.yaml, line 2") && told.contains("add_image"), "{told}");
    }
}

#[test]
fn rules_are_shown_as_they_count_and_doubts_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let conf = folder.path().join("glance-api.conf");
    std::fs::write(&conf, "[oslo_policy]\npolicy_file = rules.yaml\n").unwrap();
    let file = folder.path().join("rules.yaml");
    std::fs::write(
        &file,
        "# ours\npublicize_image: role:publisher or rule:context_is_admin\nget_imag: '@'\n",
    )
    .unwrap();
    let options = ["--config-file", text(&conf)];
    let shown = scurry(&[&["policy", "show", "--changed"], &options[..]].concat());
    let told = said(&shown);
    assert!(shown.status.success(), "{told}");
    assert!(told.contains("\"publicize_image\": \"role:publisher or rule:context_is_admin\""), "{told}");
    assert!(told.contains("rules.yaml:2") && !told.contains("\"add_image\""), "{told}");
    let check = scurry(&[&["policy", "check"], &options[..]].concat());
    assert!(said(&check).contains("did you mean get_image?"), "{}", said(&check));

    // What is shown is a policy file itself.
    let all = scurry(&[&["policy", "show"], &options[..]].concat());
    let again = folder.path().join("again.yaml");
    std::fs::write(&again, &all.stdout).unwrap();
    let check = scurry(&["policy", "check", text(&again)]);
    assert!(check.status.success(), "{}", said(&check));
}
