// SPDX-License-Identifier: Apache-2.0
//! The body of an upload: blocks of the disk as frames or as plain bytes, hashed and counted as they go by.

use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt as _, stream};
use scurry_types::extent_frames::{self, Stretch};
use scurry_types::{BLOCK_SIZE, ExtentKind};

use super::blocks::{self, Read, stretch_len};
use super::digests::Hashing;
use super::progress::Meter;
use super::source::Source;
use super::tree::Tree;
use crate::failure::Failure;

/// Zeroes sent as bytes, so many at once.
static ZEROES: [u8; 1 << 20] = [0; 1 << 20];

/// Data of fewer bytes is copied to stand beside its frame's header.
const SMALL: usize = 64 << 10;

/// How the bytes are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Frames: zeroes are only counted.
    Extents,
    /// Every byte.
    Plain,
}

/// What a body feeds beside the wire.
#[derive(Clone)]
pub(super) struct Beside {
    pub(super) tree: Arc<Tree>,
    pub(super) meter: Meter,
    /// Digests of all bytes; only for a body from the beginning.
    pub(super) hashing: Option<Arc<Hashing>>,
    /// Why the disk could not be read: the wire only says that the body broke off.
    pub(super) broken: Arc<Mutex<Option<Failure>>>,
}

impl Beside {
    pub(super) fn new(tree: &Arc<Tree>, meter: &Meter) -> Self {
        Self { tree: Arc::clone(tree), meter: meter.clone(), hashing: None, broken: Arc::default() }
    }

    /// Why the disk could not be read, if so.
    pub(super) fn take_broken(&self) -> Option<Failure> {
        self.broken.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
    }
}

/// Threads that read: one is left to the connection.
pub(super) fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get).clamp(2, 8)
}

/// The image from byte `from` on.
pub(super) fn body(
    source: &Source,
    from: u64,
    encoding: Encoding,
    beside: Beside,
) -> impl Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static {
    let first = from - from % BLOCK_SIZE;
    let reads = blocks::read(Arc::clone(&source.disk), first..source.len(), threads());
    reads
        .then(move |read| {
            let beside = beside.clone();
            async move { pass(read, from, encoding, &beside).await }
        })
        .flat_map(stream::iter)
}

async fn pass(
    read: Result<Read, Failure>,
    from: u64,
    encoding: Encoding,
    beside: &Beside,
) -> Vec<Result<Bytes, std::io::Error>> {
    let read = match read {
        Ok(read) => read,
        Err(failure) => {
            let text = failure.to_string();
            *beside.broken.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(failure);
            return vec![Err(std::io::Error::other(text))];
        }
    };
    beside.tree.add(&read);
    let stretches = blocks::without_start(read.stretches, from.saturating_sub(read.start));
    for stretch in &stretches {
        match stretch {
            Stretch::Data(data) => beside.meter.data(data.len() as u64),
            Stretch::Zeroes(len) => beside.meter.zeroes(*len),
        }
        if let Some(hashing) = &beside.hashing {
            hashing.take(stretch).await;
        }
    }
    let encoded = match encoding {
        Encoding::Extents => framed(stretches),
        Encoding::Plain => stretches.into_iter().flat_map(plain).collect(),
    };
    encoded.into_iter().map(Ok).collect()
}

/// Frames. Small ones are gathered, so that a fragmented disk is no flood of tiny parts.
fn framed(stretches: Vec<Stretch>) -> Vec<Bytes> {
    let mut parts = Vec::new();
    let mut gathered = BytesMut::new();
    for stretch in stretches {
        let kind = match stretch {
            Stretch::Data(_) => ExtentKind::Data,
            Stretch::Zeroes(_) => ExtentKind::Zero,
        };
        gathered.extend_from_slice(&extent_frames::header(kind, stretch_len(&stretch)));
        match stretch {
            Stretch::Data(data) if data.len() < SMALL => gathered.extend_from_slice(&data),
            Stretch::Data(data) => {
                parts.push(gathered.split().freeze());
                parts.push(data);
            }
            Stretch::Zeroes(_) => {}
        }
    }
    if !gathered.is_empty() {
        parts.push(gathered.freeze());
    }
    parts
}

fn plain(stretch: Stretch) -> Vec<Bytes> {
    match stretch {
        Stretch::Data(data) => vec![data],
        Stretch::Zeroes(len) => {
            let piece = |at: u64| {
                let len = (len - at).min(ZEROES.len() as u64);
                Bytes::from_static(&ZEROES[..len as usize])
            };
            (0..len).step_by(ZEROES.len()).map(piece).collect()
        }
    }
}

/// Hashes the blocks that were sent before and are not known here.
pub(super) async fn hash_start(source: &Source, offset: u64, beside: &Beside) -> Result<(), Failure> {
    let known = beside.tree.known() * BLOCK_SIZE;
    let needed = (offset - offset % BLOCK_SIZE).min(source.len());
    if known >= needed {
        return Ok(());
    }
    let mut reads = std::pin::pin!(blocks::read(Arc::clone(&source.disk), known..needed, threads()));
    while let Some(read) = reads.next().await {
        beside.tree.add(&read?);
    }
    Ok(())
}
