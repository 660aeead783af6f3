// SPDX-License-Identifier: Apache-2.0
//! What the tests share: layouts of bytes, stores, and the digests to expect.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, stream};
use md5::Md5;
use proptest::prelude::*;
use scurry_store::{Store, StoredObject, WriteSpec};
use scurry_testkit::{MemoryStore, pattern};
use scurry_transfer::{CopySpec, IngestSpec, OnFailure, OpenTarget, Progress, Target, TargetOutcome};
use scurry_types::{BLOCK_SIZE, BlockHashes, Digests, HashAlgorithm, ImageId};
use sha2::{Digest, Sha512};
use tokio_util::sync::CancellationToken;

pub(crate) const MIB: usize = 1 << 20;

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

pub(crate) fn ingest_spec(on_target_failure: OnFailure) -> IngestSpec {
    IngestSpec {
        algorithm: HashAlgorithm::Sha512,
        declared_len: None,
        max_len: u64::MAX,
        inspect: true,
        on_target_failure,
        progress: Arc::new(Progress::new()),
        cancel: CancellationToken::new(),
        resume: None,
        checkpoints: None,
        suspendable: false,
    }
}

pub(crate) fn copy_spec(expected: Option<BlockHashes>) -> CopySpec {
    CopySpec {
        expected,
        digests: None,
        written: BTreeMap::new(),
        checkpoints: None,
        on_target_failure: OnFailure::AbortAll,
        progress: Arc::new(Progress::new()),
        cancel: CancellationToken::new(),
    }
}

/// A store whose space is dirty until it is written.
pub(crate) fn dirty(id: &str) -> MemoryStore {
    MemoryStore::new(id).with_capability(|capability| capability.fresh_is_zero = false)
}

pub(crate) async fn begin(stores: &[&MemoryStore], image: &ImageId) -> Vec<Target> {
    let spec = WriteSpec { image: image.clone(), owner: None, len: None };
    let mut targets = Vec::new();
    for store in stores {
        targets.push(Target {
            store: store.facts().id.clone(),
            writer: store.begin_write(&spec).await.unwrap(),
            capability: store.capability(),
        });
    }
    targets
}

/// The body as an HTTP server would hand it over, in chunks of the given lengths, over and over.
pub(crate) fn body(
    content: &[u8],
    chunks: &[usize],
) -> impl Stream<Item = Result<Bytes, Infallible>> + Send + use<> {
    let mut rest = Bytes::copy_from_slice(content);
    let mut parts = Vec::new();
    for len in chunks.iter().copied().cycle() {
        if rest.is_empty() {
            break;
        }
        parts.push(Ok(rest.split_to(len.min(rest.len()))));
    }
    stream::iter(parts)
}

pub(crate) async fn commit(outcome: TargetOutcome, len: u64) -> StoredObject {
    written(outcome).commit(len).await.unwrap()
}

pub(crate) fn written(outcome: TargetOutcome) -> OpenTarget {
    match outcome {
        TargetOutcome::Written(open) => open,
        TargetOutcome::Failed { store, error, .. } => panic!("{store} failed: {error}"),
    }
}

pub(crate) fn digests(content: &[u8]) -> Digests {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    Digests {
        checksum: hex(&Md5::digest(content)),
        os_hash_algo: HashAlgorithm::Sha512,
        os_hash_value: hex(&Sha512::digest(content)),
    }
}

pub(crate) fn blocks(content: &[u8]) -> BlockHashes {
    let hashes = content.chunks(BLOCK_SIZE as usize).map(|block| *blake3::hash(block).as_bytes()).collect();
    BlockHashes { image_len: content.len() as u64, hashes }
}

/// Some MiB of data and zeroes in stretches that mind no alignment at all.
pub(crate) fn layout() -> impl Strategy<Value = Vec<u8>> {
    let stretch = (any::<bool>(), prop_oneof![1_usize..10_000, 4000_usize..4200, 500_000_usize..1_600_000]);
    proptest::collection::vec(stretch, 0..9).prop_map(|stretches| {
        let mut content = Vec::new();
        for (index, (data, len)) in stretches.into_iter().enumerate() {
            if data {
                content.extend(pattern(index as u64, len));
            } else {
                content.resize(content.len() + len, 0);
            }
        }
        content
    })
}

pub(crate) fn assert_same(actual: &[u8], expected: &[u8]) {
    assert_eq!(actual.len(), expected.len());
    assert_eq!(actual.iter().zip(expected).position(|(a, b)| a != b), None, "first differing byte");
}
