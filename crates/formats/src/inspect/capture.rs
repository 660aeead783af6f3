// SPDX-License-Identifier: Apache-2.0
//! The parts of a stream that are kept.

use super::{HEAD, TAIL, vhdx, vmdk};

/// Where the stream says what it is; by then it is known which window to keep.
const DECISION: u64 = 512;

/// A stretch of the stream kept for one format.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) start: u64,
    pub(super) len: u64,
    pub(super) bytes: Vec<u8>,
}

impl Window {
    pub(super) const fn new(start: u64, len: u64) -> Self {
        Self { start, len, bytes: Vec::new() }
    }

    const fn end(&self) -> u64 {
        self.start.saturating_add(self.len)
    }
}

/// What is kept beside the head and the tail.
#[derive(Debug, Default)]
pub(super) enum Extra {
    #[default]
    Nothing,
    /// A VMDK's descriptor.
    Vmdk(Window),
    /// One structure of a VHDX after another.
    Vhdx(vhdx::Stage, Window),
    /// The size a VHDX gave.
    VhdxSize(u64),
}

#[derive(Debug, Default)]
pub(super) struct Capture {
    head: Vec<u8>,
    tail: Vec<u8>,
    pos: u64,
    pub(super) extra: Extra,
}

impl Capture {
    /// What was captured up to byte `pos`.
    pub(super) fn restored(head: Vec<u8>, tail: Vec<u8>, pos: u64, extra: Extra) -> Self {
        Self { head, tail, pos, extra }
    }

    /// The first bytes of the stream, at most [`HEAD`].
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// The last bytes of the stream, at most [`TAIL`].
    pub(super) fn tail(&self) -> &[u8] {
        &self.tail
    }

    pub(super) fn size(&self) -> u64 {
        self.pos
    }

    /// Takes the stream in pieces that end where a decision is due, so that the caller's pieces do not matter.
    pub(super) fn feed(&mut self, mut chunk: &[u8]) {
        self.keep_tail(chunk);
        while !chunk.is_empty() {
            let due = match &self.extra {
                _ if self.pos < DECISION => DECISION,
                Extra::Vmdk(window) | Extra::Vhdx(_, window) if self.pos < window.end() => window.end(),
                _ => u64::MAX,
            };
            let n = usize::try_from(due - self.pos).map_or(chunk.len(), |n| n.min(chunk.len()));
            let (piece, rest) = chunk.split_at(n);
            self.take(piece);
            if self.pos == DECISION {
                self.extra = decide(&self.head);
            } else if self.pos == due {
                self.advance();
            }
            chunk = rest;
        }
    }

    /// Where the next byte is that anybody looks at, but for the last [`TAIL`] of the stream: `None` when there is none.
    pub(super) fn wanted(&self) -> Option<u64> {
        match &self.extra {
            _ if self.head.len() < HEAD => Some(self.pos),
            Extra::Vmdk(window) | Extra::Vhdx(_, window) if self.pos < window.end() => {
                Some(window.start.max(self.pos))
            }
            _ => None,
        }
    }

    /// Goes on at `pos`, past bytes that nobody looks at: up to [`Self::wanted`], and up to the last [`TAIL`].
    pub(super) fn skip_to(&mut self, pos: u64) {
        if pos > self.pos {
            self.tail.clear();
            self.pos = pos;
        }
    }

    fn take(&mut self, piece: &[u8]) {
        let room = HEAD.saturating_sub(self.head.len()).min(piece.len());
        self.head.extend_from_slice(&piece[..room]);
        if let Extra::Vmdk(window) | Extra::Vhdx(_, window) = &mut self.extra {
            let end = self.pos + piece.len() as u64;
            let from = window.start.clamp(self.pos, end) - self.pos;
            let to = window.end().clamp(self.pos, end) - self.pos;
            window.bytes.extend_from_slice(&piece[from as usize..to as usize]);
        }
        self.pos += piece.len() as u64;
    }

    /// A window is complete: a VHDX tells by it where to look next.
    fn advance(&mut self) {
        let Extra::Vhdx(stage, window) = &self.extra else { return };
        // What lies behind us cannot be looked at any more.
        self.extra = match stage.next(window) {
            Extra::Vhdx(_, next) if next.start < self.pos => Extra::Nothing,
            next => next,
        };
    }

    fn keep_tail(&mut self, chunk: &[u8]) {
        if chunk.len() >= TAIL {
            self.tail.clear();
        } else {
            let surplus = (self.tail.len() + chunk.len()).saturating_sub(TAIL);
            self.tail.drain(..surplus);
        }
        self.tail.extend_from_slice(&chunk[chunk.len().saturating_sub(TAIL)..]);
    }
}

fn decide(head: &[u8]) -> Extra {
    vhdx::begin(head).or_else(|| vmdk::begin(head)).unwrap_or_default()
}
