// SPDX-License-Identifier: Apache-2.0
//! The contract of every store, and what is particular to files.

use std::os::unix::fs::PermissionsExt;

use bytes::Bytes;
use scurry_store::{Store, StoreErrorKind};
use scurry_store_file::{DataDir, FileStore, FileStoreConfig};
use scurry_testkit::{check_store, pattern};
use scurry_types::ImageId;

use crate::{files, spec, store, write};

#[tokio::test]
async fn one_directory_keeps_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    check_store(&store(dir.path())).await;
    assert!(files(dir.path()).is_empty(), "the suite leaves nothing behind");
}

#[tokio::test]
async fn several_directories_keep_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = FileStoreConfig::new("local", dir.path().join("a"));
    config.datadirs.push(DataDir { path: dir.path().join("b"), priority: 10 });
    check_store(&FileStore::open(config).unwrap()).await;
}

#[tokio::test]
async fn the_file_has_glances_name_and_the_permissions_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = FileStoreConfig::new("local", dir.path());
    config.file_perm = Some(0o640);
    let store = FileStore::open(config).unwrap();
    let image = ImageId::random();
    let object = write(&store, &image, b"content").await;
    let path = dir.path().join(image.as_str());
    assert_eq!(object.url, format!("file://{}", path.display()));
    assert_eq!(std::fs::read(&path).unwrap(), b"content");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o640);
}

#[tokio::test]
async fn the_name_appears_with_the_commit_and_replaces_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let image = ImageId::random();
    let first = store.begin_write(&spec(&image, None)).await.unwrap();
    let second = store.begin_write(&spec(&image, None)).await.unwrap();
    first.write_at(0, Bytes::from_static(b"first")).await.unwrap();
    second.write_at(0, Bytes::from_static(b"second")).await.unwrap();
    let path = dir.path().join(image.as_str());
    assert!(!path.exists());
    assert_eq!(store.find(&image).await.unwrap().len(), 2);
    first.commit(5).await.unwrap();
    assert_eq!(second.commit(6).await.unwrap_err().kind, StoreErrorKind::AlreadyExists);
    assert_eq!(files(dir.path()), std::slice::from_ref(&path), "the part file of the refused commit is gone");
    assert_eq!(std::fs::read(&path).unwrap(), b"first");
    let again = store.begin_write(&spec(&image, None)).await.unwrap_err();
    assert_eq!(again.kind, StoreErrorKind::AlreadyExists);
}

#[tokio::test]
async fn a_file_that_shrinks_while_it_is_read_is_corrupt() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let object = write(&store, &ImageId::random(), &pattern(1, 100_000)).await;
    let reader = store.open_read(&object.url).await.unwrap();
    let path = object.url.strip_prefix("file://").unwrap();
    std::fs::File::options().write(true).open(path).unwrap().set_len(10).unwrap();
    assert_eq!(reader.read_at(0, 100).await.unwrap_err().kind, StoreErrorKind::Corrupt);
}
