// SPDX-License-Identifier: Apache-2.0
//! Data in and out, under all the terms a target may have.

use std::{fs, sync::Arc};

use bytes::BytesMut;
use scurry_iscsi::{Digest, Execute, LoginOptions, Session, Transfer};

use crate::{
    disk::{self, command, good, noise, read_all, write_all},
    tgt::{self, Tgt},
};

const MIB: usize = 1 << 20;

async fn there_and_back(tgt: &Tgt, options: &LoginOptions, length: usize, piece: usize) {
    let disk: Arc<dyn Execute> = Arc::new(Session::login(&tgt.target(), options).await.unwrap());
    let data = noise(length);
    write_all(Arc::clone(&disk), &data, piece, 32).await.unwrap();
    assert!(fs::read(tgt.file()).unwrap()[..length] == data, "the file is not what was written");
    assert!(read_all(disk, length, piece, 32).await.unwrap() == data, "read is not what was written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_in_flight() {
    let tgt = Tgt::start(64 * MIB as u64).await;
    there_and_back(&tgt, &tgt::options(), 64 * MIB, MIB).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_digests() {
    let digests = ["Header", "Data"]
        .map(|which| format!("--mode target --op update --tid 1 -n {which}Digest -v CRC32C"));
    let tgt = Tgt::start_with(16 * MIB as u64, &[&digests[0], &digests[1]]).await;
    let options =
        LoginOptions { header_digest: Digest::Required, data_digest: Digest::Required, ..tgt::options() };
    there_and_back(&tgt, &options, 16 * MIB, 384 << 10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_other_terms() {
    let update = |name: &str, value: &str| format!("--mode target --op update --tid 1 -n {name} -v {value}");
    let terms: [&[(&str, &str)]; 4] = [
        &[("InitialR2T", "Yes"), ("ImmediateData", "No")],
        &[("InitialR2T", "Yes"), ("ImmediateData", "Yes")],
        &[("InitialR2T", "No"), ("ImmediateData", "No"), ("FirstBurstLength", "131072")],
        &[("MaxBurstLength", "16776192"), ("MaxRecvDataSegmentLength", "262144"), ("MaxOutstandingR2T", "8")],
    ];
    for set in terms {
        let calls: Vec<_> = set.iter().map(|(name, value)| update(name, value)).collect();
        let calls: Vec<_> = calls.iter().map(String::as_str).collect();
        let tgt = Tgt::start_with(8 * MIB as u64, &calls).await;
        there_and_back(&tgt, &tgt::options(), 8 * MIB, 2 * MIB).await;
        let small = LoginOptions { max_receive: 512, max_burst: 1024, first_burst: 512, ..tgt::options() };
        there_and_back(&tgt, &small, MIB / 2, 64 << 10).await;
    }
}

#[tokio::test]
async fn residuals_and_sense_come_through() {
    let tgt = Tgt::start(MIB as u64).await;
    let session = Session::login(&tgt.target(), &tgt::options()).await.unwrap();
    disk::read(&session, 0, 512).await.unwrap();
    // Two blocks, announced as four: the rest is told.
    let short = good(&session, command(0x88, 0, 1024, Transfer::Read(2048))).await.unwrap();
    assert_eq!((short.read.len(), short.residual), (1024, 1024));
    // Beyond the end: ILLEGAL REQUEST, LBA out of range.
    let beyond = session.execute(command(0x88, 1 << 40, 512, Transfer::Read(512))).await.unwrap();
    assert_eq!((beyond.status, beyond.sense[2] & 0xf, beyond.sense[12]), (2, 5, 0x21));
    // SYNCHRONIZE CACHE carries no data.
    let sync = good(&session, command(0x91, 0, 0, Transfer::None)).await.unwrap();
    assert_eq!((sync.read.len(), sync.residual), (0, 0));
}

#[tokio::test]
async fn a_buffer_is_used_again() {
    let tgt = Tgt::start(MIB as u64).await;
    let session = Session::login(&tgt.target(), &tgt::options()).await.unwrap();
    disk::write(&session, 0, noise(65_536)).await.unwrap();
    let mut buffer = BytesMut::with_capacity(65_536);
    let place = buffer.as_ptr();
    for _ in 0..3 {
        let done =
            session.execute(command(0x88, 0, 65_536, Transfer::ReadInto(buffer, 65_536))).await.unwrap();
        assert!(done.read == noise(65_536));
        buffer = done.read;
        assert_eq!(buffer.as_ptr(), place);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_command_leaves_the_session_working() {
    let tgt = Tgt::start(64 * MIB as u64).await;
    let session =
        Session::login(&tgt.target(), &LoginOptions { max_commands: 4, ..tgt::options() }).await.unwrap();
    disk::read(&session, 0, 512).await.unwrap();
    for round in 0..32 {
        let read = disk::read(&session, 0, 8 * MIB as u64);
        let _ = tokio::time::timeout(std::time::Duration::from_micros(round * 100), read).await;
    }
    let data = noise(MIB);
    disk::write(&session, 0, data.clone()).await.unwrap();
    assert!(disk::read(&session, 0, MIB as u64).await.unwrap() == data);
}

#[tokio::test]
async fn a_lun_is_reset() {
    let tgt = Tgt::start(MIB as u64).await;
    let session = Session::login(&tgt.target(), &tgt::options()).await.unwrap();
    session.reset_lun(tgt::LUN).await.unwrap();
    disk::read(&session, 0, 512).await.unwrap();
}
