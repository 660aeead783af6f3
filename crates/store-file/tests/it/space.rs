// SPDX-License-Identifier: Apache-2.0
//! Where images go and how much room they take.

use std::os::unix::fs::MetadataExt;

use bytes::Bytes;
use scurry_store::{Store, StoreErrorKind};
use scurry_store_file::{DataDir, FileStore, FileStoreConfig};
use scurry_testkit::pattern;
use scurry_types::{Extent, ImageId};

use crate::{files, spec, store, write};

const MIB: u64 = 1 << 20;
/// More than there is room for on most machines, and still less than ext4 allows a file.
const LARGE: u64 = 1 << 40;

#[tokio::test]
async fn holes_take_no_space_and_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = FileStoreConfig::new("local", dir.path());
    config.thin_provisioning = true;
    let store = FileStore::open(config).unwrap();
    let image = ImageId::random();
    let writer = store.begin_write(&spec(&image, Some(LARGE))).await.unwrap();
    writer.write_at(8 * MIB, Bytes::from(pattern(1, MIB as usize))).await.unwrap();
    writer.write_at(16 * MIB, Bytes::from(pattern(2, MIB as usize))).await.unwrap();
    writer.write_zeroes(16 * MIB, MIB).await.unwrap();
    let object = writer.commit(LARGE).await.unwrap();
    let reader = store.open_read(&object.url).await.unwrap();
    assert_eq!(reader.len(), LARGE);
    let extents: Vec<_> = reader.extents(7 * MIB..LARGE).await.unwrap().iter().collect();
    let rest = LARGE - 9 * MIB;
    assert_eq!(extents, [Extent::zero(0, MIB), Extent::data(MIB, MIB), Extent::zero(2 * MIB, rest)]);
    let metadata = std::fs::metadata(dir.path().join(image.as_str())).unwrap();
    assert!(metadata.blocks() * 512 < 2 * MIB, "{} blocks", metadata.blocks());
}

#[tokio::test]
async fn an_image_that_does_not_fit_is_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let error = store.begin_write(&spec(&ImageId::random(), Some(1 << 60))).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Full);
    assert!(files(dir.path()).is_empty());
}

#[tokio::test]
async fn the_directory_of_highest_priority_is_filled_first() {
    let dir = tempfile::tempdir().unwrap();
    let (low, high) = (dir.path().join("low"), dir.path().join("high"));
    let mut config = FileStoreConfig::new("local", &low);
    config.datadirs.push(DataDir { path: high.clone(), priority: 100 });
    let store = FileStore::open(config.clone()).unwrap();
    let image = ImageId::random();
    let object = write(&store, &image, b"x").await;
    assert_eq!(files(&high), [high.join(image.as_str())]);

    // With the priorities turned round, the image is still found, read and not written a second time.
    config.datadirs[0].priority = 200;
    let store = FileStore::open(config).unwrap();
    assert_eq!(store.find(&image).await.unwrap(), std::slice::from_ref(&object.url));
    assert_eq!(store.open_read(&object.url).await.unwrap().len(), 1);
    let again = store.begin_write(&spec(&image, None)).await.unwrap_err();
    assert_eq!(again.kind, StoreErrorKind::AlreadyExists);
    let other = ImageId::random();
    write(&store, &other, b"y").await;
    assert_eq!(files(&low), [low.join(other.as_str())]);
}
