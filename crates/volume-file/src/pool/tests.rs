// SPDX-License-Identifier: Apache-2.0
//! `kill -9` at every crash point: each volume is wholly old or wholly new and nothing is orphaned.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::*;
use crate::{Access, CloneMode, VolumeFile, crash};

const LEN: u64 = 200_000;
type Contents = BTreeMap<VolumeId, Vec<u8>>;

fn id(text: &str) -> VolumeId {
    VolumeId::from(text)
}

fn write(pool: &Pool, volume: &str, byte: u8, offset: u64) {
    pool.prepare_write(&id(volume)).unwrap();
    let file = VolumeFile::open(&pool.descriptor(&id(volume), None).unwrap(), Access::ReadWrite).unwrap();
    file.write_at(&[byte; 5000], offset).unwrap();
    file.close().unwrap();
}

fn clone(pool: &Pool, from: &str, to: &str) {
    pool.clone_volume(&id(from), &id(to), LEN, Writers::None).unwrap();
}

fn contents(pool: &Pool) -> Contents {
    let read = |id: &VolumeId| {
        let file = VolumeFile::open(&pool.descriptor(id, None).unwrap(), Access::ReadOnly).unwrap();
        let mut bytes = vec![0; file.len() as usize];
        file.read_at(&mut bytes, 0).unwrap();
        bytes
    };
    pool.list().unwrap().into_iter().map(|id| (id.clone(), read(&id))).collect()
}

/// Every file is a volume's only head or a layer that some overlay names.
fn assert_no_orphans(dir: &Path) {
    let names: BTreeSet<String> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let overlays = names.iter().filter(|name| name.ends_with(".overlay"));
    let named: BTreeSet<_> =
        overlays.filter_map(|name| Header::read_path(&dir.join(name)).unwrap().parent).collect();
    for name in &names {
        match PoolFile::classify(name) {
            PoolFile::Layer(layer) => {
                assert!(named.contains(&layer), "{name} is read by nobody in {names:?}");
            }
            PoolFile::Volume(id, LayerFormat::Overlay) => {
                assert!(!names.contains(&name::volume(&id, LayerFormat::Flat)), "two heads in {names:?}");
            }
            PoolFile::Volume(..) => {}
            _ => assert_eq!(name, "pool.lock"),
        }
    }
    for layer in named {
        assert!(names.contains(layer.as_str()), "{} is missing in {names:?}", layer.as_str());
    }
}

/// Runs `operation` on what `setup` made, stopped at each point in turn; answers the points.
fn crash_everywhere(setup: impl Fn(&Pool), operation: impl Fn(&Pool) -> Result<()>) -> Vec<&'static str> {
    for n in 0.. {
        let dir = tempfile::tempdir().unwrap();
        let open = || Pool::open_with(dir.path(), Some(CloneMode::Overlay)).unwrap();
        let pool = open();
        setup(&pool);
        let before = contents(&pool);
        crash::arm(Some(n));
        let ended = operation(&pool);
        let passed = crash::passed();
        let crashed = crash::happened();
        crash::arm(None);
        drop(pool);

        let pool = open();
        assert_no_orphans(dir.path());
        let found = contents(&pool);
        let (last, _) = passed.split_last().expect("an operation without a crash point");
        if crashed {
            operation(&pool)
                .or_else(|error| match error {
                    VolumeError::AlreadyExists(_) | VolumeError::NotFound(_) => Ok(()),
                    other => Err(other),
                })
                .unwrap_or_else(|error| panic!("repeated after a crash at {last}: {error:?}"));
        } else {
            ended.unwrap();
        }
        let after = contents(&pool);
        for volume in before.keys().chain(after.keys()) {
            let got = found.get(volume);
            assert!(
                got == before.get(volume) || got == after.get(volume),
                "{volume} after a crash at {last}"
            );
        }
        pool.list().unwrap().iter().for_each(|volume| pool.remove(volume).unwrap());
        let left: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["pool.lock"], "after a crash at {last}");
        if !crashed {
            return passed;
        }
    }
    unreachable!()
}

fn flat(pool: &Pool) {
    pool.create(&id("a"), LEN).unwrap();
    write(pool, "a", 1, 60_000);
}

/// `b` owns clusters over a layer that `a` stands on too.
fn overlays(pool: &Pool) {
    flat(pool);
    clone(pool, "a", "b");
    write(pool, "a", 2, 0);
    write(pool, "b", 3, 100_000);
}

