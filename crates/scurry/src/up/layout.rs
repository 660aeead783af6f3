// SPDX-License-Identifier: Apache-2.0
//! What lies where in the data directory of `scurry up`, and the lock that keeps a second process out.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The data directory, ours alone as long as this lives.
#[derive(Debug)]
pub(crate) struct Layout {
    root: PathBuf,
    _lock: File,
}

/// The data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LayoutError {
    #[error("cannot use data directory {}: choose one you may write to with --data-dir", path.display())]
    Unusable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("data directory {} is in use by another scurry: stop that one or choose another --data-dir", path.display())]
    InUse { path: PathBuf },
    #[error("cannot write {}", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl Layout {
    /// Makes the directory when it is missing and locks it.
    pub(crate) fn open(path: &Path) -> Result<Self, LayoutError> {
        let unusable = |source| LayoutError::Unusable { path: path.to_owned(), source };
        // Databases and volumes hold other people's data: whatever this process makes is its user's alone, also in
        // a directory that was there before and is open to all.
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(unusable)?;
        let root = path.canonicalize().map_err(unusable)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(root.join("lock"))
            .map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { root, _lock: lock }),
            Err(fs::TryLockError::WouldBlock) => Err(LayoutError::InUse { path: root }),
            Err(fs::TryLockError::Error(source)) => Err(unusable(source)),
        }
    }

    /// The directory itself, absolute.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A file or folder in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Replaces a file that only its owner may read; wholly old or wholly new after a crash.
    pub(crate) fn write_private(&self, name: &str, content: &str) -> Result<PathBuf, LayoutError> {
        let path = self.path(name);
        let temporary = self.path(&format!("{name}.new"));
        let write = || -> io::Result<()> {
            let mut file =
                OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&temporary)?;
            file.write_all(content.as_bytes())?;
            file.sync_all()?;
            fs::rename(&temporary, &path)
        };
        write().map_err(|source| LayoutError::Write { path: path.clone(), source })?;
        Ok(path)
    }

    /// Writes a file only if it is not there: from then on it is the operator's.
    pub(crate) fn write_once(&self, name: &str, content: &str) -> Result<PathBuf, LayoutError> {
        let path = self.path(name);
        if path.exists() { Ok(path) } else { self.write_private(name, content) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_user_and_keeps_what_the_operator_wrote() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        let layout = Layout::open(&path).unwrap();
        assert!(matches!(Layout::open(&path), Err(LayoutError::InUse { .. })));
        layout.write_once("x.conf", "first").unwrap();
        layout.write_once("x.conf", "second").unwrap();
        assert_eq!(fs::read_to_string(layout.path("x.conf")).unwrap(), "first");
        drop(layout);
        Layout::open(&path).unwrap();
    }

    #[test]
    fn a_file_in_the_way_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let error = Layout::open(&file.join("data")).unwrap_err();
        assert!(error.to_string().contains("file/data"), "{error}");
    }
}
