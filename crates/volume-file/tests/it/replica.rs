// SPDX-License-Identifier: Apache-2.0
//! Volumes kept twice.

use scurry_volume_file::{Access, Pool, VolumeDescriptor, VolumeError, VolumeFile, Writers, resync};

use crate::{id, overlay_pool, read, write};

const LEN: u64 = 400_000;

struct Pair {
    primary: Pool,
    replica: Pool,
    _dirs: [tempfile::TempDir; 2],
}

impl Pair {
    fn new() -> Self {
        let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let (primary, replica) = (overlay_pool(dirs[0].path()), overlay_pool(dirs[1].path()));
        primary.create(&id("a"), LEN).unwrap();
        replica.create(&id("a"), LEN).unwrap();
        Self { primary, replica, _dirs: dirs }
    }

    fn descriptor(&self) -> VolumeDescriptor {
        self.primary.descriptor(&id("a"), Some(&self.replica)).unwrap()
    }

    fn writer(&self) -> VolumeFile {
        VolumeFile::open(&self.descriptor(), Access::ReadWrite).unwrap()
    }
}

#[test]
fn every_write_goes_to_both_and_clones_come_from_either() {
    let pair = Pair::new();
    let file = pair.writer();
    assert!(file.plain_file().is_none() && !pair.descriptor().is_plain_file());
    assert!(matches!(VolumeFile::open(&pair.descriptor(), Access::ReadWrite), Err(VolumeError::Busy(_))));
    file.write_at(&[1; 100_000], 10).unwrap();
    file.write_zeroes(70_000, 1000).unwrap();
    file.close().unwrap();
    assert_eq!(read(&pair.primary, "a", 0, LEN as usize), read(&pair.replica, "a", 0, LEN as usize));
    pair.replica.clone_volume(&id("a"), &id("b"), LEN, Writers::None).unwrap();
    assert_eq!(read(&pair.replica, "b", 69_999, 2), [1, 0]);
    assert!(pair.replica.lagging_replicas().unwrap().is_empty());
}

#[test]
fn a_replica_whose_writer_died_is_known_and_brought_up() {
    let pair = Pair::new();
    let file = pair.writer();
    file.write_at(&[1; 200_000], 10).unwrap();
    file.flush().unwrap();
    drop(file);
    assert_eq!(pair.replica.lagging_replicas().unwrap(), [id("a")]);
    pair.replica.clone_volume(&id("a"), &id("b"), LEN, Writers::None).unwrap();
    // As if the writer had been killed between the two copies.
    write(&pair.replica, "a", &[9; 5], 150_000);
    write(&pair.primary, "a", &[8; 5], 390_000);
    let changed = resync(&pair.primary, &pair.replica, &id("a")).unwrap();
    assert!((1..=3 * 65_536).contains(&changed), "only what differs: {changed}");
    assert_eq!(read(&pair.primary, "a", 0, LEN as usize), read(&pair.replica, "a", 0, LEN as usize));
    assert_eq!(read(&pair.replica, "b", 390_000, 5), [0; 5], "a clone of the replica stays as it was");
    assert!(pair.replica.lagging_replicas().unwrap().is_empty());
}

#[test]
fn copies_of_different_length_are_refused() {
    let pair = Pair::new();
    pair.replica.resize(&id("a"), LEN + 1).unwrap();
    let refused = VolumeFile::open(&pair.descriptor(), Access::ReadWrite);
    assert!(matches!(refused, Err(VolumeError::ReplicaMismatch { .. })));
    assert_eq!(resync(&pair.primary, &pair.replica, &id("a")).unwrap(), 0);
    pair.writer().close().unwrap();
}

#[test]
fn a_descriptor_travels_as_json() {
    let pair = Pair::new();
    let descriptor = pair.descriptor();
    let json = serde_json::to_value(&descriptor).unwrap();
    assert_eq!(json["format"], "flat");
    assert_eq!(json["replica"]["len"], LEN);
    assert_eq!(serde_json::from_value::<VolumeDescriptor>(json).unwrap(), descriptor);
}
