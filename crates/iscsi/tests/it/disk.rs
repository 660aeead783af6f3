// SPDX-License-Identifier: Apache-2.0
//! Just enough of SBC to read and write blocks in tests.

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use scurry_iscsi::{Command, Completion, Execute, IscsiError, Transfer};

use crate::tgt::LUN;

pub(crate) const BLOCK: u64 = 512;
const CHECK_CONDITION: u8 = 2;
const UNIT_ATTENTION: u8 = 6;

pub(crate) fn command(opcode: u8, offset: u64, length: u64, transfer: Transfer) -> Command {
    let mut cdb = [0; 16];
    cdb[0] = opcode;
    cdb[2..10].copy_from_slice(&(offset / BLOCK).to_be_bytes());
    cdb[10..14].copy_from_slice(&((length / BLOCK) as u32).to_be_bytes());
    Command { lun: LUN, cdb, transfer, idempotent: true }
}

/// Sends a command again after a unit attention, which every new session begins with.
pub(crate) async fn good(disk: &dyn Execute, command: Command) -> Result<Completion, IscsiError> {
    for _ in 0..5 {
        let done = disk.execute(command.clone()).await?;
        match (done.status, done.sense.get(2).map(|key| key & 0xf)) {
            (0, _) => return Ok(done),
            (CHECK_CONDITION, Some(UNIT_ATTENTION)) => {}
            other => panic!("{other:x?} {:x?}", done.sense),
        }
    }
    panic!("unit attentions without an end")
}

pub(crate) async fn read(disk: &dyn Execute, offset: u64, length: u64) -> Result<Bytes, IscsiError> {
    let read = command(0x88, offset, length, Transfer::Read(length as u32));
    good(disk, read).await.map(|done| done.read.freeze())
}

pub(crate) async fn write(disk: &dyn Execute, offset: u64, data: Bytes) -> Result<(), IscsiError> {
    let length = data.len() as u64;
    // In two uneven segments, as buffers come.
    let cut = (data.len() / 3) | 1;
    let segments = vec![data.slice(..cut.min(data.len())), data.slice(cut.min(data.len())..)];
    good(disk, command(0x8a, offset, length, Transfer::Write(segments))).await.map(drop)
}

/// Bytes that do not repeat.
pub(crate) fn noise(length: usize) -> Bytes {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let words = (0..length.div_ceil(8)).flat_map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.take(length).collect::<Vec<_>>().into()
}

/// Writes everything in pieces, so many at once.
pub(crate) async fn write_all(
    disk: Arc<dyn Execute>,
    data: &Bytes,
    piece: usize,
    depth: usize,
) -> Result<(), IscsiError> {
    stream::iter((0..data.len()).step_by(piece))
        .map(|start| {
            let part = data.slice(start..data.len().min(start + piece));
            let disk = Arc::clone(&disk);
            async move { write(&*disk, start as u64, part).await }
        })
        .buffer_unordered(depth)
        .try_collect()
        .await
}

/// Reads everything in pieces, so many at once.
pub(crate) async fn read_all(
    disk: Arc<dyn Execute>,
    length: usize,
    piece: usize,
    depth: usize,
) -> Result<Vec<u8>, IscsiError> {
    let pieces: Vec<Bytes> = stream::iter((0..length).step_by(piece))
        .map(|start| {
            let disk = Arc::clone(&disk);
            async move { read(&*disk, start as u64, piece.min(length - start) as u64).await }
        })
        .buffered(depth)
        .try_collect()
        .await?;
    Ok(pieces.concat())
}
