// SPDX-License-Identifier: Apache-2.0
//! An object as the body of a download.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use scurry_store::{StoreError, StoreReader};

use crate::{MemoryBudget, Reservation};

/// Pieces that are read before they are asked for.
const AHEAD: usize = 4;
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

/// The bytes of `range` (cut to the object's length), read a little ahead within the budget.
///
/// The stream ends with the first error. The reader is closed at the end; dropped before, it is let go of.
pub fn read_stream(
    reader: Arc<dyn StoreReader>,
    range: Range<u64>,
    budget: &MemoryBudget,
) -> impl Stream<Item = Result<Bytes, StoreError>> + Send + 'static {
    let end = range.end.min(reader.len());
    let budget = budget.clone();
    let closing = Arc::clone(&reader);
    let mut at = range.start;
    let pieces = std::iter::from_fn(move || {
        if at >= end {
            return None;
        }
        let piece = budget.piece_len() as u64;
        let mut next = (at / piece + 1) * piece;
        let mut len = next.min(end) - at;
        let share = usize::try_from(len).ok().and_then(|len| budget.try_ahead(len));
        if share.is_none() {
            next = at + LEAST.min(len);
            len = next - at;
        }
        let offset = std::mem::replace(&mut at, next);
        Some((offset, len, share))
    });
    let reads = stream::iter(pieces).map(move |(offset, len, share)| {
        let reader = Arc::clone(&reader);
        async move {
            let len = usize::try_from(len).unwrap_or(usize::MAX);
            let data = reader.read_at(offset, len).await?;
            Ok(match share {
                Some(share) => Bytes::from_owner(Held { data, _share: share }),
                None => data,
            })
        }
    });
    let reads = Box::pin(reads.buffered(AHEAD));
    stream::unfold(Some((reads, closing)), |state| async move {
        let (mut reads, closing) = state?;
        match reads.next().await {
            Some(Ok(data)) => Some((Ok(data), Some((reads, closing)))),
            Some(Err(error)) => Some((Err(error), None)),
            None => {
                if let Err(error) = closing.close().await {
                    tracing::warn!(%error, "a reader did not close");
                }
                None
            }
        }
    })
}
