// SPDX-License-Identifier: Apache-2.0
//! The disk itself, its holes as zeroes.

use scurry_types::{Extent, ExtentKind};

use super::NextPiece;
use crate::convert::{ImageReader, Walk};

const PIECE: u64 = 1 << 20;

#[derive(Debug)]
pub(super) struct RawOutput {
    reader: Box<dyn ImageReader>,
    walk: Walk,
    /// What is left of the extent at hand.
    left: Option<Extent>,
}

impl RawOutput {
    pub(super) fn new(reader: Box<dyn ImageReader>) -> Self {
        Self { reader, walk: Walk::default(), left: None }
    }

    pub(super) fn next_piece(&mut self) -> NextPiece {
        let extent = match self.left.take() {
            Some(extent) => extent,
            None => match self.walk.step(&*self.reader)? {
                Some(extent) => extent,
                None => return Ok(None),
            },
        };
        let len = extent.len.min(PIECE);
        let mut piece = vec![0; len as usize];
        if extent.kind == ExtentKind::Data {
            self.reader.read_at(&mut piece, extent.offset)?;
        }
        let rest = Extent { offset: extent.offset + len, len: extent.len - len, ..extent };
        self.left = Some(rest).filter(|rest| rest.len > 0);
        Ok(Some(piece))
    }
}
