// SPDX-License-Identifier: Apache-2.0
//! The data directories of a store: made and probed at the start, chosen among for every image.

use std::cmp::Reverse;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use scurry_store::{StoreError, StoreErrorKind};
use scurry_types::ImageId;

use crate::error::Deed;
use crate::name::{self, Name};
use crate::reflink;
use crate::{FileStoreConfig, FileStoreError};

/// All directories of a store, those to be filled first in front.
#[derive(Debug)]
pub(crate) struct Directories {
    own: Vec<Directory>,
    /// Directories of other stores that clones may be made from.
    trusted: Vec<PathBuf>,
}

/// One data directory.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    path: PathBuf,
    /// The same as text, for urls.
    text: String,
    priority: i64,
    /// Files can share blocks here.
    pub(crate) reflink: bool,
    /// Number of the device that holds the file system.
    device: u64,
}

impl Directories {
    /// Makes missing directories and checks that all can be written to.
    pub(crate) fn open(config: &FileStoreConfig) -> Result<Self, FileStoreError> {
        let store = &config.id;
        let mut own: Vec<Directory> = Vec::new();
        for datadir in &config.datadirs {
            let path = &datadir.path;
            let text = path.to_str().filter(|text| path.is_absolute() && !text.contains(char::is_control));
            let Some(text) = text else {
                return Err(FileStoreError::InvalidPath { store: store.clone(), path: path.clone() });
            };
            if own.iter().any(|other| other.path == *path) {
                return Err(FileStoreError::Duplicate { store: store.clone(), path: path.clone() });
            }
            fs::create_dir_all(path).map_err(|source| FileStoreError::Create {
                store: store.clone(),
                path: path.clone(),
                source,
            })?;
            let reflink = reflink::probe(path).map_err(|source| FileStoreError::NotWritable {
                store: store.clone(),
                path: path.clone(),
                source,
            })?;
            let device = fs::metadata(path).map_err(|source| FileStoreError::NotWritable {
                store: store.clone(),
                path: path.clone(),
                source,
            })?;
            own.push(Directory {
                path: path.clone(),
                text: text.to_owned(),
                priority: datadir.priority,
                reflink,
                device: device.dev(),
            });
        }
        if own.is_empty() {
            return Err(FileStoreError::NoDirectory { store: store.clone() });
        }
        own.sort_by_key(|directory| Reverse(directory.priority));
        Ok(Self { own, trusted: config.clone_from.clone() })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Directory> {
        self.own.iter()
    }

    /// The file system that all directories are on, if it is one only and its files can share blocks.
    pub(crate) fn shared_blocks(&self) -> Option<u64> {
        let device = self.own.first()?.device;
        self.own.iter().all(|own| own.reflink && own.device == device).then_some(device)
    }

    /// The directories with room for `len` bytes, the one to take first in front.
    pub(crate) fn with_room(&self, len: u64, deed: Deed<'_>) -> Result<Vec<&Directory>, StoreError> {
        let mut found = Vec::new();
        let mut failure = None;
        for directory in &self.own {
            match directory.free() {
                Ok(free) if free >= len => found.push((directory, free)),
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(store.id = %deed.store, path = %directory.text, %error, "a data directory does not answer");
                    failure = Some((directory, error));
                }
            }
        }
        found.sort_by_key(|(directory, free)| (Reverse(directory.priority), Reverse(*free)));
        match failure {
            _ if !found.is_empty() => Ok(found.into_iter().map(|(directory, _)| directory).collect()),
            Some((directory, error)) => {
                Err(deed.failed(format!("cannot ask {} for free space", directory.text), error))
            }
            None => {
                let message = format!("no data directory has room for {len} bytes");
                Err(deed.refused(StoreErrorKind::Full, message))
            }
        }
    }

    /// Path and meaning of a url of this store; anything else is refused, whatever tricks it is made of.
    pub(crate) fn locate(&self, url: &str, deed: Deed<'_>) -> Result<(PathBuf, Name), StoreError> {
        name::read_url(url)
            .filter(|(directory, ..)| self.own.iter().any(|own| own.path == *directory))
            .map(|(_, path, name)| (path, name))
            .ok_or_else(|| {
                deed.refused(StoreErrorKind::Invalid, format!("{url:?} is not an image file of this store"))
            })
    }

    /// Whether a url is one of an image file here.
    pub(crate) fn holds(&self, url: &str) -> bool {
        name::read_url(url).is_some_and(|(directory, ..)| self.own.iter().any(|own| own.path == directory))
    }

    /// Path of a finished image, of this store or of one that is trusted, that may be cloned.
    pub(crate) fn locate_source(&self, url: &str) -> Option<PathBuf> {
        let (directory, path, name) = name::read_url(url)?;
        let known = self.own.iter().any(|own| own.path == directory) || self.trusted.contains(&directory);
        (known && matches!(name, Name::Finished(_))).then_some(path)
    }

    /// The finished file of an image, if there is one.
    pub(crate) fn finished(&self, image: &ImageId) -> io::Result<Option<PathBuf>> {
        for directory in &self.own {
            let path = directory.path.join(image.as_str());
            if path.try_exists()? {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }
}

impl Directory {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn url(&self, name: &str) -> String {
        name::url(&self.text, name)
    }

    /// Bytes an unprivileged process can still write.
    fn free(&self) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(&self.path)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    /// All files of this store in the directory, with their names.
    pub(crate) fn list(&self) -> io::Result<Vec<(String, Name)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let file = entry?.file_name();
            if let Some(text) = file.to_str() {
                found.extend(Name::read(text).map(|name| (text.to_owned(), name)));
            }
        }
        Ok(found)
    }

    /// Makes names given and taken here durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        sync(&self.path)
    }

    /// Makes a new part file for an image; the answer is its name and the file.
    pub(crate) fn create_part(&self, image: &ImageId) -> io::Result<(String, File)> {
        let name = name::part(image);
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(self.path.join(&name))?;
        Ok((name, file))
    }
}

impl Directory {
    /// Opens a part file that is there; `None` when it is not, or is no regular file.
    pub(crate) fn open_part(&self, name: &str) -> io::Result<Option<File>> {
        let path = self.path.join(name);
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_file() => Ok(Some(OpenOptions::new().read(true).write(true).open(path)?)),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Makes names given and taken in a directory durable.
pub(crate) fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}
