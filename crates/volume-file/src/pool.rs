// SPDX-License-Identifier: Apache-2.0
//! A directory of volumes, and every change of which files a volume is made of.

mod clone;
mod layers;
mod recover;
mod resize;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use scurry_types::VolumeId;
use uuid::Uuid;

pub use self::clone::{CloneHow, Cloned, Writers};
use self::layers::Layers;
use crate::error::IoContext;
use crate::header::Header;
use crate::name::{self, PoolFile};
use crate::replica::DirtyMark;
use crate::{LayerFormat, Result, VolumeDescriptor, VolumeError, crash, disk};

/// How a pool clones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloneMode {
    /// The file system shares blocks between files (XFS, btrfs).
    Reflink,
    /// Clones are overlays over frozen layers (ext4 and everything else).
    Overlay,
}

/// A directory of volumes; cheap to clone, one at a time over a directory.
#[derive(Debug, Clone)]
pub struct Pool(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    mode: CloneMode,
    /// Held while files change places; never while data is copied.
    layers: Mutex<Layers>,
    /// Keeps other processes' pools away from the directory as long as it is open.
    _lock: File,
}

/// The file a volume's bytes begin in.
#[derive(Debug)]
struct Head {
    path: PathBuf,
    format: LayerFormat,
    /// Length of the volume in bytes.
    len: u64,
    inode: u64,
    /// Shared with a layer: must not be written.
    frozen: bool,
}

impl Pool {
    /// Opens a pool, makes its directory if need be, and ends what a killed process left half done.
    ///
    /// The mode is what the file system can do.
    ///
    /// # Errors
    /// [`VolumeError::PoolInUse`] or [`VolumeError::Io`].
    pub fn open(dir: &Path) -> Result<Self> {
        Self::open_with(dir, None)
    }

    /// As [`Self::open`], in a mode the caller chooses.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(dir: &Path, mode: Option<CloneMode>) -> Result<Self> {
        fs::create_dir_all(dir).or_io("create pool directory", dir)?;
        let dir = dir.canonicalize().or_io("find pool directory", dir)?;
        let lock = lock_pool(&dir)?;
        let layers = recover::recover(&dir)?;
        let mode = match mode {
            Some(mode) => mode,
            None => probe_mode(&dir)?,
        };
        Ok(Self(Arc::new(Inner { dir, mode, layers: Mutex::new(layers), _lock: lock })))
    }

    /// The pool's directory, absolute.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.0.dir
    }

    /// How clones are made.
    #[must_use]
    pub fn mode(&self) -> CloneMode {
        self.0.mode
    }

    /// Bytes the file system has left for this process's user.
    ///
    /// # Errors
    /// [`VolumeError::Io`].
    pub fn free_bytes(&self) -> Result<u64> {
        let stat = rustix::fs::statvfs(self.dir()).or_io("ask for free space of", self.dir())?;
        Ok(stat.f_bavail * stat.f_frsize)
    }

    /// Size of the file system in bytes.
    ///
    /// # Errors
    /// [`VolumeError::Io`].
    pub fn total_bytes(&self) -> Result<u64> {
        let stat = rustix::fs::statvfs(self.dir()).or_io("ask for the size of", self.dir())?;
        Ok(stat.f_blocks * stat.f_frsize)
    }

    /// Makes a volume of `len` bytes, all zero, that takes no space.
    ///
    /// # Errors
    /// [`VolumeError::AlreadyExists`], [`VolumeError::InvalidId`], [`VolumeError::TooLong`] or
    /// [`VolumeError::Io`].
    pub fn create(&self, id: &VolumeId, len: u64) -> Result<()> {
        let _layers = self.lock();
        self.check_new(id, len)?;
        let building = self.building(id);
        let file = disk::create_new(&building.path)?;
        crash::point("create: temporary file made")?;
        file.set_len(len).or_io("set length of", &building.path)?;
        file.sync_all().or_io("sync", &building.path)?;
        building.rename(&name::volume(id, LayerFormat::Flat))?;
        disk::sync_dir(self.dir())
    }

    /// Removes a volume, and the layers nobody else reads.
    ///
    /// # Errors
    /// [`VolumeError::NotFound`], [`VolumeError::InvalidId`] or [`VolumeError::Io`].
    pub fn remove(&self, id: &VolumeId) -> Result<()> {
        let mut layers = self.lock();
        let (path, format) = self.head_path(id)?;
        let inode = path.symlink_metadata().or_io("examine", &path)?.ino();
        let parent = match format {
            // A damaged overlay can be removed like any other; what it stood on is found when the pool is
            // opened next.
            LayerFormat::Overlay => Header::read_path(&path).ok().and_then(|header| header.parent),
            LayerFormat::Flat => None,
        };
        fs::remove_file(&path).or_io("remove", &path)?;
        crash::point("remove: head gone")?;
        let mark = DirtyMark::path(&path);
        match fs::remove_file(&mark) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).or_io("remove", &mark);
            }
            _ => {}
        }
        if let Some(parent) = parent {
            layers.release(self.dir(), &parent)?;
        }
        layers.reap_inode(self.dir(), inode)?;
        disk::sync_dir(self.dir())
    }

    /// Whether there is such a volume.
    #[must_use]
    pub fn exists(&self, id: &VolumeId) -> bool {
        self.head_path(id).is_ok()
    }

    /// The volumes of the pool, in order of their ids.
    ///
    /// # Errors
    /// [`VolumeError::Io`].
    pub fn list(&self) -> Result<Vec<VolumeId>> {
        self.ids(|file| match file {
            PoolFile::Volume(id, _) => Some(id),
            _ => None,
        })
    }

    /// Replicas of this pool whose writer did not end in order: [`resync`](crate::resync) them.
    ///
    /// # Errors
    /// [`VolumeError::Io`].
    pub fn lagging_replicas(&self) -> Result<Vec<VolumeId>> {
        self.ids(|file| match file {
            PoolFile::Dirty(id) => Some(id),
            _ => None,
        })
    }

    /// Bytes of disk that would come free if the volume were removed.
    ///
    /// Blocks that a file system shares between reflinked files are counted in each of them.
    ///
    /// # Errors
    /// [`VolumeError::NotFound`], [`VolumeError::InvalidId`] or [`VolumeError::Io`].
    pub fn usage(&self, id: &VolumeId) -> Result<u64> {
        let layers = self.lock();
        let head = self.head(id)?;
        if head.frozen && layers.refs_of_inode(head.inode) != Some(0) {
            return Ok(0);
        }
        let mut path = head.path;
        let mut format = head.format;
        let mut total = 0;
        loop {
            total += path.symlink_metadata().or_io("examine", &path)?.blocks() * 512;
            if format == LayerFormat::Flat {
                return Ok(total);
            }
            let Some(parent) = Header::read_path(&path)?.parent else { return Ok(total) };
            path = self.dir().join(parent.as_str());
            let links = path.symlink_metadata().or_io("examine", &path)?.nlink();
            if layers.refs(&parent) != 1 || links != 1 {
                return Ok(total);
            }
            format = parent.format();
        }
    }

    /// What a connector needs to open the volume; with `replica`, a pool that keeps a second copy under the
    /// same id, also what it needs to open that.
    ///
    /// # Errors
    /// [`VolumeError::NotFound`] in either pool, [`VolumeError::InvalidId`], [`VolumeError::Corrupt`] or
    /// [`VolumeError::Io`].
    pub fn descriptor(&self, id: &VolumeId, replica: Option<&Self>) -> Result<VolumeDescriptor> {
        let head = {
            let _layers = self.lock();
            self.head(id)?
        };
        let replica = replica.map(|pool| pool.descriptor(id, None)).transpose()?.map(Box::new);
        Ok(VolumeDescriptor { path: head.path, format: head.format, len: head.len, replica })
    }

    fn ids(&self, pick: impl Fn(PoolFile) -> Option<VolumeId>) -> Result<Vec<VolumeId>> {
        let mut ids = BTreeSet::new();
        for entry in fs::read_dir(self.dir()).or_io("list", self.dir())? {
            let name = entry.or_io("list", self.dir())?.file_name();
            ids.extend(name.to_str().map(PoolFile::classify).and_then(&pick));
        }
        Ok(ids.into_iter().collect())
    }

    fn lock(&self) -> MutexGuard<'_, Layers> {
        self.0.layers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check_new(&self, id: &VolumeId, len: u64) -> Result<()> {
        name::check(id)?;
        check_len(len)?;
        if self.exists(id) { Err(VolumeError::AlreadyExists(id.clone())) } else { Ok(()) }
    }

    fn head_path(&self, id: &VolumeId) -> Result<(PathBuf, LayerFormat)> {
        name::check(id)?;
        [LayerFormat::Overlay, LayerFormat::Flat]
            .into_iter()
            .map(|format| (self.dir().join(name::volume(id, format)), format))
            .find(|(path, _)| path.symlink_metadata().is_ok())
            .ok_or_else(|| VolumeError::NotFound(id.clone()))
    }

    fn head(&self, id: &VolumeId) -> Result<Head> {
        let (path, format) = self.head_path(id)?;
        let stat = path.symlink_metadata().or_io("examine", &path)?;
        let len = match format {
            LayerFormat::Flat => stat.len(),
            LayerFormat::Overlay => Header::read_path(&path)?.len,
        };
        Ok(Head { path, format, len, inode: stat.ino(), frozen: stat.nlink() > 1 })
    }

    fn building(&self, id: &VolumeId) -> Building {
        Building { path: self.dir().join(name::temporary(id)), done: false }
    }
}

