// SPDX-License-Identifier: Apache-2.0
//! Disks of tgtd: every byte against a model, space, size, write protection, and other people's tools.

use std::{
    fs,
    os::unix::fs::{FileExt, MetadataExt},
    process::{Command, Output},
    sync::Arc,
};

use bytes::Bytes;
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};
use scurry_iscsi::{Disk, DiskError, Execute, Lun, Paths, Session};

use crate::{
    disk::noise,
    tgt::{self, LUN, NAME, Tgt},
};

const MIB: u64 = 1 << 20;

async fn open(tgt: &Tgt) -> Disk {
    let paths = Paths::open(vec![tgt::path_to(tgt.port)], tgt::paths_options()).await.unwrap();
    Disk::open(Arc::new(paths), LUN).await.unwrap()
}

/// Bytes that the file behind the LUN occupies.
fn allocated(tgt: &Tgt) -> u64 {
    fs::metadata(tgt.file()).unwrap().blocks() * 512
}

#[tokio::test]
async fn what_tgtd_says_of_itself_is_understood() {
    let tgt = Tgt::start(16 * MIB).await;
    let disk = open(&tgt).await;
    assert_eq!((disk.len(), disk.block_len()), (16 * MIB, 512));
    assert!(disk.fresh_is_zero() && disk.deallocates() && !disk.is_write_protected());
    assert_eq!(disk.inquiry().vendor, "IET");
    assert!(disk.identity().is_some());
    let session: Arc<dyn Execute> = Arc::new(Session::login(&tgt.target(), &tgt::options()).await.unwrap());
    // LUN 0 is tgtd's controller.
    assert_eq!(Disk::list(Arc::clone(&session)).await.unwrap(), [Lun::default(), LUN]);
    let controller = Disk::open(Arc::clone(&session), Lun::default()).await;
    assert!(matches!(controller, Err(DiskError::NoDisk { device_type: 0x0c, .. })), "{controller:?}");
    let nobody = Disk::open(session, Lun::from_bytes([0, 9, 0, 0, 0, 0, 0, 0])).await;
    assert!(matches!(nobody, Err(DiskError::NoUnit(_))), "{nobody:?}");
}

#[derive(Clone, Debug)]
enum Step {
    Write(u64, usize),
    Zero(u64, u64),
    Read(u64, usize),
    Extents(u64, u64),
}

