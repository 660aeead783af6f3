// SPDX-License-Identifier: Apache-2.0
//! QEMU's own formats: qcow (all versions) and QED.

use super::Findings;
use super::capture::Capture;
use crate::bytes::{be32, be64};

/// Incompatible features of a version 3 header that are understood: dirty, corrupt, data file, compression type.
const KNOWN_FEATURES: u64 = 0b1111;
const DATA_FILE: u64 = 0b100;

/// Everything that begins with qcow's magic; also the first version and cut off headers, so that they are named.
pub(super) fn qcow2(capture: &Capture) -> Option<Findings> {
    let head = capture.head();
    if !head.starts_with(b"QFI\xfb") {
        return None;
    }
    let version = be32(head, 4);
    let mut findings = Findings::sized(be64(head, 24));
    match be64(head, 8) {
        Some(0) => {}
        Some(_) => findings.fault("backing_file", "the image has a backing file"),
        None => findings.fault("backing_file", "the header is cut off"),
    }
    match (version, be64(head, 72)) {
        (Some(2), _) => {}
        (Some(3), Some(features)) => {
            if features & DATA_FILE != 0 {
                findings.fault("data_file", "the image keeps its data in another file");
            }
            if features & !KNOWN_FEATURES != 0 {
                let unknown = features & !KNOWN_FEATURES;
                findings.fault(
                    "unknown_features",
                    format!("the image needs features that are not supported ({unknown:#x})"),
                );
            }
        }
        (Some(3) | None, _) => findings.fault("unknown_features", "the header is cut off"),
        (Some(version), _) => {
            findings.fault("unknown_features", format!("version {version} of the format is not supported"));
        }
    }
    Some(findings)
}

pub(super) fn qed(capture: &Capture) -> Option<Findings> {
    capture.head().starts_with(b"QED\0").then(|| {
        let mut findings = Findings::default();
        findings.fault("banned", "this format is not allowed");
        findings
    })
}