/// A file under a temporary name, removed again unless it is renamed into place.
#[derive(Debug)]
struct Building {
    path: PathBuf,
    done: bool,
}

impl Building {
    fn rename(mut self, name: &str) -> Result<()> {
        crash::point("temporary file complete")?;
        fs::rename(&self.path, self.path.with_file_name(name)).or_io("rename", &self.path)?;
        self.done = true;
        crash::point("temporary file renamed into place")
    }
}

impl Drop for Building {
    fn drop(&mut self) {
        if !self.done && !crash::happened() {
            // What stays behind is removed when the pool is opened next.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn check_len(len: u64) -> Result<()> {
    let max = crate::MAX_OVERLAY_LEN;
    if len <= max { Ok(()) } else { Err(VolumeError::TooLong { len, max }) }
}

fn lock_pool(dir: &Path) -> Result<File> {
    let path = dir.join("pool.lock");
    let mut options = OpenOptions::new();
    let file =
        options.read(true).write(true).create(true).truncate(false).open(&path).or_io("open", &path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(VolumeError::PoolInUse(dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(error).or_io("lock", &path),
    }
}

/// Tries a reflink between two files of the directory.
fn probe_mode(dir: &Path) -> Result<CloneMode> {
    let probe = VolumeId::from("probe");
    let temporary = || Building { path: dir.join(name::temporary(&probe)), done: false };
    let (from, to) = (temporary(), temporary());
    fs::write(&from.path, Uuid::new_v4().as_bytes()).or_io("write", &from.path)?;
    let source = disk::open_regular(&from.path, false)?;
    let target = disk::create_new(&to.path)?;
    Ok(match rustix::fs::ioctl_ficlone(&target, &source) {
        Ok(()) => CloneMode::Reflink,
        Err(_) => CloneMode::Overlay,
    })
}
