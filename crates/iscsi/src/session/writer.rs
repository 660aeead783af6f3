// SPDX-License-Identifier: Apache-2.0
//! The writing task: PDUs leave in the order of their jobs, many in one system call, without copies of data.

use std::{
    collections::VecDeque,
    io::IoSlice,
    sync::{Arc, atomic::Ordering},
};

use bytes::{Bytes, BytesMut};
use tokio::{io::AsyncWriteExt, net::tcp::OwnedWriteHalf, sync::mpsc};

use super::{shared::Shared, tasks::WriteData};
use crate::{
    Fault, Lun,
    pdu::{
        self, BHS, Header,
        request::{self, DataOut},
    },
};

/// Pieces of one system call; Linux takes 1024.
const MAX_PIECES: usize = 512;
/// Bytes gathered before they are written.
const MAX_BATCH: usize = 2 << 20;
/// Bytes of headers kept in one allocation.
const HEADERS: usize = 32 << 10;

/// Something to send.
#[derive(Debug)]
pub(super) enum Job {
    /// A command, with data in its own PDU.
    Command { header: Header, data: Option<Burst> },
    /// Data for a write, cut into PDUs when it leaves.
    DataOut(Burst),
    /// The answer to the target's ping.
    Echo { header: Header, data: Bytes },
    /// Any other PDU with a little data or none.
    Pdu { header: Header, data: Bytes },
}

/// A part of a write's data.
#[derive(Clone, Debug)]
pub(super) struct Burst {
    pub(super) lun: Lun,
    pub(super) tag: u32,
    pub(super) transfer_tag: u32,
    pub(super) data: Arc<WriteData>,
    pub(super) offset: u32,
    pub(super) length: u32,
}

/// Sends until the session ends.
pub(super) async fn write(
    shared: Arc<Shared>,
    stream: OwnedWriteHalf,
    mut jobs: mpsc::UnboundedReceiver<Job>,
) {
    let mut writer = Writer { shared: Arc::clone(&shared), stream, queue: Queue::default() };
    let ended = tokio::select! {
        fault = shared.lost.wait() => {
            drop(fault);
            // What was queued before the end (a logout's acknowledgement) is not worth waiting for.
            let _ = writer.stream.shutdown().await;
            return;
        }
        ended = writer.run(&mut jobs) => ended,
    };
    if let Err(fault) = ended {
        shared.end(fault);
    }
}

struct Writer {
    shared: Arc<Shared>,
    stream: OwnedWriteHalf,
    queue: Queue,
}

impl Writer {
    async fn run(&mut self, jobs: &mut mpsc::UnboundedReceiver<Job>) -> Result<(), Fault> {
        while let Some(job) = jobs.recv().await {
            self.take(job).await?;
            while let Ok(job) = jobs.try_recv() {
                self.take(job).await?;
            }
            self.flush().await?;
        }
        Ok(())
    }

    /// Queues a job; writes when enough is queued.
    async fn take(&mut self, job: Job) -> Result<(), Fault> {
        match job {
            Job::Pdu { header, data } => self.push(header, &[data]),
            Job::Echo { header, data } => {
                self.push(header, &[data]);
                self.shared.echoes.fetch_sub(1, Ordering::Relaxed);
            }
            Job::Command { header, data } => {
                let pieces = data.map_or_else(Vec::new, |burst| {
                    Cursor::at(&burst.data.segments, burst.offset).take(burst.length)
                });
                self.push(header, &pieces);
            }
            Job::DataOut(burst) => self.take_burst(&burst).await?,
        }
        self.flush_if_full().await
    }

