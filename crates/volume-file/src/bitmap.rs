// SPDX-License-Identifier: Apache-2.0
//! Which clusters an overlay owns, in memory and in its file.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::disk;
use crate::header::{BITMAP_OFFSET, CLUSTER};

/// Bytes of bitmap written at once.
const PAGE: usize = 4096;
const WORDS: usize = PAGE / 8;

/// One bit a cluster; bits are only ever set while the overlay is open.
#[derive(Debug)]
pub(crate) struct Bitmap {
    words: Vec<AtomicU64>,
}

impl Bitmap {
    /// Reads the bits for a volume of `len` bytes.
    pub(crate) fn load(file: &File, len: u64) -> io::Result<Self> {
        let pages = len.div_ceil(CLUSTER).div_ceil(PAGE as u64 * 8);
        let end = BITMAP_OFFSET + pages * PAGE as u64;
        let words = (0..pages as usize * WORDS).map(|_| AtomicU64::new(0)).collect();
        let bitmap = Self { words };
        let mut at = BITMAP_OFFSET;
        while let Some(range) = disk::next_data(file, at..end)? {
            for page in
                (range.start - BITMAP_OFFSET) / PAGE as u64..(range.end - BITMAP_OFFSET).div_ceil(PAGE as u64)
            {
                bitmap.load_page(file, page as usize)?;
            }
            at = range.end;
        }
        Ok(bitmap)
    }

    fn load_page(&self, file: &File, page: usize) -> io::Result<()> {
        let mut bytes = [0; PAGE];
        disk::read_zero_padded(file, &mut bytes, Self::page_offset(page))?;
        for (word, bytes) in self.words[page * WORDS..].iter().zip(bytes.as_chunks::<8>().0) {
            word.store(u64::from_le_bytes(*bytes), Ordering::Relaxed);
        }
        Ok(())
    }

    /// Where a page of the bitmap lies in the file.
    pub(crate) const fn page_offset(page: usize) -> u64 {
        BITMAP_OFFSET + (page * PAGE) as u64
    }

    /// The page that holds a cluster's bit.
    pub(crate) const fn page_of(cluster: u64) -> usize {
        (cluster / (PAGE as u64 * 8)) as usize
    }

    /// A page as it is to be written.
    pub(crate) fn page(&self, page: usize) -> Vec<u8> {
        let words = &self.words[page * WORDS..(page + 1) * WORDS];
        words.iter().flat_map(|word| word.load(Ordering::Acquire).to_le_bytes()).collect()
    }

    fn word(&self, cluster: u64) -> u64 {
        self.words.get((cluster / 64) as usize).map_or(0, |word| word.load(Ordering::Acquire))
    }

    /// Marks a cluster as owned; its data must have been written before.
    pub(crate) fn set(&self, cluster: u64) {
        if let Some(word) = self.words.get((cluster / 64) as usize) {
            word.fetch_or(1 << (cluster % 64), Ordering::AcqRel);
        }
    }

    /// Whether no cluster is owned.
    pub(crate) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| word.load(Ordering::Relaxed) == 0)
    }

    /// Whether `cluster` is owned, and how many clusters from it up to `end` are alike.
    pub(crate) fn run(&self, cluster: u64, end: u64) -> (bool, u64) {
        let owned = self.word(cluster) >> (cluster % 64) & 1 == 1;
        let mut at = cluster;
        while at < end {
            let word = self.word(at);
            // Bits that differ from the first become ones; those below `at` are shifted out.
            let other = (if owned { !word } else { word }) >> (at % 64);
            if other != 0 {
                at += u64::from(other.trailing_zeros());
                break;
            }
            at += 64 - at % 64;
        }
        (owned, at.min(end) - cluster)
    }

    /// The longest run of bytes from `offset`, at most `max`, that is alike; and whether it is owned.
    pub(crate) fn byte_run(&self, offset: u64, max: u64) -> (bool, u64) {
        let first = offset / CLUSTER;
        let (owned, clusters) = self.run(first, (offset + max).div_ceil(CLUSTER));
        (owned, max.min((first + clusters) * CLUSTER - offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_agree_with_single_bits() {
        let bitmap = Bitmap { words: (0..8).map(|_| AtomicU64::new(0)).collect() };
        let set = [0, 1, 5, 63, 64, 65, 130, 131, 191, 192, 255, 256, 511];
        set.iter().for_each(|bit| bitmap.set(*bit));
        let is_set = |bit: u64| set.contains(&bit);
        for start in 0..512 {
            for end in [start + 1, (start + 70).min(512), 512] {
                let run = (start..end).take_while(|bit| is_set(*bit) == is_set(start)).count() as u64;
                assert_eq!(bitmap.run(start, end), (is_set(start), run), "{start}..{end}");
            }
        }
    }
}
