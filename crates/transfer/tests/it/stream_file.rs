// SPDX-License-Identifier: Apache-2.0
//! Files as bodies of downloads: holes, what is in memory, and files that change under the reader.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use proptest::prelude::*;
use scurry_store::{Store, StoreErrorKind, StoreReader, WriteSpec};
use scurry_store_file::{FileStore, FileStoreConfig};
use scurry_testkit::pattern;
use scurry_transfer::{MemoryBudget, read_stream};
use scurry_types::ImageId;

use crate::bench::{MIB, assert_same, runtime};

/// An image file and the directory it is in.
struct Stored {
    _dir: tempfile::TempDir,
    store: FileStore,
    url: String,
    path: PathBuf,
}

impl Stored {
    /// An image of `len` bytes that holds `parts`.
    async fn new(len: usize, parts: &[(usize, Vec<u8>)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = FileStore::open(FileStoreConfig::new("local", dir.path())).unwrap();
        let image = ImageId::random();
        let spec = WriteSpec { image: image.clone(), owner: None, len: Some(len as u64) };
        let writer = store.begin_write(&spec).await.unwrap();
        for (offset, data) in parts {
            writer.write_at(*offset as u64, Bytes::from(data.clone())).await.unwrap();
        }
        let url = writer.commit(len as u64).await.unwrap().url;
        let path = dir.path().join(image.as_str());
        Self { _dir: dir, store, url, path }
    }

    async fn open(&self) -> Arc<dyn StoreReader> {
        self.store.open_read(&self.url).await.unwrap()
    }

    fn cut(&self, len: u64) {
        File::options().write(true).open(&self.path).unwrap().set_len(len).unwrap();
    }

    /// Drops what the page cache has of the file, as far as the kernel does it.
    fn forget(&self) {
        let file = File::open(&self.path).unwrap();
        file.sync_all().unwrap();
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
    }
}

/// What `read_stream` gives.
async fn download(stored: &Stored, range: std::ops::Range<u64>, budget: &MemoryBudget) -> Vec<u8> {
    let pieces: Vec<_> = read_stream(stored.open().await, range, budget).try_collect().await.unwrap();
    assert!(pieces.iter().all(|piece| !piece.is_empty()));
    pieces.concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_range_of_any_layout_comes_as_it_is(
        len in 1..12 * MIB,
        parts in prop::collection::vec((0..12 * MIB, 1..2 * MIB), 0..6),
        ranges in prop::collection::vec((0..12 * MIB, 0..12 * MIB), 1..6),
        cold in any::<bool>(),
        budget in prop::sample::select(vec![64_usize << 10, 8 * MIB, 64 * MIB]),
    ) {
        let mut content = vec![0; len];
        let mut written = Vec::new();
        for (seed, (offset, part)) in parts.into_iter().enumerate() {
            let end = (offset + part).min(len);
            if offset < end {
                let data = pattern(seed as u64, end - offset);
                content[offset..end].copy_from_slice(&data);
                written.push((offset, data));
            }
        }
        runtime().block_on(async {
            let stored = Stored::new(len, &written).await;
            let budget = MemoryBudget::new(budget as u64);
            for (start, count) in ranges {
                if cold {
                    stored.forget();
                }
                let (start, end) = (start.min(len), (start + count).min(len));
                let bytes = download(&stored, start as u64..(start + count) as u64, &budget).await;
                assert_same(&bytes, &content[start..end.max(start)]);
                assert_eq!(budget.in_use(), 0);
            }
        });
    }
}

#[tokio::test]
async fn holes_are_not_read() {
    let stored = Stored::new(4 << 30, &[(2 << 30, b"data".to_vec())]).await;
    let body = read_stream(stored.open().await, 0..u64::MAX, &MemoryBudget::new(64 << 20));
    let pieces: Vec<_> = body.try_collect().await.unwrap();
    assert_eq!(pieces.iter().map(|piece| piece.len() as u64).sum::<u64>(), 4 << 30);
    let held: Vec<_> = pieces.iter().filter(|piece| piece.as_ptr() != pieces[0].as_ptr()).collect();
    assert!(held.iter().map(|piece| piece.len()).sum::<usize>() <= MIB, "zeroes share their memory");
    assert!(held[0].starts_with(b"data"));
}

#[tokio::test]
async fn a_file_that_is_cut_breaks_its_downloads_off() {
    let stored = Stored::new(24 * MIB, &[(0, pattern(1, 24 * MIB))]).await;
    for left in [0, 5 * MIB + 1, 24 * MIB - 1] {
        let mut body = Box::pin(read_stream(stored.open().await, 0..u64::MAX, &MemoryBudget::new(64 << 20)));
        let mut received = body.next().await.unwrap().unwrap().to_vec();
        stored.cut(left as u64);
        let error = loop {
            match body.next().await.expect("it does not end as if it were whole") {
                Ok(piece) => received.extend_from_slice(&piece),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind, StoreErrorKind::Corrupt);
        assert!(body.next().await.is_none());
        assert!(received.len() < 24 * MIB);
        assert_same(&received, &pattern(1, 24 * MIB)[..received.len()]);
        File::options()
            .write(true)
            .open(&stored.path)
            .unwrap()
            .write_all_at(&pattern(1, 24 * MIB), 0)
            .unwrap();
    }
}

#[tokio::test]
async fn what_a_sparse_file_lost_is_no_hole() {
    let stored = Stored::new(64 * MIB, &[(0, pattern(1, MIB))]).await;
    let reader = stored.open().await;
    stored.cut(32 * MIB as u64);
    assert_eq!(reader.extents(0..64 * MIB as u64).await.unwrap_err().kind, StoreErrorKind::Corrupt);
    let body: Result<Vec<_>, _> =
        read_stream(reader, 0..u64::MAX, &MemoryBudget::new(64 << 20)).try_collect().await;
    assert_eq!(body.unwrap_err().kind, StoreErrorKind::Corrupt);
}
