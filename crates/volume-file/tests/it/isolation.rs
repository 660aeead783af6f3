// SPDX-License-Identifier: Apache-2.0
//! Clones and their sources do not see each other's writes, and outlive each other.

use std::sync::Arc;

use scurry_types::Extent;
use scurry_volume_file::{Access, CloneHow, Pool, VolumeError, VolumeFile, Writers};

use crate::{id, overlay_pool, read, reader, write, writer};

const LEN: u64 = 1 << 20;

fn clone(pool: &Pool, from: &str, to: &str) -> CloneHow {
    pool.clone_volume(&id(from), &id(to), LEN, Writers::None).unwrap().how
}

#[test]
fn clones_are_isolated_both_ways_and_survive_their_source() {
    let dir = tempfile::tempdir().unwrap();
    let pool = overlay_pool(dir.path());
    pool.create(&id("a"), LEN).unwrap();
    write(&pool, "a", &[1; 9000], 500);
    assert_eq!(clone(&pool, "a", "b"), CloneHow::Overlay);
    assert_eq!(clone(&pool, "b", "c"), CloneHow::Overlay);
    assert_eq!(reader(&pool, "c").depth(), 2, "a clone that was never written shares its parent directly");
    write(&pool, "a", &[2; 10], 500);
    write(&pool, "b", &[3; 10], 500);
    assert_eq!(read(&pool, "a", 500, 11), [[2; 10].as_slice(), &[1]].concat());
    assert_eq!(read(&pool, "b", 500, 11), [[3; 10].as_slice(), &[1]].concat());
    assert_eq!(read(&pool, "c", 499, 3), [0, 1, 1]);
    pool.remove(&id("a")).unwrap();
    pool.remove(&id("b")).unwrap();
    assert_eq!(read(&pool, "c", 9498, 4), [1, 1, 0, 0]);
    pool.remove(&id("c")).unwrap();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "only the lock file stays");
}

#[test]
fn the_path_of_a_cloned_volume_stays_readable_until_it_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let pool = overlay_pool(dir.path());
    pool.create(&id("a"), LEN).unwrap();
    write(&pool, "a", b"base", 0);
    let before = pool.descriptor(&id("a"), None).unwrap();
    let open_before = reader(&pool, "a");
    clone(&pool, "a", "b");
    let after = pool.descriptor(&id("a"), None).unwrap();
    assert_eq!(before, after);
    assert!(after.is_plain_file() && open_before.plain_file().is_some());
    assert!(matches!(VolumeFile::open(&after, Access::ReadWrite), Err(VolumeError::Frozen(_))));
    write(&pool, "a", b"new", 0);
    let mut bytes = [0; 4];
    open_before.read_at(&mut bytes, 0).unwrap();
    assert_eq!(&bytes, b"base");
}

#[test]
fn a_layer_whose_last_clone_goes_lets_its_volume_be_written_in_place() {
    let dir = tempfile::tempdir().unwrap();
    let pool = overlay_pool(dir.path());
    pool.create(&id("a"), LEN).unwrap();
    clone(&pool, "a", "b");
    pool.remove(&id("b")).unwrap();
    write(&pool, "a", b"x", 0);
    assert!(pool.descriptor(&id("a"), None).unwrap().is_plain_file());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[test]
fn one_writer_at_a_time_and_its_volume_is_copied_not_frozen() {
    let dir = tempfile::tempdir().unwrap();
    let pool = overlay_pool(dir.path());
    pool.create(&id("a"), LEN).unwrap();
    let open = writer(&pool, "a");
    open.write_at(&[5; 4096], 65_536).unwrap();
    let descriptor = pool.descriptor(&id("a"), None).unwrap();
    assert!(matches!(VolumeFile::open(&descriptor, Access::ReadWrite), Err(VolumeError::Busy(_))));
    assert!(matches!(pool.resize(&id("a"), 2 * LEN), Err(VolumeError::Busy(_))));
    let cloned = pool.clone_volume(&id("a"), &id("b"), LEN, Writers::None).unwrap();
    assert_eq!((cloned.how, cloned.bytes_copied), (CloneHow::Copy, 4096));
    open.write_at(&[6; 4096], 65_536).unwrap();
    open.close().unwrap();
    assert_eq!(read(&pool, "b", 65_536, 4096), [5; 4096]);
    assert_eq!(clone(&pool, "a", "c"), CloneHow::Overlay);
}

#[test]
fn one_pool_at_a_time_serves_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    let pool = overlay_pool(dir.path());
    assert!(matches!(Pool::open(dir.path()), Err(VolumeError::PoolInUse(_))));
    drop(pool);
    Pool::open(dir.path()).unwrap();
}

