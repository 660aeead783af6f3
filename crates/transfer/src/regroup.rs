// SPDX-License-Identifier: Apache-2.0
//! Chunks of a body, however they come, regrouped into aligned pieces.

use std::time::Duration;

use bytes::Bytes;
use scurry_store::Buffer;
use tokio::time::Instant;

use crate::piece::Part;
use crate::{MemoryBudget, Reservation};

/// How long a piece may stay half filled: a client that stalls must not sit on its share of the budget.
const PATIENCE: Duration = Duration::from_secs(1);

/// Zeroes that are one operation at most: a store that has to write them is not busy with one for too long.
const LONGEST_ZEROES: u64 = 128 << 20;

/// Where chunks become pieces.
#[derive(Debug)]
pub(crate) struct Regroup<'a> {
    budget: &'a MemoryBudget,
    offset: u64,
    filling: Option<Filling>,
}

#[derive(Debug)]
struct Filling {
    /// As long as the piece has room.
    data: Buffer,
    filled: usize,
    share: Reservation,
    since: Instant,
}

impl<'a> Regroup<'a> {
    /// The body begins at `offset` of the image.
    pub(crate) fn new(budget: &'a MemoryBudget, offset: u64) -> Self {
        Self { budget, offset, filling: None }
    }

    /// When the half filled piece, if there is one, has to go.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.filling.as_ref().map(|filling| filling.since + PATIENCE)
    }

    /// Takes from `chunk` until a piece is full; `None` when the chunk is used up before.
    pub(crate) async fn take(&mut self, chunk: &mut Bytes) -> Option<Part> {
        if chunk.is_empty() {
            return None;
        }
        let mut filling = match self.filling.take() {
            Some(filling) => filling,
            None => {
                let piece = self.budget.piece_len();
                let room = piece - (self.offset % piece as u64) as usize;
                let share = self.budget.reserve(room).await;
                if chunk.len() >= room {
                    return Some(self.part(chunk.split_to(room), share));
                }
                Filling { data: Buffer::new(room), filled: 0, share, since: Instant::now() }
            }
        };
        let room = &mut filling.data.as_mut()[filling.filled..];
        let taken = chunk.split_to(chunk.len().min(room.len()));
        room[..taken.len()].copy_from_slice(&taken);
        let full = room.len() == taken.len();
        filling.filled += taken.len();
        if full {
            return Some(self.emit(filling));
        }
        self.filling = Some(filling);
        None
    }

    /// Zeroes come next: what is left over, and then those, at most [`LONGEST_ZEROES`] at a time.
    pub(crate) fn skip(&mut self, len: u64) -> impl Iterator<Item = Part> + use<> {
        let left_over = if len > 0 { self.flush() } else { None };
        let (mut offset, end) = (self.offset, self.offset + len);
        self.offset = end;
        let zeroes = std::iter::from_fn(move || {
            let part = Part::Zero { offset, len: (end - offset).min(LONGEST_ZEROES) };
            offset += part.len();
            (part.len() > 0).then_some(part)
        });
        left_over.into_iter().chain(zeroes)
    }

    /// What is left over.
    pub(crate) fn flush(&mut self) -> Option<Part> {
        self.filling.take().map(|rest| self.emit(rest))
    }

    fn emit(&mut self, filling: Filling) -> Part {
        let Filling { mut data, filled, share, .. } = filling;
        data.truncate(filled);
        self.part(data.into(), share)
    }

    fn part(&mut self, data: Bytes, share: Reservation) -> Part {
        let offset = self.offset;
        self.offset += data.len() as u64;
        Part::data(offset, data, share)
    }
}
