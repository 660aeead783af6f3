// SPDX-License-Identifier: Apache-2.0
//! Random histories of several volumes, compared with vectors of bytes.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use scurry_types::ExtentKind;
use scurry_volume_file::{CloneMode, Pool, Writers};

use crate::{id, read, reader, writer};

const NAMES: [&str; 4] = ["a", "b", "c", "d"];
const MAX_LEN: u64 = 300_000;

#[derive(Debug, Clone)]
enum Step {
    Create(usize, u64),
    Write(usize, u64, u64, u8),
    Zero(usize, u64, u64),
    Clone(usize, usize, u64, bool),
    Remove(usize),
    Resize(usize, u64),
    Reopen,
}

/// Lengths and offsets near the edges of clusters as well as anywhere.
fn position() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..MAX_LEN,
        (0_u64..5, 0_u64..3).prop_map(|(cluster, off)| (cluster * 65_536 + off).saturating_sub(1))
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let volume = || 0..NAMES.len();
    prop_oneof![
        2 => (volume(), position()).prop_map(|(v, len)| Step::Create(v, len)),
        6 => (volume(), position(), position(), 1..255_u8).prop_map(|(v, at, len, byte)| Step::Write(v, at, len, byte)),
        3 => (volume(), position(), position()).prop_map(|(v, at, len)| Step::Zero(v, at, len)),
        4 => (volume(), volume(), 0..100_000_u64, prop::bool::weighted(0.1))
            .prop_map(|(from, to, more, busy)| Step::Clone(from, to, more, busy)),
        1 => volume().prop_map(Step::Remove),
        2 => (volume(), position()).prop_map(|(v, len)| Step::Resize(v, len)),
        1 => Just(Step::Reopen),
    ]
}

fn clip(at: u64, len: u64, volume_len: usize) -> (usize, usize) {
    let at = (at as usize).min(volume_len);
    (at, (len as usize).min(volume_len - at))
}

fn run(dir: &Path, mode: CloneMode, steps: &[Step]) -> Result<(), TestCaseError> {
    let open = || Pool::open_with(dir, Some(mode)).unwrap();
    let mut pool = open();
    let mut model: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    for step in steps {
        match *step {
            Step::Create(v, len) => {
                let made = pool.create(&id(NAMES[v]), len).is_ok();
                prop_assert_eq!(made, !model.contains_key(NAMES[v]));
                model.entry(NAMES[v]).or_insert_with(|| vec![0; len as usize]);
            }
            Step::Write(v, at, len, byte) => {
                let Some(bytes) = model.get_mut(NAMES[v]) else { continue };
                let (at, len) = clip(at, len, bytes.len());
                bytes[at..at + len].fill(byte);
                let file = writer(&pool, NAMES[v]);
                file.write_at(&vec![byte; len], at as u64).unwrap();
                file.close().unwrap();
            }
            Step::Zero(v, at, len) => {
                let Some(bytes) = model.get_mut(NAMES[v]) else { continue };
                let (at, len) = clip(at, len, bytes.len());
                bytes[at..at + len].fill(0);
                let file = writer(&pool, NAMES[v]);
                file.write_zeroes(at as u64, len as u64).unwrap();
                drop(file);
            }
            Step::Clone(from, to, more, busy) => {
                let Some(mut bytes) = model.get(NAMES[from]).cloned() else { continue };
                bytes.resize(bytes.len() + more as usize, 0);
                let writers = if busy { Writers::Present } else { Writers::None };
                let made =
                    pool.clone_volume(&id(NAMES[from]), &id(NAMES[to]), bytes.len() as u64, writers).is_ok();
                prop_assert_eq!(made, !model.contains_key(NAMES[to]));
                model.entry(NAMES[to]).or_insert(bytes);
            }
            Step::Remove(v) => {
                prop_assert_eq!(pool.remove(&id(NAMES[v])).is_ok(), model.remove(NAMES[v]).is_some());
            }
            Step::Resize(v, len) => {
                let Some(bytes) = model.get_mut(NAMES[v]) else { continue };
                bytes.resize(len as usize, 0);
                pool.resize(&id(NAMES[v]), len).unwrap();
            }
            Step::Reopen => {
                drop(pool);
                pool = open();
            }
        }
        for (name, bytes) in &model {
            check(&pool, name, bytes)?;
        }
    }
    let names: Vec<_> = model.keys().map(|name| id(name)).collect();
    prop_assert_eq!(pool.list().unwrap(), names.clone());
    names.iter().for_each(|name| pool.remove(name).unwrap());
    prop_assert_eq!(std::fs::read_dir(dir).unwrap().count(), 1, "only the lock file stays");
    Ok(())
}

fn check(pool: &Pool, name: &str, bytes: &[u8]) -> Result<(), TestCaseError> {
    let file = reader(pool, name);
    prop_assert_eq!(file.len(), bytes.len() as u64);
    prop_assert!(read(pool, name, 0, bytes.len()) == bytes, "content of {}", name);
    let extents = file.extents(0..file.len()).unwrap();
    prop_assert_eq!(extents.len(), file.len());
    for extent in extents.iter().filter(|extent| extent.kind == ExtentKind::Zero) {
        prop_assert!(bytes[extent.offset as usize..extent.end() as usize].iter().all(|byte| *byte == 0));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn volumes_hold_what_was_written_to_them(steps in prop::collection::vec(step(), 1..30)) {
        let dir = tempfile::tempdir().unwrap();
        run(dir.path(), CloneMode::Overlay, &steps)?;
    }

    #[test]
    fn so_they_do_with_reflinks(steps in prop::collection::vec(step(), 1..30)) {
        if let Some(dir) = crate::reflink::reflink_dir() {
            run(dir.path(), CloneMode::Reflink, &steps)?;
        }
    }
}
