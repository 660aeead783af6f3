// SPDX-License-Identifier: Apache-2.0
//! Stores that start, and those that say why they do not.

use std::error::Error;

use scurry_store::Store;
use scurry_store_file::{DataDir, FileStore, FileStoreConfig, FileStoreError};
use serde_json::json;

use crate::files;

#[test]
fn a_missing_directory_is_made_and_nothing_left_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/b/c");
    let mut config = FileStoreConfig::new("local", &path);
    (config.weight, config.description) = (7, Some("here".to_owned()));
    let store = FileStore::open(config).unwrap();
    assert!(files(&path).is_empty());
    let facts = store.facts();
    assert_eq!((facts.kind, facts.weight, facts.description.as_deref()), ("file", 7, Some("here")));
    let properties = json!({"data_dir": path, "chunk_size": 65536, "thin_provisioning": false});
    assert_eq!(json!(facts.properties), properties);
}

#[test]
fn directories_that_cannot_be_used_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, b"").unwrap();
    for path in [file.clone(), file.join("below"), "/proc/scurry-images".into()] {
        let error = FileStore::open(FileStoreConfig::new("local", &path)).unwrap_err();
        assert!(matches!(error, FileStoreError::Create { .. }), "{error}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        assert!(error.source().is_some());
    }
    // Not even root writes here.
    let error = FileStore::open(FileStoreConfig::new("local", "/proc/self")).unwrap_err();
    assert!(matches!(error, FileStoreError::NotWritable { .. }), "{error}");
    let error = FileStore::open(FileStoreConfig::new("local", "images")).unwrap_err();
    assert!(matches!(error, FileStoreError::InvalidPath { .. }), "{error}");
}

#[test]
fn no_directory_and_the_same_twice_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = FileStoreConfig::new("local", dir.path());
    config.datadirs.push(DataDir { path: dir.path().join("."), priority: 5 });
    let error = FileStore::open(config.clone()).unwrap_err();
    assert!(matches!(error, FileStoreError::Duplicate { .. }), "{error}");
    config.datadirs.clear();
    let error = FileStore::open(config).unwrap_err();
    assert!(matches!(error, FileStoreError::NoDirectory { .. }), "{error}");
}
