// SPDX-License-Identifier: Apache-2.0
//! Clones by reflink, where the file system of TMPDIR has them, and refusals where it has not.

use scurry_store::{CloneOutcome, CloneSource, Store, StoreErrorKind};
use scurry_store_file::{FileStore, FileStoreConfig};
use scurry_testkit::pattern;
use scurry_types::ImageId;

use crate::{files, spec, write};

struct Pair {
    dir: tempfile::TempDir,
    first: FileStore,
    second: FileStore,
}

impl Pair {
    fn new(trust: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        let first = FileStore::open(FileStoreConfig::new("first", &a)).unwrap();
        let mut config = FileStoreConfig::new("second", b);
        config.clone_from = if trust { vec![a] } else { vec![] };
        let second = FileStore::open(config).unwrap();
        Self { dir, first, second }
    }

    async fn source(&self, content: &[u8]) -> (ImageId, CloneSource) {
        let image = ImageId::random();
        let object = write(&self.first, &image, content).await;
        let (store, kind) = ("first".into(), "file".to_owned());
        (image, CloneSource { store, kind, url: object.url, len: object.len })
    }
}

#[tokio::test]
async fn a_trusted_stores_image_is_cloned_or_refused_for_the_file_system() {
    let pair = Pair::new(true);
    let content = pattern(1, 3_000_001);
    let (image, source) = pair.source(&content).await;
    match pair.second.clone_from(&source, &spec(&image, None)).await.unwrap() {
        CloneOutcome::Cloned(object) => {
            assert!(pair.second.capability().clone);
            pair.first.delete(&source.url).await.unwrap();
            let reader = pair.second.open_read(&object.url).await.unwrap();
            assert!(reader.read_at(0, content.len()).await.unwrap() == content);
            let again = pair.second.clone_from(&source, &spec(&ImageId::random(), None)).await.unwrap_err();
            assert_eq!(again.kind, StoreErrorKind::NotFound);
        }
        CloneOutcome::Refused(reason) => {
            assert!(!pair.second.capability().clone);
            assert_eq!(reason, "no data directory is on a file system with reflinks");
            assert!(files(&pair.dir.path().join("b")).is_empty());
        }
    }
}

#[tokio::test]
async fn strangers_images_and_other_lengths_are_refused() {
    let refused = |outcome| match outcome {
        CloneOutcome::Refused(reason) => reason,
        CloneOutcome::Cloned(object) => panic!("{object:?}"),
    };
    let pair = Pair::new(false);
    let (image, source) = pair.source(b"content").await;
    let outcome = pair.second.clone_from(&source, &spec(&image, None)).await.unwrap();
    assert!(refused(outcome).contains("may clone from"));

    let pair = Pair::new(true);
    let (image, source) = pair.source(b"content").await;
    let longer = CloneSource { len: 8, ..source.clone() };
    let outcome = pair.second.clone_from(&longer, &spec(&image, None)).await.unwrap();
    assert!(refused(outcome).contains("7 bytes"));
    let cinder = CloneSource { kind: "cinder".to_owned(), ..source };
    let outcome = pair.second.clone_from(&cinder, &spec(&image, None)).await.unwrap();
    assert!(refused(outcome).contains("not in a file store"));
    assert!(files(&pair.dir.path().join("b")).is_empty());
}

#[tokio::test]
async fn stores_of_one_file_system_name_it_where_it_has_reflinks() {
    let pair = Pair::new(true);
    let (first, second) = (pair.first.backend().await, pair.second.backend().await);
    assert_eq!(first, second);
    assert_eq!(first.is_some(), pair.first.capability().clone);
}
