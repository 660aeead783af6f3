// SPDX-License-Identifier: Apache-2.0
//! Disks encrypted with LUKS.

use super::Findings;
use super::capture::Capture;
use crate::bytes::{array, be32};

pub(super) fn examine(capture: &Capture) -> Option<Findings> {
    let head = capture.head();
    if !head.starts_with(b"LUKS\xba\xbe") {
        return None;
    }
    let version = array(head, 6).map(u16::from_be_bytes);
    let payload = be32(head, 104).map(|sectors| u64::from(sectors) * 512);
    let mut findings = Findings::sized(payload.and_then(|payload| capture.size().checked_sub(payload)));
    match version {
        Some(1) if head.len() >= 592 => {}
        Some(1) | None => findings.fault("version", "the header is cut off"),
        Some(version) => {
            findings.virtual_size = None;
            findings.fault("version", format!("version {version} of LUKS is not supported"));
        }
    }
    Some(findings)
}