#[test]
fn creating() {
    assert_eq!(crash_everywhere(flat, |pool| pool.create(&id("n"), LEN)).len(), 3);
}

#[test]
fn cloning_a_flat_a_frozen_and_an_overlay_volume() {
    let clone_of = |source: &'static str| {
        move |pool: &Pool| pool.clone_volume(&id(source), &id("n"), LEN + 9, Writers::None).map(drop)
    };
    assert_eq!(crash_everywhere(flat, clone_of("a")).len(), 3);
    assert_eq!(crash_everywhere(overlays, clone_of("b")).len(), 3);
    let frozen = |pool: &Pool| {
        flat(pool);
        clone(pool, "a", "b");
    };
    assert_eq!(crash_everywhere(frozen, clone_of("a")).len(), 2);
    assert_eq!(crash_everywhere(frozen, clone_of("b")).len(), 2);
}

#[test]
fn cloning_by_copy() {
    let copy = |pool: &Pool| pool.clone_volume(&id("b"), &id("n"), LEN, Writers::Present).map(drop);
    assert_eq!(crash_everywhere(overlays, copy).len(), 3);
}

#[test]
fn preparing_a_frozen_volume_for_writing() {
    for (setup, volume) in [(flat as fn(&Pool), "a"), (overlays, "b")] {
        let frozen = |pool: &Pool| {
            setup(pool);
            clone(pool, volume, "c");
        };
        assert_eq!(crash_everywhere(frozen, |pool| pool.prepare_write(&id(volume))).len(), 3);
    }
}

#[test]
fn removing_frees_the_chain_below() {
    let chain = |pool: &Pool| {
        overlays(pool);
        clone(pool, "b", "c");
        write(pool, "c", 4, 0);
        pool.remove(&id("b")).unwrap();
        pool.remove(&id("a")).unwrap();
    };
    let points = crash_everywhere(chain, |pool| pool.remove(&id("c")));
    assert_eq!(points.iter().filter(|point| **point == "layer removed").count(), 2);
}

#[test]
fn resizing() {
    for len in [LEN / 2, 70_000, 0, LEN + 100_000] {
        crash_everywhere(flat, |pool| pool.resize(&id("a"), len));
        crash_everywhere(overlays, |pool| pool.resize(&id("b"), len));
        crash_everywhere(
            |pool| {
                overlays(pool);
                clone(pool, "b", "c");
            },
            |pool| pool.resize(&id("b"), len),
        );
    }
}

#[test]
fn bytes_beyond_a_shrink_cut_short_do_not_come_back() {
    for n in 0..2 {
        let dir = tempfile::tempdir().unwrap();
        let pool = Pool::open_with(dir.path(), Some(CloneMode::Overlay)).unwrap();
        overlays(&pool);
        write(&pool, "b", 7, 190_000);
        crash::arm(Some(n));
        pool.resize(&id("b"), 102_000).unwrap_err();
        crash::arm(None);
        pool.resize(&id("b"), LEN).unwrap();
        let bytes = contents(&pool).remove(&id("b")).unwrap();
        assert!(bytes[100_000..102_000].iter().all(|byte| *byte == 3));
        assert!(scurry_types::is_zero(&bytes[102_000..]));
    }
}

#[test]
fn a_writer_that_is_killed_leaves_its_last_flush() {
    let dir = tempfile::tempdir().unwrap();
    let pool = Pool::open_with(dir.path(), Some(CloneMode::Overlay)).unwrap();
    overlays(&pool);
    let descriptor = pool.descriptor(&id("b"), None).unwrap();
    let file = VolumeFile::open(&descriptor, Access::ReadWrite).unwrap();
    file.write_at(&[8; 100], 0).unwrap();
    file.flush().unwrap();
    file.write_at(&[9; 60_000], 131_072 - 10).unwrap();
    file.abandon();

    let old = contents(&pool).remove(&id("b")).unwrap();
    assert_eq!(old[..100], [8; 100]);
    assert!(scurry_types::is_zero(&old[131_072..]), "clusters that were not flushed are not owned");
    // What the killed writer left in the file must not show through a partial write of the same cluster.
    write(&pool, "b", 5, 140_000);
    let new = contents(&pool).remove(&id("b")).unwrap();
    assert!(scurry_types::is_zero(&new[131_072..140_000]) && scurry_types::is_zero(&new[145_000..]));
    assert_eq!(new[140_000..145_000], [5; 5000]);
}
