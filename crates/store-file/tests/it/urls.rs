// SPDX-License-Identifier: Apache-2.0
//! Nothing outside the data directories is ever opened or removed.

use scurry_store::{Store, StoreErrorKind};
use scurry_types::ImageId;

use crate::{store, write};

#[tokio::test]
async fn urls_out_of_the_store_are_invalid() {
    let dir = tempfile::tempdir().unwrap();
    let (inside, outside) = (dir.path().join("inside"), dir.path().join("outside"));
    std::fs::create_dir_all(&outside).unwrap();
    let store = store(&inside);
    let image = ImageId::random();
    let object = write(&store, &image, b"mine").await;
    std::fs::write(outside.join(image.as_str()), b"precious").unwrap();
    std::fs::write(inside.join("secrets"), b"precious").unwrap();
    let (inside, outside) = (inside.display(), outside.display());
    for url in [
        format!("file://{outside}/{image}"),
        format!("file://{inside}/../outside/{image}"),
        format!("file://{inside}/secrets"),
        format!("file://{inside}/{image}/."),
        format!("file://{inside}/{image}/../secrets"),
        format!("file://{inside}/%2e%2e/outside/{image}"),
        format!("file://localhost{inside}/{image}"),
        format!("filesystem://{inside}/{image}"),
        format!("file://{inside}"),
        format!("{inside}/{image}"),
    ] {
        assert_eq!(store.delete(&url).await.unwrap_err().kind, StoreErrorKind::Invalid, "{url}");
        assert_eq!(store.open_read(&url).await.unwrap_err().kind, StoreErrorKind::Invalid, "{url}");
    }
    assert_eq!(store.open_read(&object.url).await.unwrap().len(), 4);
    assert!(dir.path().join("outside").join(image.as_str()).exists());
    assert!(dir.path().join("inside/secrets").exists());
}

#[tokio::test]
async fn what_is_not_a_file_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let (fifo, folder) = (ImageId::random(), ImageId::random());
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    let path = dir.path().join(fifo.as_str());
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    std::fs::create_dir(dir.path().join(folder.as_str())).unwrap();
    for image in [fifo, folder] {
        let url = format!("file://{}/{image}", dir.path().display());
        assert_eq!(store.open_read(&url).await.unwrap_err().kind, StoreErrorKind::Invalid);
    }
}
