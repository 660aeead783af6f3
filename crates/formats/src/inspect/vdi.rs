// SPDX-License-Identifier: Apache-2.0
//! VirtualBox's disk.

use super::Findings;
use super::capture::Capture;
use crate::bytes::{le32, le64};

pub(super) fn examine(capture: &Capture) -> Option<Findings> {
    let head = capture.head();
    (le32(head, 0x40) == Some(0xbeda_107f)).then(|| Findings::sized(le64(head, 0x170)))
}
