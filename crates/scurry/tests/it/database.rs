// SPDX-License-Identifier: Apache-2.0
//! `scurry db`.

use crate::{said, scurry, text};

#[test]
fn sync_makes_what_status_misses() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("glance-api.conf");
    let database = folder.path().join("glance.db");
    let content = format!(
        "[DEFAULT]\nenabled_backends = a:file\n[glance_store]\ndefault_backend = a\n[a]\n\
         filesystem_store_datadir = {0}/images\n[database]\nconnection = sqlite:///{0}/glance.db\n",
        text(folder.path())
    );
    std::fs::write(&file, content).unwrap();
    let options = ["--config-file", text(&file)];

    let before = scurry(&[&["db", "status"], &options[..]].concat());
    assert_eq!(before.status.code(), Some(1), "{}", said(&before));
    assert!(!database.exists());
    for _ in 0..2 {
        let sync = scurry(&[&["db", "sync"], &options[..]].concat());
        assert!(sync.status.success(), "{}", said(&sync));
    }
    let after = scurry(&[&["db", "status"], &options[..]].concat());
    assert!(after.status.success());
    assert!(said(&after).contains("2024_1_contract01"), "{}", said(&after));
}

#[test]
fn another_database_is_refused_without_its_password() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("glance-api.conf");
    let content = "[DEFAULT]\nenabled_backends = a:file\n[glance_store]\ndefault_backend = a\n[a]\n\
                   filesystem_store_datadir = /tmp/a\n[database]\nconnection = oracle://glance:geheim@db/glance\n";
    std::fs::write(&file, content).unwrap();
    let sync = scurry(&["db", "sync", "--config-file", text(&file)]);
    assert_eq!(sync.status.code(), Some(1));
    assert!(said(&sync).contains("oracle") && !said(&sync).contains("geheim"), "{}", said(&sync));
}

#[test]
fn scrub_runs_on_its_own_and_names_what_cannot_be_restored() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("glance-api.conf");
    let content = format!(
        "[DEFAULT]\nenabled_backends = a:file\ndelayed_delete = True\n[glance_store]\ndefault_backend = a\n[a]\n\
         filesystem_store_datadir = {0}/images\n[os_glance_staging_store]\nfilesystem_store_datadir = {0}/staging\n\
         [database]\nconnection = sqlite:///{0}/glance.db\n",
        text(folder.path())
    );
    std::fs::write(&file, content).unwrap();
    let run = scurry(&["scrub", "--config-file", text(&file)]);
    assert!(run.status.success(), "{}", said(&run));
    assert!(said(&run).contains("0 scrubbed, 0 left"), "{}", said(&run));
    let id = "71c675ab-d94f-49cd-a114-e12490b328d9";
    let restore = scurry(&["scrub", "--config-file", text(&file), "--restore", id]);
    assert_eq!(restore.status.code(), Some(1));
    assert!(said(&restore).contains(&format!("No image found with ID {id}")), "{}", said(&restore));
    let wrong = scurry(&["scrub", "--config-file", text(&file), "--restore", "x", "-D"]);
    assert_eq!(wrong.status.code(), Some(2), "{}", said(&wrong));
}

#[test]
fn glance_manages_commands_have_counterparts() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("glance-api.conf");
    let content = format!(
        "[DEFAULT]\nenabled_backends = a:file\n[glance_store]\ndefault_backend = a\n[a]\n\
         filesystem_store_datadir = {0}/images\n[database]\nconnection = sqlite:///{0}/glance.db\n",
        text(folder.path())
    );
    std::fs::write(&file, content).unwrap();
    let db = |words: &[&str]| {
        let done = scurry(&[&["db", words[0], "--config-file", text(&file)], &words[1..]].concat());
        (done.status.code(), said(&done))
    };
    assert_eq!(db(&["check"]).0, Some(3));
    let (code, words) = db(&["adopt"]);
    assert!(code == Some(1) && words.contains("scurry db sync"), "{words}");
    assert_eq!(db(&["upgrade"]).0, Some(0));
    assert_eq!(db(&["check"]).0, Some(0));
    assert_eq!(db(&["version"]), (Some(0), "2024_1_contract01\n".to_owned()));
    for command in ["expand", "migrate", "contract"] {
        assert_eq!(db(&[command]).0, Some(0), "{command}");
    }
    let (code, words) = db(&["purge", "--age_in_days", "0", "--max_rows", "-1"]);
    assert!(code == Some(0) && words.contains("image_locations: 0 rows removed"), "{words}");
    let (code, words) = db(&["purge_images_table"]);
    assert!(code == Some(0) && words.contains("images: 0 rows removed"), "{words}");
    assert_eq!(db(&["purge", "--max-rows", "-2"]).0, Some(2));
    let (code, words) = db(&["adopt", "--dry-run", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&words).unwrap();
    assert_eq!((code, &report["adopted"]), (Some(0), &serde_json::Value::Bool(true)));
}
