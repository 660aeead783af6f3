// SPDX-License-Identifier: Apache-2.0
//! What an inspector kept so far, as bytes another one goes on from.

use super::capture::{Capture, Extra, Window};
use super::vhdx::Stage;
use super::{HEAD, Inspector, TAIL};

/// First byte of what [`Inspector::save`] gives; another layout needs another.
const LAYOUT: u8 = 1;
/// Longest window that is kept.
const WINDOW_MAX: usize = 1 << 20;

impl Inspector {
    /// Everything kept so far, at most little more than 1 MiB.
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        let capture = &self.capture;
        let mut bytes = vec![LAYOUT];
        bytes.extend(capture.size().to_le_bytes());
        put(&mut bytes, capture.head());
        put(&mut bytes, capture.tail());
        match &capture.extra {
            Extra::Nothing => bytes.push(0),
            Extra::Vmdk(window) => put_window(&mut bytes, 1, window),
            Extra::Vhdx(stage, window) => put_window(&mut bytes, 2 + *stage as u8, window),
            Extra::VhdxSize(size) => {
                bytes.push(5);
                bytes.extend(size.to_le_bytes());
            }
        }
        bytes
    }

    /// An inspector that saw what the one saw that was saved; `None` when these are not its bytes.
    #[must_use]
    pub fn restore(mut bytes: &[u8]) -> Option<Self> {
        let from = &mut bytes;
        if take(from, 1)? != [LAYOUT] {
            return None;
        }
        let pos = number(from)?;
        let head = run(from, HEAD)?;
        let tail = run(from, TAIL)?;
        let extra = match take(from, 1)? {
            [0] => Extra::Nothing,
            [1] => Extra::Vmdk(window(from)?),
            [2] => Extra::Vhdx(Stage::Regions, window(from)?),
            [3] => Extra::Vhdx(Stage::Metadata, window(from)?),
            [4] => Extra::Vhdx(Stage::Size, window(from)?),
            [5] => Extra::VhdxSize(number(from)?),
            _ => return None,
        };
        let short = |kept: &[u8], most: usize| kept.len() as u64 != pos.min(most as u64);
        if !from.is_empty() || short(&head, HEAD) || short(&tail, TAIL) {
            return None;
        }
        Some(Self { capture: Capture::restored(head, tail, pos, extra) })
    }
}

fn put(bytes: &mut Vec<u8>, run: &[u8]) {
    bytes.extend((run.len() as u64).to_le_bytes());
    bytes.extend(run);
}

fn put_window(bytes: &mut Vec<u8>, tag: u8, window: &Window) {
    bytes.push(tag);
    bytes.extend(window.start.to_le_bytes());
    bytes.extend(window.len.to_le_bytes());
    put(bytes, &window.bytes);
}

fn take<'a>(from: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, rest) = from.split_at_checked(len)?;
    *from = rest;
    Some(taken)
}

fn number(from: &mut &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(take(from, 8)?.try_into().ok()?))
}

fn run(from: &mut &[u8], most: usize) -> Option<Vec<u8>> {
    let len = usize::try_from(number(from)?).ok().filter(|len| *len <= most)?;
    take(from, len).map(<[u8]>::to_vec)
}

fn window(from: &mut &[u8]) -> Option<Window> {
    let (start, len) = (number(from)?, number(from)?);
    let bytes = run(from, WINDOW_MAX)?;
    (bytes.len() as u64 <= len).then_some(Window { start, len, bytes })
}
