// SPDX-License-Identifier: Apache-2.0
//! Sparse bytes in memory, page by page.

use std::collections::BTreeMap;

use scurry_types::{ExtentKind, Extents};

const PAGE: u64 = 4096;
/// What never-written bytes of a store without zeroed space read as.
const GARBAGE: u8 = 0xa5;

/// The content of one object. A page that is not there was never written.
#[derive(Debug, Clone)]
pub(crate) struct Pages {
    pages: BTreeMap<u64, Vec<u8>>,
    fill: u8,
}

impl Pages {
    pub(crate) fn new(fresh_is_zero: bool) -> Self {
        Self { pages: BTreeMap::new(), fill: if fresh_is_zero { 0 } else { GARBAGE } }
    }

    pub(crate) fn write(&mut self, mut offset: u64, mut data: &[u8]) {
        while !data.is_empty() {
            let (index, within) = (offset / PAGE, (offset % PAGE) as usize);
            let len = data.len().min(PAGE as usize - within);
            let fill = self.fill;
            let page = self.pages.entry(index).or_insert_with(|| vec![fill; PAGE as usize]);
            page[within..within + len].copy_from_slice(&data[..len]);
            offset += len as u64;
            data = &data[len..];
        }
    }

    pub(crate) fn zero(&mut self, offset: u64, len: u64) {
        let end = offset + len;
        let mut at = offset;
        while at < end {
            let next = ((at / PAGE + 1) * PAGE).min(end);
            if self.fill == 0 && next - at == PAGE {
                self.pages.remove(&(at / PAGE));
            } else if self.fill != 0 || self.pages.contains_key(&(at / PAGE)) {
                self.write(at, &[0; PAGE as usize][..(next - at) as usize]);
            }
            at = next;
        }
    }

    pub(crate) fn read(&self, offset: u64, len: usize) -> Vec<u8> {
        let mut out = vec![self.fill; len];
        let end = offset + len as u64;
        for (index, page) in self.pages.range(offset / PAGE..end.div_ceil(PAGE)) {
            let start = index * PAGE;
            let (from, to) = (start.max(offset), (start + PAGE).min(end));
            out[(from - offset) as usize..(to - offset) as usize]
                .copy_from_slice(&page[(from - start) as usize..(to - start) as usize]);
        }
        out
    }

    /// Extents of `start..end`; without zeroed space everything is data.
    pub(crate) fn extents(&self, start: u64, end: u64) -> Extents {
        if self.fill != 0 {
            return Extents::all_data(end.saturating_sub(start));
        }
        let mut extents = Extents::new();
        let mut at = start;
        while at < end {
            let next = ((at / PAGE + 1) * PAGE).min(end);
            let kind =
                if self.pages.contains_key(&(at / PAGE)) { ExtentKind::Data } else { ExtentKind::Zero };
            extents.push(kind, next - at);
            at = next;
        }
        extents
    }
}
