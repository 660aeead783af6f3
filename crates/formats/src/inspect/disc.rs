// SPDX-License-Identifier: Apache-2.0
//! Optical discs: ISO 9660 and UDF.

use super::Findings;
use super::capture::Capture;
use crate::bytes::{le16, le32};

const DESCRIPTOR: usize = 32 << 10;
const PRIMARY: u8 = 1;

pub(super) fn examine(capture: &Capture) -> Option<Findings> {
    let descriptor = capture.head().get(DESCRIPTOR..DESCRIPTOR + 2048)?;
    [b"CD001", b"NSR02", b"NSR03"].iter().any(|id| descriptor[1..].starts_with(*id)).then(|| {
        let blocks = le32(descriptor, 80).map(u64::from);
        let block_len = le16(descriptor, 128).map(u64::from);
        let size = blocks.zip(block_len).map(|(blocks, len)| blocks * len);
        Findings::sized(size.filter(|_| descriptor[0] == PRIMARY))
    })
}
