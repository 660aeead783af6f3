// SPDX-License-Identifier: Apache-2.0
//! Pools on file systems that share blocks between files.

use scurry_volume_file::{CloneHow, CloneMode, Pool, Writers};
use tempfile::TempDir;

use crate::{id, read, write};

/// A fresh directory on a reflink file system, when `SCURRY_TEST_XFS_DIR` names one.
pub(crate) fn reflink_dir() -> Option<TempDir> {
    let Some(dir) = std::env::var_os("SCURRY_TEST_XFS_DIR") else {
        eprintln!("skipped: SCURRY_TEST_XFS_DIR names no directory on XFS or btrfs");
        return None;
    };
    Some(tempfile::tempdir_in(dir).unwrap())
}

#[test]
fn clones_share_blocks_and_stay_plain_files() {
    const LEN: u64 = 64 << 20;
    let Some(dir) = reflink_dir() else { return };
    let pool = Pool::open(dir.path()).unwrap();
    assert_eq!(pool.mode(), CloneMode::Reflink);
    pool.create(&id("a"), LEN).unwrap();
    write(&pool, "a", &vec![7; LEN as usize], 0);
    let free = pool.free_bytes().unwrap();
    let cloned = pool.clone_volume(&id("a"), &id("b"), 2 * LEN, Writers::Present).unwrap();
    assert_eq!((cloned.how, cloned.bytes_copied), (CloneHow::Reflink, 0));
    let taken = free.saturating_sub(pool.free_bytes().unwrap());
    assert!(taken < LEN / 2, "the clone took {taken} bytes");
    write(&pool, "b", &[8; 10], 0);
    assert_eq!(read(&pool, "a", 0, 10), [7; 10]);
    pool.remove(&id("a")).unwrap();
    assert_eq!(read(&pool, "b", LEN - 1, 2), [7, 0]);
    assert!(pool.descriptor(&id("b"), None).unwrap().is_plain_file());
}

#[test]
fn a_file_system_without_reflinks_is_noticed() {
    // tmpfs shares no blocks, on every kernel.
    let Ok(dir) = tempfile::tempdir_in("/dev/shm") else {
        eprintln!("skipped: no /dev/shm");
        return;
    };
    assert_eq!(Pool::open(dir.path()).unwrap().mode(), CloneMode::Overlay);
}
