// SPDX-License-Identifier: Apache-2.0
//! Microsoft's older virtual disk: growing ones begin with a copy of the footer, fixed ones only end with it.

use super::Findings;
use super::capture::Capture;
use crate::bytes::{be32, be64};

const COOKIE: &[u8] = b"conectix";
const FIXED: u32 = 2;

pub(super) fn dynamic(capture: &Capture) -> Option<Findings> {
    let head = capture.head();
    head.starts_with(COOKIE).then(|| Findings::sized(be64(head, 40)))
}

/// Size of the disk in bytes when the stream is data and a footer behind it.
pub(super) fn fixed(capture: &Capture) -> Option<u64> {
    let tail = capture.tail();
    let footer = &tail[tail.len().checked_sub(512)?..];
    let size = be64(footer, 48)?;
    let fits = capture.size().checked_sub(512) == Some(size);
    (footer.starts_with(COOKIE) && be32(footer, 60) == Some(FIXED) && fits).then_some(size)
}