fn steps(len: u64) -> impl Strategy<Value = Vec<Step>> {
    // Short and long, most of them not made of blocks.
    let range =
        (0..len, prop_oneof![0..2000_u64, 0..len]).prop_map(move |(at, wished)| (at, wished.min(len - at)));
    let step = prop_oneof![
        range.clone().prop_map(|(at, len)| Step::Write(at, len as usize)),
        range.clone().prop_map(|(at, len)| Step::Zero(at, len)),
        range.clone().prop_map(|(at, len)| Step::Read(at, len as usize)),
        range.prop_map(|(at, len)| Step::Extents(at, len)),
    ];
    proptest::collection::vec(step, 200)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_bytes_are_what_they_should_be() {
    const LEN: u64 = 6 * MIB;
    let steps = steps(LEN).new_tree(&mut TestRunner::new(Config::default())).unwrap().current();
    for block_size in ["512", "4096"] {
        let tgt = Tgt::start_of_blocks(LEN, block_size).await;
        let disk = open(&tgt).await;
        assert_eq!(disk.block_len().to_string(), block_size);
        let source = noise(LEN as usize);
        let mut model = vec![0; LEN as usize];
        for (number, step) in steps.iter().enumerate() {
            match *step {
                Step::Write(at, len) => {
                    let from = (number * 977) % (LEN as usize - len + 1);
                    let data = source.slice(from..from + len);
                    model[at as usize..][..len].copy_from_slice(&data);
                    disk.write(at, data).await.unwrap();
                }
                Step::Zero(at, len) => {
                    model[at as usize..][..len as usize].fill(0);
                    disk.write_zeroes(at, len).await.unwrap();
                }
                Step::Read(at, len) => {
                    let read = disk.read(at, len).await.unwrap();
                    assert!(read == model[at as usize..][..len], "step {number} of {steps:?}");
                }
                Step::Extents(at, len) => {
                    let mut next = at;
                    for extent in disk.extents(at..at + len).await.unwrap() {
                        assert_eq!(extent.offset, next);
                        next += extent.len;
                        let bytes = &model[extent.offset as usize..next as usize];
                        assert!(
                            extent.data || bytes.iter().all(|byte| *byte == 0),
                            "step {number} of {steps:?}"
                        );
                    }
                    assert_eq!(next, at + len);
                }
            }
        }
        disk.flush().await.unwrap();
        assert!(fs::read(tgt.file()).unwrap() == model, "the file is not the model after {steps:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sparse_stays_sparse() {
    let tgt = Tgt::start(512 * MIB).await;
    let disk = open(&tgt).await;
    let data = noise(8 * MIB as usize);
    for at in [0, 200 * MIB, 504 * MIB] {
        disk.write(at, data.clone()).await.unwrap();
    }
    assert!(allocated(&tgt) <= 24 * MIB * 105 / 100, "{}", allocated(&tgt));
    let data_len = |extents: Vec<scurry_iscsi::DiskExtent>| -> u64 {
        extents.iter().filter(|extent| extent.data).map(|extent| extent.len).sum()
    };
    assert_eq!(data_len(disk.extents(0..512 * MIB).await.unwrap()), 24 * MIB);
    disk.write_zeroes(100 * MIB + 1, 400 * MIB).await.unwrap();
    assert!(allocated(&tgt) <= 16 * MIB * 105 / 100, "{}", allocated(&tgt));
    assert_eq!(data_len(disk.extents(0..512 * MIB).await.unwrap()), 16 * MIB);
    assert!(disk.read(200 * MIB, 8 * MIB as usize).await.unwrap().iter().all(|byte| *byte == 0));
    assert!(disk.read(504 * MIB, data.len()).await.unwrap() == data);
}

#[tokio::test]
async fn a_write_protected_lun_is_seen_to_be_one() {
    let tgt =
        Tgt::start_with(MIB, &["--mode logicalunit --op update --tid 1 --lun 1 --params readonly=1"]).await;
    let disk = open(&tgt).await;
    assert!(disk.is_write_protected());
    assert_eq!(disk.read(0, 100).await.unwrap(), vec![0; 100]);
    let refused = disk.write(0, Bytes::from_static(b"x")).await.unwrap_err();
    assert_eq!(refused.to_string(), "LUN 1 is write-protected");
}

#[tokio::test]
async fn a_lun_grows_while_it_is_open() {
    let tgt = Tgt::start(2 * MIB).await;
    let disk = open(&tgt).await;
    disk.write(0, Bytes::from_static(b"before")).await.unwrap();
    let beyond = disk.write(2 * MIB, Bytes::from_static(b"x")).await.unwrap_err();
    assert!(matches!(beyond, DiskError::OutOfBounds { disk_len, .. } if disk_len == 2 * MIB), "{beyond}");
    // tgtd looks at the size of a file when a LUN is made of it.
    fs::OpenOptions::new().write(true).open(tgt.file()).unwrap().set_len(8 * MIB).unwrap();
    assert!(
        tgt.adm(&["--mode", "logicalunit", "--op", "delete", "--tid", "1", "--lun", "1"]).status.success()
    );
    tgt.make_lun();
    disk.write(8 * MIB - 7, Bytes::from_static(b"the end")).await.unwrap();
    assert_eq!(disk.len(), 8 * MIB);
    assert_eq!(disk.read(0, 6).await.unwrap(), "before");
    let mut end = [0; 7];
    fs::File::open(tgt.file()).unwrap().read_exact_at(&mut end, 8 * MIB - 7).unwrap();
    assert_eq!(&end, b"the end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_dies_and_comes_back_loses_nothing() {
    let mut tgt = Tgt::start(64 * MIB).await;
    let disk = Arc::new(open(&tgt).await);
    let data = noise(64 * MIB as usize);
    let writer = {
        let (disk, data) = (Arc::clone(&disk), data.clone());
        tokio::spawn(async move {
            for at in (0..64 * MIB).step_by(4 << 20) {
                disk.write(at, data.slice(at as usize..(at + (4 << 20)) as usize)).await.unwrap();
            }
            disk.flush().await.unwrap();
        })
    };
    while allocated(&tgt) == 0 {
        tokio::task::yield_now().await;
    }
    tgt.kill();
    tgt.restart().await;
    writer.await.unwrap();
    assert!(fs::read(tgt.file()).unwrap() == data, "the file is not what was written");
    let reader = tokio::spawn(async move { disk.read(0, 64 * MIB as usize).await.unwrap() });
    tgt.kill();
    tgt.restart().await;
    assert!(reader.await.unwrap() == data, "read is not what was written");
}

/// Runs a tool of others; `None` where it is not installed or knows no iSCSI.
fn tool(name: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(name).args(arguments).output() {
        Ok(output) if knows_no_iscsi(&String::from_utf8_lossy(&output.stderr)) => None,
        Ok(output) => Some(output),
        Err(_) => None,
    }
}

/// What qemu-img says without Debian's qemu-block-extra.
fn knows_no_iscsi(said: &str) -> bool {
    said.contains("Unknown protocol 'iscsi'") || said.contains("Unable to load module iscsi")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_initiators_see_what_we_see() {
    let tgt = Tgt::start(32 * MIB).await;
    let disk = open(&tgt).await;
    let data = noise(5 * MIB as usize + 77);
    disk.write(3 * MIB + 1, data.clone()).await.unwrap();
    disk.flush().await.unwrap();
    let url = format!("iscsi://127.0.0.1:{}/{NAME}/1", tgt.port);
    let Some(capacity) = tool("iscsi-readcapacity16", &[&url]) else {
        eprintln!("skipped: libiscsi-bin is not installed");
        return;
    };
    let said = String::from_utf8_lossy(&capacity.stdout).into_owned();
    assert!(said.contains(&format!("Total size:{}", disk.len())), "{said}");
    let program = std::env::var("SCURRY_TEST_QEMU_IMG").unwrap_or_else(|_| "qemu-img".to_owned());
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("copy").display().to_string();
    let Some(out) = tool(&program, &["convert", "-O", "raw", &url, &file]) else {
        eprintln!("skipped: {program} has no iSCSI driver");
        return;
    };
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let copy = fs::read(&file).unwrap();
    assert_eq!(copy.len() as u64, 32 * MIB);
    assert!(
        copy[3 * MIB as usize + 1..][..data.len()] == data
            && copy[..3 * MIB as usize].iter().all(|b| *b == 0)
    );
    // And the other way round: what qemu-img writes, we read.
    let other = noise(32 * MIB as usize);
    fs::write(&file, &other).unwrap();
    let back = tool(&program, &["convert", "-n", "-f", "raw", "-O", "raw", &file, &url]).unwrap();
    assert!(back.status.success(), "{}", String::from_utf8_lossy(&back.stderr));
    assert!(disk.read(0, 32 * MIB as usize).await.unwrap() == other, "read is not what qemu-img wrote");
}
