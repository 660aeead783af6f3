// SPDX-License-Identifier: Apache-2.0
//! An object as the body of a download.

mod runs;

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::FuturesOrdered;
use futures::{FutureExt, Stream, StreamExt, stream};
use scurry_store::{StoreError, StoreReader};

use self::runs::{Run, Runs};
use crate::piece::ZEROES;
use crate::{MemoryBudget, Reservation};

/// Bytes that are taken at a time from what is in memory already: little enough to stay in the processor's cache
/// until the socket has them, enough for a system call.
const QUICK: u64 = 256 << 10;
/// Pieces that are read before they are asked for, where reading means waiting.
const AHEAD: usize = 4;
/// Bytes that are read ahead before it is tried again whether the rest is in memory.
const BURST: u64 = 16 << 20;
/// Bytes of a piece that is read without a share of the budget, so that every download moves on.
const LEAST: u64 = 128 << 10;

#[derive(Debug)]
struct Held {
    data: Bytes,
    _share: Reservation,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

/// The bytes of `range` (cut to the object's length): zeroes where the object has holes, what is in memory at once,
/// the rest read a little ahead within the budget.
///
/// The stream ends with the first error. The reader is closed at the end; dropped before, it is let go of.
pub fn read_stream(
    reader: Arc<dyn StoreReader>,
    range: Range<u64>,
    budget: &MemoryBudget,
) -> impl Stream<Item = Result<Bytes, StoreError>> + Send + 'static {
    let end = range.end.min(reader.len());
    let reading = Reading {
        runs: Runs::new(range.start..end),
        reader,
        budget: budget.clone(),
        at: range.start,
        end,
        ahead: FuturesOrdered::new(),
        burst_end: range.start,
    };
    stream::unfold(Some(reading), |state| async move {
        let mut reading = state?;
        match reading.next().await {
            Some(Ok(data)) => Some((Ok(data), Some(reading))),
            Some(Err(error)) => Some((Err(error), None)),
            None => {
                if let Err(error) = reading.reader.close().await {
                    tracing::warn!(%error, "a reader did not close");
                }
                None
            }
        }
    })
}

struct Reading {
    reader: Arc<dyn StoreReader>,
    budget: MemoryBudget,
    /// The first byte that was not asked of the reader yet.
    at: u64,
    end: u64,
    runs: Runs,
    ahead: FuturesOrdered<BoxFuture<'static, Result<Bytes, StoreError>>>,
    burst_end: u64,
}

impl Reading {
    async fn next(&mut self) -> Option<Result<Bytes, StoreError>> {
        if self.ahead.is_empty() {
            if self.at >= self.end {
                return None;
            }
            let run = self.runs.at(&self.reader, self.at).await;
            let now = if run.zero { Some(self.zeroes(run)) } else { self.at_hand(run) };
            if let Some(data) = now {
                self.at += data.len() as u64;
                return Some(Ok(data));
            }
            self.burst_end = self.end.min(self.at.saturating_add(BURST));
        }
        while self.ahead.len() < AHEAD && self.at < self.burst_end {
            let run = self.runs.at(&self.reader, self.at).await;
            let (len, piece) = if run.zero {
                let zeroes = self.zeroes(run);
                (zeroes.len() as u64, std::future::ready(Ok(zeroes)).boxed())
            } else {
                self.read(run)
            };
            self.at += len;
            self.ahead.push_back(piece);
        }
        self.ahead.next().await
    }

    /// Zeroes nobody has to read.
    fn zeroes(&self, run: Run) -> Bytes {
        let len = (run.end - self.at).min(ZEROES.len() as u64);
        Bytes::from_static(&ZEROES[..len as usize])
    }

    /// What is in memory.
    fn at_hand(&self, run: Run) -> Option<Bytes> {
        let (len, share) = self.share(run, QUICK);
        let data = self.reader.read_now(self.at, usize::try_from(len).ok()?)?;
        Some(held(data, share))
    }

    /// How much is read next, and the reading.
    fn read(&self, run: Run) -> (u64, BoxFuture<'static, Result<Bytes, StoreError>>) {
        let (len, share) = self.share(run, u64::MAX);
        let (reader, offset) = (Arc::clone(&self.reader), self.at);
        let read = async move {
            let len = usize::try_from(len).unwrap_or(usize::MAX);
            let data = reader.read_at(offset, len).await?;
            Ok(held(data, share))
        };
        (len, read.boxed())
    }

    /// How much of a run to take next, up to a multiple of the size of pieces, and its share of the budget.
    fn share(&self, run: Run, most: u64) -> (u64, Option<Reservation>) {
        let piece = (self.budget.piece_len() as u64).min(most);
        let len = ((self.at / piece + 1) * piece).min(run.end) - self.at;
        match usize::try_from(len).ok().and_then(|len| self.budget.try_ahead(len)) {
            Some(share) => (len, Some(share)),
            None => (len.min(LEAST), None),
        }
    }
}

fn held(data: Bytes, share: Option<Reservation>) -> Bytes {
    match share {
        Some(share) => Bytes::from_owner(Held { data, _share: share }),
        None => data,
    }
}
