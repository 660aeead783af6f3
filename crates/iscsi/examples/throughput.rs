// SPDX-License-Identifier: Apache-2.0
//! Sequential reads or writes of a LUN: `throughput PORTAL TARGET r|w MIB KIB-A-COMMAND DEPTH`.
//! `MAX_RECEIVE` in the environment is the longest data segment we take.
#![allow(clippy::print_stdout, reason = "a program for the command line")]

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use bytes::{Bytes, BytesMut};
use scurry_iscsi::{Addressing, Command, IscsiError, LoginOptions, Lun, Session, Target, Transfer};

const BLOCK: u64 = 512;

fn command(opcode: u8, lun: Lun, offset: u64, length: u64, transfer: Transfer) -> Command {
    let mut cdb = [0; 16];
    cdb[0] = opcode;
    cdb[2..10].copy_from_slice(&(offset / BLOCK).to_be_bytes());
    cdb[10..14].copy_from_slice(&((length / BLOCK) as u32).to_be_bytes());
    Command { lun, cdb, transfer, idempotent: true }
}

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [portal, name, way, mib, kib, depth] = &words[..] else {
        return Err("throughput PORTAL TARGET r|w MIB KIB-A-COMMAND DEPTH".into());
    };
    let target = Target { portal: portal.parse()?, name: name.clone() };
    let mut options = LoginOptions::new("iqn.2026-01.test:throughput");
    if let Ok(bytes) = std::env::var("MAX_RECEIVE") {
        options.max_receive = bytes.parse()?;
    }
    let session = Session::login(&target, &options).await?;
    let session = Arc::new(session);
    let lun = Lun::from_number(1, Addressing::Transparent)?;
    let (total, piece) = (mib.parse::<u64>()? << 20, kib.parse::<u64>()? << 10);
    // Takes the unit attention that a session begins with.
    session.execute(command(0, lun, 0, 0, Transfer::None)).await?;

    let next = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let workers: Vec<_> = (0..depth.parse()?)
        .map(|seed: u8| {
            let (session, next, write) = (Arc::clone(&session), Arc::clone(&next), way == "w");
            tokio::spawn(async move {
                let data: Bytes =
                    (0..piece).map(|at| (at as u8).wrapping_mul(7) ^ seed).collect::<Vec<_>>().into();
                let mut buffer = BytesMut::with_capacity(piece as usize);
                loop {
                    let offset = next.fetch_add(piece, Ordering::Relaxed);
                    if offset >= total {
                        return Ok::<_, IscsiError>(());
                    }
                    let done = if write {
                        let transfer = Transfer::Write(vec![data.clone()]);
                        session.execute(command(0x8a, lun, offset, piece, transfer)).await?
                    } else {
                        let transfer = Transfer::ReadInto(std::mem::take(&mut buffer), piece as u32);
                        session.execute(command(0x88, lun, offset, piece, transfer)).await?
                    };
                    if done.status != 0 {
                        return Err(IscsiError::Invalid(format!("status {:#04x}", done.status)));
                    }
                    buffer = done.read.try_into_mut().unwrap_or_default();
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await??;
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("{way} {kib} KiB x{depth}: {:.0} MiB/s", (total >> 20) as f64 / seconds);
    session.logout().await?;
    Ok(())
}
