// SPDX-License-Identifier: Apache-2.0
//! Microsoft's newer virtual disk: a table of regions leads to a table of metadata, that to the disk's size.

use super::Findings;
use super::capture::{Capture, Extra, Window};
use crate::bytes::{array, le16, le32, le64};

const REGION_TABLE: u64 = 192 << 10;
const TABLE_LEN: u64 = 64 << 10;
const ENTRIES_MAX: usize = 2047;
/// 8B7CA206-4790-4B9A-B8FE-575F050F886E as it lies in the file.
const METADATA_REGION: [u8; 16] =
    [0x06, 0xa2, 0x7c, 0x8b, 0x90, 0x47, 0x9a, 0x4b, 0xb8, 0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88, 0x6e];
/// 2FA54224-CD1B-4876-B211-5DBED83BF4B8 as it lies in the file.
const VIRTUAL_DISK_SIZE: [u8; 16] =
    [0x24, 0x42, 0xa5, 0x2f, 0x1b, 0xcd, 0x76, 0x48, 0xb2, 0x11, 0x5d, 0xbe, 0xd8, 0x3b, 0xf4, 0xb8];

/// Which structure a window holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stage {
    Regions,
    Metadata,
    Size,
}

pub(super) fn begin(head: &[u8]) -> Option<Extra> {
    is_vhdx(head).then(|| Extra::Vhdx(Stage::Regions, Window::new(REGION_TABLE, TABLE_LEN)))
}

fn is_vhdx(head: &[u8]) -> bool {
    head.starts_with(b"vhdxfile")
}

impl Stage {
    /// What a complete window leads to.
    pub(super) fn next(self, window: &Window) -> Extra {
        let bytes = &window.bytes;
        let next = match self {
            Self::Regions => metadata_region(bytes)
                .map(|offset| Extra::Vhdx(Self::Metadata, Window::new(offset, TABLE_LEN))),
            Self::Metadata => size_item(bytes)
                .and_then(|offset| window.start.checked_add(offset))
                .map(|offset| Extra::Vhdx(Self::Size, Window::new(offset, 8))),
            Self::Size => le64(bytes, 0).map(Extra::VhdxSize),
        };
        next.unwrap_or_default()
    }
}

fn metadata_region(table: &[u8]) -> Option<u64> {
    let count = le32(table, 8)? as usize;
    if !table.starts_with(b"regi") || count > ENTRIES_MAX {
        return None;
    }
    let entry = (0..count).map(|n| 16 + n * 32).find(|at| array(table, *at) == Some(METADATA_REGION))?;
    le64(table, entry + 16)
}

fn size_item(table: &[u8]) -> Option<u64> {
    let count = usize::from(le16(table, 10)?);
    if !table.starts_with(b"metadata") || count > ENTRIES_MAX {
        return None;
    }
    let entry = (0..count).map(|n| 32 + n * 32).find(|at| array(table, *at) == Some(VIRTUAL_DISK_SIZE))?;
    le32(table, entry + 16).map(u64::from)
}

pub(super) fn examine(capture: &Capture) -> Option<Findings> {
    is_vhdx(capture.head()).then(|| match capture.extra {
        Extra::VhdxSize(size) => Findings::sized(Some(size)),
        _ => {
            let mut findings = Findings::default();
            findings.fault("metadata", "the tables that lead to the disk's size are damaged or cut off");
            findings
        }
    })
}
