// SPDX-License-Identifier: Apache-2.0
//! Image files on their way.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use scurry_store::{Operation, StoreError, StoreErrorKind, StoreWriter, StoredObject};
use scurry_types::{ImageId, StoreId};
use scurry_volume_file::{punch, write_uncached};
use tokio::sync::Mutex;

use crate::directory::{Directories, Directory};
use crate::error::{Deed, blocking};

/// A part file that is being written.
#[derive(Debug)]
pub(crate) struct FileWriter {
    store: StoreId,
    url: String,
    file: Arc<File>,
    /// The kernel writes a file's pages one call after the other, and calls that wait for that keep a core busy.
    turn: Mutex<()>,
    part: Part,
}

/// Where a part file is and what it is to become.
#[derive(Debug, Clone)]
struct Part {
    path: PathBuf,
    image: ImageId,
    directory: Directory,
    directories: Arc<Directories>,
    file_perm: Option<u32>,
}

impl FileWriter {
    /// Makes the part file.
    pub(crate) fn create(
        store: &StoreId,
        directories: &Arc<Directories>,
        directory: &Directory,
        image: &ImageId,
        file_perm: Option<u32>,
    ) -> io::Result<Self> {
        let (name, file) = directory.create_part(image)?;
        let part = Part {
            path: directory.path().join(&name),
            image: image.clone(),
            directory: directory.clone(),
            directories: Arc::clone(directories),
            file_perm,
        };
        Ok(Self {
            store: store.clone(),
            url: directory.url(&name),
            file: Arc::new(file),
            turn: Mutex::default(),
            part,
        })
    }

    /// Opens the part file of that name again; `None` when it is gone.
    pub(crate) fn resume(
        store: &StoreId,
        directories: &Arc<Directories>,
        directory: &Directory,
        name: &str,
        image: &ImageId,
        file_perm: Option<u32>,
    ) -> io::Result<Option<Self>> {
        let Some(file) = directory.open_part(name)? else { return Ok(None) };
        let part = Part {
            path: directory.path().join(name),
            image: image.clone(),
            directory: directory.clone(),
            directories: Arc::clone(directories),
            file_perm,
        };
        Ok(Some(Self {
            store: store.clone(),
            url: directory.url(name),
            file: Arc::new(file),
            turn: Mutex::default(),
            part,
        }))
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Removes the part file.
    pub(crate) fn remove(&self) -> io::Result<()> {
        remove(&self.part.path)
    }

    /// Makes the part file durable and gives it its name.
    pub(crate) fn finish(&self, len: u64, deed: Deed<'_>) -> Result<StoredObject, StoreError> {
        let Part { path, image, directory, directories, file_perm } = &self.part;
        let result = (|| {
            let failed = |what: &str| {
                let message = format!("cannot {what} {}", path.display());
                move |error: io::Error| deed.failed(message, error)
            };
            self.file.set_len(len).map_err(failed("set the length of"))?;
            if let Some(mode) = *file_perm {
                let permissions = Permissions::from_mode(mode & 0o7777);
                self.file.set_permissions(permissions).map_err(failed("set the permissions of"))?;
            }
            self.file.sync_all().map_err(failed("make durable"))?;
            // The name itself is guarded by the rename; this guards the other directories.
            if let Some(other) = directories.finished(image).map_err(failed("look beside"))? {
                let message = format!("image file {} is there already", other.display());
                return Err(deed.refused(StoreErrorKind::AlreadyExists, message));
            }
            rename_new(path, &directory.path().join(image.as_str())).map_err(failed("rename"))
        })();
        if let Err(error) = result {
            if let Err(error) = remove(path) {
                tracing::error!(store.id = %deed.store, path = %path.display(), %error, "a part file is left behind");
            }
            return Err(error);
        }
        directory
            .sync()
            .map_err(|error| deed.failed(format!("cannot make {} durable", directory.text()), error))?;
        Ok(StoredObject { url: directory.url(image.as_str()), len })
    }
}

/// Gives a file a name that no other file has.
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // NFS among others cannot rename like this, but a hard link never replaces a file either.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            fs::hard_link(from, to)?;
            fs::remove_file(from)
        }
        result => Ok(result?),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Fills the front of `data` with what the file has at `offset`.
fn read_up_to(file: &File, mut data: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !data.is_empty() {
        match file.read_at(data, offset) {
            Ok(0) => return Ok(()),
            Ok(read) => {
                offset += read as u64;
                data = &mut data[read..];
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[async_trait]
impl StoreWriter for FileWriter {
    fn url(&self) -> &str {
        &self.url
    }

    async fn write_at(&self, offset: u64, data: Bytes) -> Result<(), StoreError> {
        let file = Arc::clone(&self.file);
        let _turn = self.turn.lock().await;
        blocking(&self.store, Operation::Write, move |deed| {
            write_uncached(&file, &data, offset).map_err(|error| {
                deed.failed(format!("cannot write {} bytes at byte {offset}", data.len()), error)
            })
        })
        .await
    }

    async fn write_zeroes(&self, offset: u64, len: u64) -> Result<(), StoreError> {
        let file = Arc::clone(&self.file);
        blocking(&self.store, Operation::Write, move |deed| {
            punch(&file, offset, len)
                .map_err(|error| deed.failed(format!("cannot write {len} zeroes at byte {offset}"), error))
        })
        .await
    }

    async fn sync(&self) -> Result<(), StoreError> {
        let file = Arc::clone(&self.file);
        blocking(&self.store, Operation::Sync, move |deed| {
            file.sync_data().map_err(|error| deed.failed("cannot make the part file durable", error))
        })
        .await
    }

    async fn read_back(&self, offset: u64, len: usize) -> Result<Bytes, StoreError> {
        let file = Arc::clone(&self.file);
        blocking(&self.store, Operation::Read, move |deed| {
            let mut data = vec![0; len];
            // Zeroes that were never written may lie behind the end of the file.
            read_up_to(&file, &mut data, offset).map_err(|error| {
                deed.failed(format!("cannot read {len} bytes back at byte {offset}"), error)
            })?;
            Ok(data.into())
        })
        .await
    }

    async fn commit(self: Box<Self>, len: u64) -> Result<StoredObject, StoreError> {
        let store = self.store.clone();
        blocking(&store, Operation::Commit, move |deed| self.finish(len, deed)).await
    }

    async fn abort(self: Box<Self>) -> Result<(), StoreError> {
        let store = self.store.clone();
        blocking(&store, Operation::Abort, move |deed| {
            self.remove().map_err(|error| {
                deed.failed(format!("cannot remove part file {}", self.part.path.display()), error)
            })
        })
        .await
    }
}
