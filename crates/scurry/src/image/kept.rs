// SPDX-License-Identifier: Apache-2.0
//! Which image an upload of a file belongs to, kept until it is complete: `--resume` finds it there.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::source::{Source, Stamp};

/// An upload that was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Begun {
    image: String,
    service: String,
    file: PathBuf,
    stamp: Stamp,
    disk_format: String,
}

/// Where an upload's note is; without a home there is none.
#[derive(Debug)]
pub(super) struct Kept {
    path: Option<PathBuf>,
    service: String,
    file: PathBuf,
}

impl Kept {
    /// The note of this file at the image service of that address.
    pub(super) fn of(file: &Path, service: &str) -> Self {
        let file = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
        let mut hasher = blake3::Hasher::new();
        hasher.update(service.as_bytes()).update(b"\0").update(file.as_os_str().as_bytes());
        let name = format!("{}.json", hasher.finalize().to_hex());
        Self { path: folder().map(|folder| folder.join(name)), service: service.to_owned(), file }
    }

    /// The image begun with the very same file; a file that changed since is another one.
    pub(super) fn image(&self, source: &Source) -> Option<String> {
        let text = std::fs::read(self.path.as_ref()?).ok()?;
        let begun: Begun = serde_json::from_slice(&text).ok()?;
        let same = begun == self.begun(&begun.image, source);
        same.then_some(begun.image)
    }

    /// Remembers the image. Failing costs only the comfort: `--image ID` finds it too.
    pub(super) fn keep(&self, image: &str, source: &Source) {
        let write = || -> Option<()> {
            let path = self.path.as_ref()?;
            std::fs::create_dir_all(path.parent()?).ok()?;
            let text = serde_json::to_vec(&self.begun(image, source)).ok()?;
            std::fs::write(path, text).ok()
        };
        if write().is_none() {
            tracing::warn!("the upload cannot be noted: after a break, go on with --image {image}");
        }
    }

    /// The upload is complete, or will never be.
    pub(super) fn forget(&self) {
        if let Some(path) = &self.path {
            let _ = std::fs::remove_file(path);
        }
    }

    fn begun(&self, image: &str, source: &Source) -> Begun {
        Begun {
            image: image.to_owned(),
            service: self.service.clone(),
            file: self.file.clone(),
            stamp: source.stamp().clone(),
            disk_format: source.disk_format.clone(),
        }
    }
}

fn folder() -> Option<PathBuf> {
    let state = std::env::var_os("XDG_STATE_HOME")
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".local/state")))?;
    Some(state.join("scurry/uploads"))
}
