// SPDX-License-Identifier: Apache-2.0
//! The disk itself: its data in aligned pieces, its holes as they are.

use std::sync::Arc;

use scurry_types::{Extent, ExtentKind};

use super::{NextPiece, Piece};
use crate::convert::{ConversionError, ImageReader, ReadAhead, Stretch, Walk};

/// Pieces end at multiples of this many bytes, so that whoever writes them does so in few and aligned writes.
const PIECE: u64 = 1 << 20;

#[derive(Debug)]
pub(super) struct RawOutput {
    reader: Arc<dyn ImageReader>,
    ahead: ReadAhead<Piece>,
    walk: Walk,
    /// What is left of the extent at hand.
    left: Option<Extent>,
    /// The piece being put together.
    piece: Stretch,
}

impl RawOutput {
    pub(super) fn new(reader: Arc<dyn ImageReader>) -> Result<Self, ConversionError> {
        let ahead = ReadAhead::start(&reader)?;
        let piece = Stretch { offset: 0, len: 0, data: Vec::new() };
        Ok(Self { reader, ahead, walk: Walk::default(), left: None, piece })
    }

    pub(super) fn next_piece(&mut self) -> NextPiece {
        while self.ahead.wants_more() {
            if !self.plan()? {
                break;
            }
        }
        self.ahead.take()
    }

    /// Takes the next extent as far as it goes into a piece; false at the end of the disk.
    fn plan(&mut self) -> Result<bool, ConversionError> {
        let extent = match self.left.take() {
            Some(extent) => Some(extent),
            None => self.walk.step(&*self.reader)?,
        };
        let Some(extent) = extent else {
            let more = self.piece.len > 0;
            self.emit();
            return Ok(more);
        };
        let at = extent.offset;
        let end =
            if self.piece.len == 0 && extent.kind == ExtentKind::Zero && extent.end() / PIECE > at / PIECE {
                // A long hole; what it reaches into a last piece is a part of that.
                extent.end() / PIECE * PIECE
            } else {
                extent.end().min((at / PIECE + 1) * PIECE)
            };
        if extent.kind == ExtentKind::Data {
            self.piece.data.push(at..end);
        }
        self.piece.len += end - at;
        let rest = Extent { offset: end, len: extent.end() - end, ..extent };
        self.left = Some(rest).filter(|rest| rest.len > 0);
        if end % PIECE == 0 {
            self.emit();
        }
        Ok(true)
    }

    fn emit(&mut self) {
        let next = Stretch { offset: self.piece.offset + self.piece.len, len: 0, data: Vec::new() };
        let piece = std::mem::replace(&mut self.piece, next);
        if !piece.data.is_empty() {
            self.ahead.read(piece);
        } else if piece.len > 0 {
            self.ahead.pass(Piece::Zeroes(piece.len));
        }
    }
}
