// SPDX-License-Identifier: Apache-2.0
//! Sources that are not what they were, and targets that fail while copying.

use std::sync::Arc;

use scurry_store::{Operation, Store, StoreErrorKind};
use scurry_testkit::{MemoryStore, pattern};
use scurry_transfer::{CopyError, CopySpec, Failed, MemoryBudget, OnFailure, TargetOutcome, copy};
use scurry_types::{BLOCK_SIZE, BlockHashes, ImageId};

use crate::bench::{MIB, assert_same, begin, blocks, commit, copy_spec, digests};

struct Setting {
    source: MemoryStore,
    url: String,
    content: Vec<u8>,
    a: MemoryStore,
    b: MemoryStore,
}

impl Setting {
    fn new(len: usize) -> Self {
        let source = MemoryStore::new("source");
        let mut content = pattern(6, len);
        content[MIB..2 * MIB].fill(0);
        let url = source.put(&ImageId::random(), &content).url;
        Self { source, url, content, a: MemoryStore::new("a"), b: MemoryStore::new("b") }
    }

    async fn copy(&self, spec: CopySpec) -> Result<scurry_transfer::Copied, Failed<CopyError>> {
        let targets = begin(&[&self.a, &self.b], &ImageId::random()).await;
        let reader = self.source.open_read(&self.url).await.unwrap();
        copy(reader, targets, spec, &MemoryBudget::new(8 << 20)).await
    }

    fn assert_nothing_stays(&self) {
        assert!(self.a.urls().is_empty() && self.b.urls().is_empty());
        assert_eq!(self.source.open_readers(), 0);
    }
}

#[tokio::test]
async fn a_changed_byte_is_found_and_its_block_named() {
    let setting = Setting::new(11 * MIB);
    setting.source.tamper(&setting.url, BLOCK_SIZE + 5, &[0]);
    let failed = setting.copy(copy_spec(Some(blocks(&setting.content)))).await.unwrap_err();
    match failed.error {
        CopyError::Corrupt { block, offset } => assert_eq!((block, offset), (1, BLOCK_SIZE)),
        error => panic!("{error}"),
    }
    setting.assert_nothing_stays();
}

#[tokio::test]
async fn data_that_became_a_hole_is_found() {
    let setting = Setting::new(11 * MIB);
    setting.source.punch(&setting.url, 2 * BLOCK_SIZE, 3 * MIB as u64);
    let failed = setting.copy(copy_spec(Some(blocks(&setting.content)))).await.unwrap_err();
    assert!(matches!(failed.error, CopyError::Corrupt { block: 2, .. }), "{failed}");
    setting.assert_nothing_stays();
}

#[tokio::test]
async fn a_wrong_digest_is_found_without_block_hashes() {
    let setting = Setting::new(3 * MIB);
    let mut spec = copy_spec(None);
    spec.digests = Some(digests(&setting.content));
    setting.source.tamper(&setting.url, 3 * MIB as u64 - 1, &[0]);
    let failed = setting.copy(spec).await.unwrap_err();
    assert!(matches!(failed.error, CopyError::WrongDigest { algorithm: "md5", .. }), "{failed}");
    setting.assert_nothing_stays();
}

#[tokio::test]
async fn a_source_of_another_length_is_refused_unread() {
    let setting = Setting::new(3 * MIB);
    let expected = BlockHashes { image_len: 5, hashes: vec![[0; 32]] };
    let failed = setting.copy(copy_spec(Some(expected))).await.unwrap_err();
    assert!(matches!(failed.error, CopyError::WrongLength { expected: 5, .. }), "{failed}");
    assert_eq!(setting.source.faults().count(Operation::Read), 0);
    setting.assert_nothing_stays();
}

#[tokio::test]
async fn a_source_that_cannot_be_read_fails_the_copy() {
    let setting = Setting::new(11 * MIB);
    setting.source.faults().fail_nth(Operation::Read, 3, StoreErrorKind::Unavailable);
    let failed = setting.copy(copy_spec(None)).await.unwrap_err();
    let CopyError::Source(error) = &failed.error else { panic!("{failed}") };
    assert_eq!((error.store.as_str(), error.kind), ("source", StoreErrorKind::Unavailable));
    setting.assert_nothing_stays();
}

#[tokio::test]
async fn a_failing_target_is_dropped_or_takes_all_with_it() {
    for policy in [OnFailure::DropTarget, OnFailure::AbortAll] {
        let setting = Setting::new(11 * MIB);
        setting.b.faults().fail_nth(Operation::Write, 3, StoreErrorKind::Full);
        let mut spec = copy_spec(Some(blocks(&setting.content)));
        spec.on_target_failure = policy;
        match (policy, setting.copy(spec).await) {
            (OnFailure::AbortAll, Err(failed)) => {
                assert!(matches!(&failed.error, CopyError::AllTargetsFailed(errors) if errors.len() == 1));
                setting.assert_nothing_stays();
            }
            (OnFailure::DropTarget, Ok(mut copied)) => {
                let failed = copied.targets.pop().unwrap();
                assert!(matches!(failed, TargetOutcome::Failed { left_behind: false, .. }), "{failed:?}");
                let object = commit(copied.targets.pop().unwrap(), setting.content.len() as u64).await;
                assert_same(&setting.a.content(&object.url).unwrap(), &setting.content);
                assert!(setting.b.urls().is_empty());
            }
            (_, other) => panic!("{policy:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn cancelled_it_leaves_nothing() {
    let setting = Arc::new(Setting::new(11 * MIB));
    let mut gate = setting.source.faults().hold(Operation::Read);
    let spec = copy_spec(None);
    let cancel = spec.cancel.clone();
    let task = tokio::spawn({
        let setting = Arc::clone(&setting);
        async move { setting.copy(spec).await.map(drop) }
    });
    gate.reached().await;
    cancel.cancel();
    let failed = task.await.unwrap().unwrap_err();
    assert!(matches!(failed.error, CopyError::Cancelled), "{failed}");
    assert!(setting.a.urls().is_empty() && setting.b.urls().is_empty());
}

#[tokio::test]
async fn nothing_of_a_corrupt_block_is_written() {
    let setting = Setting::new(5 * MIB);
    setting.source.tamper(&setting.url, BLOCK_SIZE, &[0xff]);
    let spec = copy_spec(Some(blocks(&setting.content)));
    let mut gate = setting.b.faults().hold(Operation::Abort);
    let copying = setting.copy(spec);
    let looking = async {
        gate.reached().await;
        // What is there before the target is gone: the good block at most.
        let written = setting.b.faults().count(Operation::Write);
        drop(gate);
        written
    };
    let (failed, written) = tokio::join!(copying, looking);
    assert!(matches!(failed.unwrap_err().error, CopyError::Corrupt { block: 1, .. }));
    assert!(written <= 2, "{written} writes");
}
