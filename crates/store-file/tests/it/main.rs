// SPDX-License-Identifier: Apache-2.0
//! File stores in temporary directories; TMPDIR says on which file system.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod clone;
mod contract;
mod journeys;
mod space;
mod startup;
mod urls;

use std::path::{Path, PathBuf};

use bytes::Bytes;
use scurry_store::{Store, StoredObject, WriteSpec};
use scurry_store_file::{FileStore, FileStoreConfig};
use scurry_types::ImageId;

fn store(datadir: &Path) -> FileStore {
    FileStore::open(FileStoreConfig::new("local", datadir)).unwrap()
}

fn spec(image: &ImageId, len: Option<u64>) -> WriteSpec {
    WriteSpec { image: image.clone(), owner: None, len }
}

async fn write(store: &FileStore, image: &ImageId, content: &[u8]) -> StoredObject {
    let len = content.len() as u64;
    let writer = store.begin_write(&spec(image, Some(len))).await.unwrap();
    writer.write_at(0, Bytes::copy_from_slice(content)).await.unwrap();
    writer.commit(len).await.unwrap()
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}