#[test]
fn what_cannot_be_done_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let pool = overlay_pool(dir.path());
    pool.create(&id("a"), LEN).unwrap();
    assert!(matches!(pool.create(&id("a"), LEN), Err(VolumeError::AlreadyExists(_))));
    assert!(matches!(pool.create(&id("../a"), LEN), Err(VolumeError::InvalidId(_))));
    assert!(matches!(pool.create(&id("big"), u64::MAX), Err(VolumeError::TooLong { .. })));
    assert!(matches!(pool.remove(&id("b")), Err(VolumeError::NotFound(_))));
    let short = pool.clone_volume(&id("a"), &id("b"), LEN - 1, Writers::None);
    assert!(matches!(short, Err(VolumeError::CloneTooShort { .. })));
    let file = reader(&pool, "a");
    assert!(matches!(file.read_at(&mut [0; 2], LEN - 1), Err(VolumeError::OutOfBounds { .. })));
    assert!(matches!(file.read_at(&mut [0; 2], u64::MAX), Err(VolumeError::OutOfBounds { .. })));
    assert!(matches!(file.write_at(&[0], 0), Err(VolumeError::ReadOnly(_))));
    assert!(pool.exists(&id("a")) && !pool.exists(&id("b")) && !pool.exists(&id("..")));
}

#[test]
fn links_and_damaged_overlays_are_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let pool = overlay_pool(dir.path());
    pool.create(&id("a"), LEN).unwrap();
    clone(&pool, "a", "b");
    let mut descriptor = pool.descriptor(&id("b"), None).unwrap();
    let mut header = std::fs::read(&descriptor.path).unwrap()[..512].to_vec();
    header[100] ^= 1;
    let damaged = dir.path().join("volume-c.overlay");
    std::fs::write(&damaged, header).unwrap();
    std::os::unix::fs::symlink(&descriptor.path, dir.path().join("volume-d.overlay")).unwrap();
    descriptor.path = damaged;
    assert!(matches!(VolumeFile::open(&descriptor, Access::ReadOnly), Err(VolumeError::Corrupt { .. })));
    descriptor.path.set_file_name("volume-d.overlay");
    assert!(matches!(VolumeFile::open(&descriptor, Access::ReadOnly), Err(VolumeError::Io { .. })));
    drop(pool);
    let pool = overlay_pool(dir.path());
    assert_eq!(read(&pool, "b", 0, 10), [0; 10], "a damaged neighbour costs nobody a layer");
    pool.remove(&id("c")).unwrap();
}

#[test]
fn threads_that_write_the_same_fresh_cluster_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let pool = overlay_pool(dir.path());
    pool.create(&id("a"), LEN).unwrap();
    write(&pool, "a", &vec![9; LEN as usize], 0);
    clone(&pool, "a", "b");
    let file = Arc::new(writer(&pool, "b"));
    let threads: Vec<_> = (0..8_u8)
        .map(|n| {
            let file = Arc::clone(&file);
            std::thread::spawn(move || {
                for at in (u64::from(n) * 512..LEN).step_by(8192) {
                    file.write_at(&[n; 512], at).unwrap();
                    if at % 3 == 0 {
                        file.flush().unwrap();
                    }
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    Arc::into_inner(file).unwrap().close().unwrap();
    for (index, block) in read(&pool, "b", 0, LEN as usize).chunks(512).enumerate() {
        let expected = if index % 16 < 8 { (index % 16) as u8 } else { 9 };
        assert!(block.iter().all(|byte| *byte == expected), "block {index}");
    }
}

#[test]
fn extents_are_those_of_all_layers() {
    let dir = tempfile::tempdir().unwrap();
    let pool = overlay_pool(dir.path());
    pool.create(&id("a"), LEN).unwrap();
    write(&pool, "a", &[1; 131_072], 0);
    clone(&pool, "a", "b");
    let file = writer(&pool, "b");
    file.write_zeroes(0, 65_536).unwrap();
    file.write_at(&[1; 65_536], 262_144).unwrap();
    file.write_zeroes(524_288, 262_144).unwrap();
    let expected = [
        Extent::zero(0, 65_536),
        Extent::data(65_536, 65_536),
        Extent::zero(131_072, 131_072),
        Extent::data(262_144, 65_536),
    ];
    let extents: Vec<_> = file.extents(0..LEN).unwrap().into_iter().take(4).collect();
    assert_eq!(extents, expected);
    assert_eq!(file.extents(65_536..131_072).unwrap().data_len(), 65_536);
    assert_eq!(file.extents(524_288..LEN).unwrap().data_len(), 0);
}
