// SPDX-License-Identifier: Apache-2.0
//! A disk read block by block on several threads, in order: data apart from zeroes, each block with its hash.

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use scurry_formats::{ConversionError, ImageReader};
use scurry_types::extent_frames::Stretch;
use scurry_types::{BLOCK_SIZE, ExtentKind, is_zero};

use crate::failure::Failure;

/// Zeroes shorter than this travel as data.
const PAGE: usize = 4096;
/// Blocks whose extents are looked up at once.
const WINDOW: u64 = 16 * BLOCK_SIZE;

/// The hash of a whole block of zeroes.
static ZERO_BLOCK: LazyLock<[u8; 32]> = LazyLock::new(|| hash_of_zeroes(BLOCK_SIZE));

/// One block, or several of zeroes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Read {
    /// Where it begins, in bytes: a multiple of [`BLOCK_SIZE`].
    pub(super) start: u64,
    pub(super) stretches: Vec<Stretch>,
    pub(super) hashes: Vec<[u8; 32]>,
}

/// What to do for a stretch of blocks.
enum Plan {
    Zeroes { start: u64, len: u64 },
    Data { start: u64, len: u64, extents: Vec<Range<u64>> },
}

/// The blocks of `disk` within `range` (from a block's beginning), `threads` of them read at once.
pub(super) fn read(
    disk: Arc<dyn ImageReader>,
    range: Range<u64>,
    threads: usize,
) -> impl Stream<Item = Result<Read, Failure>> + Send {
    let windows = (range.start..range.end).step_by(WINDOW as usize);
    let end = range.end;
    let planner = Arc::clone(&disk);
    stream::iter(windows)
        .map(move |start| {
            let disk = Arc::clone(&planner);
            blocking(move || plan(&*disk, start..start.saturating_add(WINDOW).min(end)))
        })
        .buffered(2)
        .map_ok(|plans| stream::iter(plans).map(Ok))
        .try_flatten()
        .map_ok(move |plan| {
            let disk = Arc::clone(&disk);
            blocking(move || carry_out(&*disk, plan))
        })
        .try_buffered(threads)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ConversionError> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Failure::new("a reader thread ended", error))?
        .map_err(|error| Failure::new("cannot read the file", error))
}

fn plan(disk: &dyn ImageReader, window: Range<u64>) -> Result<Vec<Plan>, ConversionError> {
    let data: Vec<Range<u64>> = disk
        .extents(window.clone())?
        .iter()
        .filter(|extent| extent.kind == ExtentKind::Data)
        .map(|extent| window.start + extent.offset..window.start + extent.end())
        .collect();
    let mut plans = Vec::new();
    let mut first = 0;
    for start in window.clone().step_by(BLOCK_SIZE as usize) {
        let end = (start + BLOCK_SIZE).min(window.end);
        while data.get(first).is_some_and(|extent| extent.end <= start) {
            first += 1;
        }
        let within = data[first..].iter().take_while(|extent| extent.start < end);
        let extents: Vec<_> = within.map(|extent| extent.start.max(start)..extent.end.min(end)).collect();
        match plans.last_mut() {
            Some(Plan::Zeroes { len, .. }) if extents.is_empty() => *len += end - start,
            _ if extents.is_empty() => plans.push(Plan::Zeroes { start, len: end - start }),
            _ => plans.push(Plan::Data { start, len: end - start, extents }),
        }
    }
    Ok(plans)
}

fn carry_out(disk: &dyn ImageReader, plan: Plan) -> Result<Read, ConversionError> {
    match plan {
        Plan::Zeroes { start, len } => {
            let whole = usize::try_from(len / BLOCK_SIZE).unwrap_or(usize::MAX);
            let mut hashes = vec![*ZERO_BLOCK; whole];
            if len % BLOCK_SIZE > 0 {
                hashes.push(hash_of_zeroes(len % BLOCK_SIZE));
            }
            Ok(Read { start, stretches: vec![Stretch::Zeroes(len)], hashes })
        }
        Plan::Data { start, len, extents } => {
            let mut block = vec![0; usize::try_from(len).unwrap_or_default()];
            for extent in &extents {
                let within = (extent.start - start) as usize..(extent.end - start) as usize;
                disk.read_at(&mut block[within], extent.start)?;
            }
            let hash = *blake3::hash(&block).as_bytes();
            Ok(Read { start, stretches: stretches(block), hashes: vec![hash] })
        }
    }
}