    async fn take_burst(&mut self, burst: &Burst) -> Result<(), Fault> {
        let mut cursor = Cursor::at(&burst.data.segments, burst.offset);
        let (mut sent, mut data_sn) = (0, 0);
        while sent < burst.length {
            let length = (burst.length - sent).min(self.shared.terms.max_segment);
            let header = DataOut {
                lun: burst.lun,
                tag: burst.tag,
                transfer_tag: burst.transfer_tag,
                data_sn,
                offset: burst.offset + sent,
                last: sent + length == burst.length,
            };
            let pieces = cursor.take(length);
            self.push(header.header(), &pieces);
            sent += length;
            data_sn += 1;
            self.flush_if_full().await?;
        }
        if burst.transfer_tag != pdu::NO_TAG {
            burst.data.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        Ok(())
    }

    fn push(&mut self, mut header: Header, pieces: &[Bytes]) {
        request::set_exp_stat_sn(&mut header, self.shared.exp_stat_sn.load(Ordering::Relaxed));
        let terms = &self.shared.terms;
        self.queue.push(header, pieces, terms.header_digest, terms.data_digest);
    }

    async fn flush_if_full(&mut self) -> Result<(), Fault> {
        match self.queue.bytes >= MAX_BATCH || self.queue.pieces.len() >= MAX_PIECES {
            true => self.flush().await,
            false => Ok(()),
        }
    }

    async fn flush(&mut self) -> Result<(), Fault> {
        while !self.queue.pieces.is_empty() {
            let slices: Vec<_> =
                self.queue.pieces.iter().take(MAX_PIECES).map(|piece| IoSlice::new(piece)).collect();
            let written = self.stream.write_vectored(&slices).await?;
            if written == 0 {
                return Err(Fault::Closed);
            }
            self.queue.advance(written);
        }
        Ok(())
    }
}

/// PDUs on their way, as pieces of memory.
#[derive(Debug, Default)]
struct Queue {
    pieces: VecDeque<Bytes>,
    bytes: usize,
    headers: BytesMut,
}

impl Queue {
    fn push(&mut self, mut header: Header, data: &[Bytes], header_digest: bool, data_digest: bool) {
        let length = data.iter().map(Bytes::len).sum();
        pdu::set_data_length(&mut header, length);
        if self.headers.capacity() < BHS + 4 {
            self.headers.reserve(HEADERS);
        }
        self.headers.extend_from_slice(&header);
        if header_digest {
            self.headers.extend_from_slice(&crc32c::crc32c(&header).to_le_bytes());
        }
        self.add_headers();
        if length == 0 {
            return;
        }
        let zeroes = &[0; 3][..pdu::padding(length)];
        self.headers.extend_from_slice(zeroes);
        let mut crc = 0;
        for piece in data {
            if data_digest {
                crc = crc32c::crc32c_append(crc, piece);
            }
            self.add(piece.clone());
        }
        if data_digest {
            self.headers.extend_from_slice(&crc32c::crc32c_append(crc, zeroes).to_le_bytes());
        }
        self.add_headers();
    }

    fn add_headers(&mut self) {
        let piece = self.headers.split().freeze();
        self.add(piece);
    }

    fn add(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            self.bytes += piece.len();
            self.pieces.push_back(piece);
        }
    }

    fn advance(&mut self, mut written: usize) {
        self.bytes = self.bytes.saturating_sub(written);
        while let Some(front) = self.pieces.front_mut() {
            if front.len() > written {
                let _ = front.split_to(written);
                return;
            }
            written -= front.len();
            self.pieces.pop_front();
        }
    }
}

/// A place in the segments of a write.
struct Cursor<'a> {
    segments: &'a [Bytes],
    within: usize,
}

impl<'a> Cursor<'a> {
    fn at(mut segments: &'a [Bytes], offset: u32) -> Self {
        let mut within = offset as usize;
        while let [first, rest @ ..] = segments
            && within >= first.len()
        {
            within -= first.len();
            segments = rest;
        }
        Self { segments, within }
    }

    /// The next bytes, as slices of the segments.
    fn take(&mut self, length: u32) -> Vec<Bytes> {
        let mut left = length as usize;
        let mut pieces = Vec::with_capacity(1);
        while let [first, rest @ ..] = self.segments
            && left > 0
        {
            let here = left.min(first.len() - self.within);
            if here > 0 {
                pieces.push(first.slice(self.within..self.within + here));
            }
            left -= here;
            self.within += here;
            if self.within == first.len() {
                (self.segments, self.within) = (rest, 0);
            }
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pdus_are_padded_and_sealed() {
        let mut queue = Queue::default();
        queue.push([1; BHS], &[Bytes::from_static(b"ab"), Bytes::from_static(b"cde")], true, true);
        queue.advance(BHS + 4);
        let rest: Vec<u8> = queue.pieces.iter().flatten().copied().collect();
        assert_eq!(&rest[..8], b"abcde\0\0\0");
        assert_eq!(rest[8..], crc32c::crc32c(b"abcde\0\0\0").to_le_bytes());
        assert_eq!(queue.bytes, 12);
    }

    proptest! {
        #[test]
        fn cursors_give_every_byte_once(
            lengths in proptest::collection::vec(0_usize..50, 1..10), steps in proptest::collection::vec(1_u32..40, 1..30), start in 0_u32..100,
        ) {
            let mut next = 0_u8;
            let segments: Vec<Bytes> = lengths.iter().map(|length| {
                (0..*length).map(|_| { next = next.wrapping_add(1); next }).collect::<Vec<_>>().into()
            }).collect();
            let all: Vec<u8> = segments.iter().flatten().copied().collect();
            let mut cursor = Cursor::at(&segments, start);
            let mut at = start as usize;
            for step in steps {
                let taken: Vec<u8> = cursor.take(step).iter().flatten().copied().collect();
                let end = (at + step as usize).min(all.len());
                prop_assert_eq!(&taken[..], all.get(at..end).unwrap_or_default());
                at += step as usize;
            }
        }
    }
}
