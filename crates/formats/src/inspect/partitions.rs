// SPDX-License-Identifier: Apache-2.0
//! Disks with a partition table: MBR, and GPT behind a protective MBR.

use super::Findings;
use super::capture::Capture;
use crate::bytes::{le16, le32};

const TABLE: usize = 446;
const ENTRY: usize = 16;
const PROTECTIVE: u8 = 0xee;

pub(super) fn examine(capture: &Capture) -> Option<Findings> {
    let sector = capture.head().get(..512)?;
    if le16(sector, 510) != Some(0xaa55) || is_fat(sector) {
        return None;
    }
    let mut findings = Findings::sized(Some(capture.size()));
    if let Err(reason) = check(sector) {
        findings.fault("mbr", reason);
    }
    Some(findings)
}

/// The boot sector of a FAT file system bears the same signature but holds no partition table.
fn is_fat(sector: &[u8]) -> bool {
    sector[0x10] == 2 && sector[0x15] == 0xf8
}

fn check(sector: &[u8]) -> Result<(), String> {
    let mut used = Vec::new();
    let mut protective = false;
    for (number, entry) in sector[TABLE..].chunks_exact(ENTRY).take(4).enumerate() {
        let (boot, kind) = (entry[0], entry[4]);
        if !matches!(boot, 0 | 0x80) {
            return Err(format!("partition {number} of the MBR has an invalid boot flag"));
        }
        if kind != 0 {
            used.push(number);
        }
        if kind == PROTECTIVE {
            protective = true;
            if entry[1..4] != [0, 2, 0] || le32(entry, 8) != Some(1) {
                return Err("the protective MBR does not begin where it must".to_owned());
            }
        }
    }
    match used.as_slice() {
        [] => Err("the MBR defines no partition".to_owned()),
        [0] => Ok(()),
        _ if protective => Err("the protective MBR defines more partitions".to_owned()),
        _ => Ok(()),
    }
}
