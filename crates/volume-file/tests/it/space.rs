// SPDX-License-Identifier: Apache-2.0
//! What volumes and clones take on disk.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use scurry_volume_file::{CloneHow, Writers};

use crate::{id, overlay_pool, read, write};

const GIB: u64 = 1 << 30;

fn allocated(dir: &Path) -> u64 {
    let files = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().metadata().unwrap());
    let mut seen = std::collections::BTreeSet::new();
    files.filter(|file| seen.insert(file.ino())).map(|file| file.blocks() * 512).sum()
}

#[test]
fn a_clone_of_50_gib_takes_a_few_blocks() {
    let dir = tempfile::tempdir().unwrap();
    let pool = overlay_pool(dir.path());
    pool.create(&id("a"), 50 * GIB).unwrap();
    write(&pool, "a", &vec![1; 8 << 20], 20 * GIB);
    write(&pool, "a", &[1; 512], 50 * GIB - 512);
    let before = allocated(dir.path());
    let cloned = pool.clone_volume(&id("a"), &id("b"), 50 * GIB, Writers::None).unwrap();
    assert_eq!((cloned.how, cloned.bytes_copied), (CloneHow::Overlay, 0));
    assert!(allocated(dir.path()) - before <= 64 << 10);
    write(&pool, "b", &[2; 512], 50 * GIB - 512);
    assert_eq!(read(&pool, "b", 50 * GIB - 513, 2), [0, 2]);
    assert!(allocated(dir.path()) - before <= 256 << 10);
    assert_eq!(crate::reader(&pool, "b").extents(0..50 * GIB).unwrap().data_len(), (8 << 20) + 4096);
}

#[test]
fn usage_is_what_removing_would_free() {
    const LEN: u64 = 4 << 20;
    let dir = tempfile::tempdir().unwrap();
    let pool = overlay_pool(dir.path());
    pool.create(&id("a"), LEN).unwrap();
    assert_eq!(pool.usage(&id("a")).unwrap(), 0);
    write(&pool, "a", &vec![1; LEN as usize], 0);
    let full = pool.usage(&id("a")).unwrap();
    assert!(full >= LEN);
    pool.clone_volume(&id("a"), &id("b"), LEN, Writers::None).unwrap();
    assert_eq!(pool.usage(&id("a")).unwrap(), 0, "its clone keeps every block");
    assert!(pool.usage(&id("b")).unwrap() <= 64 << 10);
    write(&pool, "b", &[2; 65_536], 0);
    pool.remove(&id("a")).unwrap();
    let before = allocated(dir.path());
    let usage = pool.usage(&id("b")).unwrap();
    assert!(usage > LEN, "the layer is nobody else's now");
    pool.remove(&id("b")).unwrap();
    assert_eq!(before - allocated(dir.path()), usage);
}

#[test]
fn zeroing_gives_space_back() {
    let dir = tempfile::tempdir().unwrap();
    let pool = overlay_pool(dir.path());
    pool.create(&id("a"), 4 << 20).unwrap();
    pool.clone_volume(&id("a"), &id("b"), 4 << 20, Writers::None).unwrap();
    for volume in ["a", "b"] {
        write(&pool, volume, &vec![1; 4 << 20], 0);
        let full = allocated(dir.path());
        let file = crate::writer(&pool, volume);
        file.write_zeroes(0, 4 << 20).unwrap();
        file.close().unwrap();
        assert!(full - allocated(dir.path()) >= 4 << 20, "{volume}");
    }
}
