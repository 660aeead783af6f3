// SPDX-License-Identifier: Apache-2.0
//! `scurry db load-metadefs`, `export-metadefs` and `unload-metadefs`.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::{said, scurry, text};

struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let content = format!(
            "[DEFAULT]\nenabled_backends = a:file\nmetadata_source_path = {0}/in\n[glance_store]\n\
             default_backend = a\n[a]\nfilesystem_store_datadir = {0}/images\n[database]\n\
             connection = sqlite:///{0}/glance.db\n",
            text(folder.path())
        );
        std::fs::write(folder.path().join("glance-api.conf"), content).unwrap();
        std::fs::create_dir(folder.path().join("in")).unwrap();
        Self { folder }
    }

    fn put(&self, name: &str, content: &str) {
        std::fs::write(self.folder.path().join("in").join(name), content).unwrap();
    }

    fn run(&self, words: &[&str]) -> Output {
        let conf = self.folder.path().join("glance-api.conf");
        scurry(&[&["db"], words, &["--config-file", text(&conf)]].concat())
    }

    /// What is in the database, as one file a namespace.
    fn exported(&self) -> Vec<(String, Value)> {
        let out = self.folder.path().join("out");
        let _ = std::fs::remove_dir_all(&out);
        let export = self.run(&["export-metadefs", "--path", text(&out)]);
        assert!(export.status.success(), "{}", said(&export));
        let mut files: Vec<_> = std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let name = |file: &Path| file.file_name().unwrap().to_str().unwrap().to_owned();
        files
            .iter()
            .map(|file| (name(file), serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()))
            .collect()
    }
}

fn disk(bus: &str) -> Value {
    json!({
        "namespace": "Demo::Disk",
        "display_name": "Disk bus_1",
        "description": null,
        "visibility": "public",
        "protected": true,
        "owner": "admin",
        "resource_type_associations": [
            {"name": "OS::Glance::Image", "prefix": "hw_", "properties_target": null},
        ],
        "properties": {"bus": {"title": bus, "type": "string", "default": 5}},
        "objects": [{"name": "Cache", "description": "c", "properties": {"m": {"title": "M", "type": "string"}}}],
        "tags": [{"name": "fast"}],
    })
}

#[test]
fn what_is_loaded_is_exported_and_can_be_loaded_again() {
    let files = Files::new();
    files.put("disk.json", &disk("Bus").to_string());
    files.put("least.json", "{\"namespace\": \"least\"}");
    files.put("notes.txt", "no definition");
    let load = files.run(&["load-metadefs"]);
    assert!(load.status.success(), "{}", said(&load));
    assert!(said(&load).contains("Demo::Disk: loaded"), "{}", said(&load));
    let exported = files.exported();
    let names: Vec<_> = exported.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Diskbus1.json", "least.json"]);
    assert_eq!(exported[0].1, disk("Bus"));
    let unload = files.run(&["unload-metadefs"]);
    assert!(said(&unload).contains("2 namespaces removed"), "{}", said(&unload));
    assert_eq!(files.exported(), []);
    let out = files.folder.path().join("out");
    for (name, content) in &exported {
        std::fs::write(out.join(name), content.to_string()).unwrap();
    }
    let again = files.run(&["load-metadefs", "--path", text(&out)]);
    assert!(again.status.success(), "{}", said(&again));
    assert_eq!(files.exported(), exported);
}

#[test]
fn what_is_there_is_kept_completed_rewritten_or_replaced() {
    let files = Files::new();
    files.put("disk.json", &disk("old").to_string());
    assert!(files.run(&["load-metadefs"]).status.success());
    let mut changed = disk("new");
    changed["tags"] = json!([{"name": "slow"}]);
    changed["description"] = json!("changed");
    files.put("disk.json", &changed.to_string());
    let after = |options: &[&str]| {
        let load = files.run(&[&["load-metadefs"], options].concat());
        assert!(load.status.success(), "{}", said(&load));
        let (_, file) = files.exported().remove(0);
        let tags: Vec<_> = file["tags"].as_array().unwrap().iter().map(|tag| tag["name"].clone()).collect();
        (file["description"].clone(), file["properties"]["bus"]["title"].clone(), json!(tags))
    };
    assert_eq!(after(&[]), (json!(null), json!("old"), json!(["fast"])));
    assert_eq!(after(&["--merge"]), (json!(null), json!("old"), json!(["fast", "slow"])));
    assert_eq!(
        after(&["--merge", "--prefer_new"]),
        (json!("changed"), json!("new"), json!(["fast", "slow"]))
    );
    assert_eq!(after(&["--merge", "--overwrite"]), (json!("changed"), json!("new"), json!(["slow"])));
    for wrong in [&["--overwrite"][..], &["--prefer-new"], &["--merge", "--overwrite", "--prefer-new"]] {
        let load = files.run(&[&["load-metadefs"], wrong].concat());
        assert_eq!(load.status.code(), Some(2), "{}", said(&load));
    }
}

#[test]
fn files_that_are_wrong_are_named_and_the_others_loaded() {
    let files = Files::new();
    files.put("a.json", "{");
    files.put("b.json", "{\"namespace\": \"b\", \"tags\": [{}]}");
    files.put("c.json", "{\"namespace\": \"c\"}");
    let load = files.run(&["load-metadefs"]);
    assert_eq!(load.status.code(), Some(1));
    let text = said(&load);
    assert!(text.contains("a.json: ") && text.contains("b.json: tags[0].name: a name is expected"), "{text}");
    assert_eq!(files.exported().len(), 1);
    let missing = files.run(&["load-metadefs", "--path", "/nonexistent/metadefs"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(said(&missing).contains("/nonexistent/metadefs"), "{}", said(&missing));
}
