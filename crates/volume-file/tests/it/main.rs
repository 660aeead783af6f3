// SPDX-License-Identifier: Apache-2.0
//! Pools of volumes, as block storage and connectors use them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "tests")]

mod isolation;
mod model;
mod reflink;
mod replica;
mod space;

use std::path::Path;

use scurry_types::VolumeId;
use scurry_volume_file::{Access, CloneMode, Pool, VolumeFile};

fn id(text: &str) -> VolumeId {
    VolumeId::from(text)
}

/// A pool that clones by overlays whatever the file system can do.
fn overlay_pool(dir: &Path) -> Pool {
    Pool::open_with(dir, Some(CloneMode::Overlay)).unwrap()
}

fn reader(pool: &Pool, volume: &str) -> VolumeFile {
    VolumeFile::open(&pool.descriptor(&id(volume), None).unwrap(), Access::ReadOnly).unwrap()
}

fn writer(pool: &Pool, volume: &str) -> VolumeFile {
    pool.prepare_write(&id(volume)).unwrap();
    VolumeFile::open(&pool.descriptor(&id(volume), None).unwrap(), Access::ReadWrite).unwrap()
}

fn read(pool: &Pool, volume: &str, offset: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0xee; len];
    reader(pool, volume).read_at(&mut bytes, offset).unwrap();
    bytes
}

fn write(pool: &Pool, volume: &str, bytes: &[u8], offset: u64) {
    let file = writer(pool, volume);
    file.write_at(bytes, offset).unwrap();
    file.close().unwrap();
}