fn hash_of_zeroes(len: u64) -> [u8; 32] {
    *blake3::hash(&vec![0; usize::try_from(len).unwrap_or_default()]).as_bytes()
}

/// Tells pages of zeroes from the rest.
fn stretches(block: Vec<u8>) -> Vec<Stretch> {
    let block = Bytes::from(block);
    let mut found = Vec::new();
    let mut start = 0;
    while start < block.len() {
        let page = |at: usize| &block[at..(at + PAGE).min(block.len())];
        let zero = is_zero(page(start));
        let mut end = start;
        while end < block.len() && is_zero(page(end)) == zero {
            end += page(end).len();
        }
        found.push(if zero {
            Stretch::Zeroes((end - start) as u64)
        } else {
            Stretch::Data(block.slice(start..end))
        });
        start = end;
    }
    found
}

/// The stretches without their first `skip` bytes.
pub(super) fn without_start(stretches: Vec<Stretch>, mut skip: u64) -> Vec<Stretch> {
    let mut rest = Vec::new();
    for stretch in stretches {
        let len = stretch_len(&stretch);
        let cut = skip.min(len);
        skip -= cut;
        match stretch {
            _ if cut == len => {}
            Stretch::Zeroes(len) => rest.push(Stretch::Zeroes(len - cut)),
            Stretch::Data(data) => rest.push(Stretch::Data(data.slice(cut as usize..))),
        }
    }
    rest
}

/// Bytes a stretch stands for.
pub(super) fn stretch_len(stretch: &Stretch) -> u64 {
    match stretch {
        Stretch::Data(data) => data.len() as u64,
        Stretch::Zeroes(len) => *len,
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::FileExt as _;
    use std::path::Path;

    use proptest::prelude::*;
    use scurry_formats::{DiskFormat, read_for_conversion};

    use super::*;

    /// Everything a disk gives, from a block on.
    fn all(path: &Path, from: u64, threads: usize) -> Vec<Read> {
        let disk: Arc<dyn ImageReader> =
            read_for_conversion(File::open(path).unwrap(), path, DiskFormat::Raw).unwrap().into();
        let end = disk.len();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(read(disk, from..end, threads).try_collect()).unwrap()
    }

    fn flat(reads: &[Read]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for stretch in reads.iter().flat_map(|read| &read.stretches) {
            match stretch {
                Stretch::Data(data) => bytes.extend_from_slice(data),
                Stretch::Zeroes(len) => bytes.resize(bytes.len() + *len as usize, 0),
            }
        }
        bytes
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
        #[test]
        fn what_is_read_is_the_file_with_the_hashes_of_its_blocks(
            len in 0_u64..20 * BLOCK_SIZE,
            writes in proptest::collection::vec((0_u64..20 * BLOCK_SIZE, 1_usize..100_000, 0_u8..3), 0..6),
            threads in 1_usize..5,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("disk");
            let file = File::create(&path).unwrap();
            for (at, count, byte) in writes {
                file.write_all_at(&vec![byte; count], at).unwrap();
            }
            file.set_len(len).unwrap();
            let expected = std::fs::read(&path).unwrap();
            let reads = all(&path, 0, threads);
            prop_assert!(flat(&reads) == expected);
            let hashes: Vec<_> = reads.iter().flat_map(|read| read.hashes.clone()).collect();
            let wanted: Vec<_> =
                expected.chunks(BLOCK_SIZE as usize).map(|block| *blake3::hash(block).as_bytes()).collect();
            prop_assert_eq!(hashes, wanted);
        }
    }

    #[test]
    fn reading_begins_at_any_block() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("disk");
        let file = File::create(&path).unwrap();
        file.set_len(40 * BLOCK_SIZE + 5).unwrap();
        file.write_all_at(b"x", 33 * BLOCK_SIZE).unwrap();
        let reads = all(&path, 33 * BLOCK_SIZE, 2);
        assert_eq!(reads[0].start, 33 * BLOCK_SIZE);
        assert_eq!(reads.iter().map(|read| read.hashes.len()).sum::<usize>(), 8);
    }

    #[test]
    fn what_was_sent_is_left_out() {
        let data = |text: &'static str| Stretch::Data(Bytes::from_static(text.as_bytes()));
        let stretches = vec![data("abc"), Stretch::Zeroes(5), data("de")];
        assert_eq!(without_start(stretches.clone(), 4), vec![Stretch::Zeroes(4), data("de")]);
        assert_eq!(without_start(stretches.clone(), 9), vec![data("e")]);
        assert_eq!(without_start(stretches, 10), vec![]);
    }
}
