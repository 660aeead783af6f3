// SPDX-License-Identifier: Apache-2.0
//! Cloning: by reflink, by overlay over a frozen layer, or by copying while somebody writes.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::MetadataExt;

use scurry_types::VolumeId;

use super::layers::Layers;
use super::{CloneMode, Head, Pool};
use crate::bitmap::Bitmap;
use crate::error::IoContext;
use crate::header::Header;
use crate::name::{self, LayerName};
use crate::{
    Access, LayerFormat, Result, VolumeDescriptor, VolumeError, VolumeFile, copy_sparse, crash, disk,
};

/// Whether somebody may be writing to the source of a clone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Writers {
    /// Nobody: it is not attached, or for reading only.
    None,
    /// Perhaps, also by means this crate does not see.
    Present,
}

/// How a clone came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloneHow {
    /// The file system shares the blocks.
    Reflink,
    /// Both read a frozen layer.
    Overlay,
    /// The data was copied: the source is open for writing and its state of now cannot be frozen.
    Copy,
}

/// A finished clone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cloned {
    /// How it was made.
    pub how: CloneHow,
    /// Bytes of data moved; zero unless copied.
    pub bytes_copied: u64,
}

impl Cloned {
    const fn sharing(how: CloneHow) -> Self {
        Self { how, bytes_copied: 0 }
    }
}

/// What a clone or a fresh overlay stands on.
pub(super) struct Base {
    parent: Option<LayerName>,
    parent_len: u64,
}

impl Pool {
    /// Makes `target` a volume of `len` bytes that begins as `source` is now.
    ///
    /// Constant work except for [`CloneHow::Copy`], which happens where blocks cannot be shared by the file
    /// system and `writers` is [`Writers::Present`] or a [`VolumeFile`] has the source open for writing.
    ///
    /// # Errors
    /// [`VolumeError::NotFound`], [`VolumeError::AlreadyExists`], [`VolumeError::CloneTooShort`],
    /// [`VolumeError::TooLong`], [`VolumeError::InvalidId`], [`VolumeError::Corrupt`] or [`VolumeError::Io`].
    pub fn clone_volume(
        &self,
        source: &VolumeId,
        target: &VolumeId,
        len: u64,
        writers: Writers,
    ) -> Result<Cloned> {
        let mut layers = self.lock();
        self.check_new(target, len)?;
        let head = self.head(source)?;
        if len < head.len {
            return Err(VolumeError::CloneTooShort { len, source_len: head.len });
        }
        let file = disk::open_regular(&head.path, false)?;
        if self.mode() == CloneMode::Reflink && head.format == LayerFormat::Flat {
            drop(layers);
            return self.reflink(&file, target, len);
        }
        let written = writers == Writers::Present && !head.frozen;
        // Held until the clone is made: whoever opens the source for writing meanwhile is told it is busy.
        if written || !lock_out_writers(&file, &head)? {
            drop(layers);
            return self.copy(&head, target, len);
        }
        let base = self.freeze(&head, &file, &mut layers)?;
        let header = Header { len, parent: base.parent, parent_len: base.parent_len };
        let made = self.place_overlay(&header, target);
        self.account(made, &header, &mut layers)?;
        disk::sync_dir(self.dir())?;
        Ok(Cloned::sharing(CloneHow::Overlay))
    }

    /// Puts a fresh overlay over the volume when clones read its file, so that it can be written.
    ///
    /// To be called before a descriptor is handed out for writing.
    ///
    /// # Errors
    /// [`VolumeError::NotFound`], [`VolumeError::InvalidId`], [`VolumeError::Corrupt`] or [`VolumeError::Io`].
    pub fn prepare_write(&self, id: &VolumeId) -> Result<()> {
        let mut layers = self.lock();
        let head = self.head(id)?;
        if head.frozen { self.push_overlay(id, &head, head.len, &mut layers) } else { Ok(()) }
    }

    /// Replaces a frozen head by an overlay of `len` bytes over it.
    pub(super) fn push_overlay(
        &self,
        id: &VolumeId,
        head: &Head,
        len: u64,
        layers: &mut Layers,
    ) -> Result<()> {
        let file = disk::open_regular(&head.path, false)?;
        let below = match head.format {
            LayerFormat::Overlay => Header::read(&file, &head.path)?.parent,
            LayerFormat::Flat => None,
        };
        let base = self.freeze(head, &file, layers)?;
        let header = Header { len, parent: base.parent, parent_len: base.parent_len.min(len) };
        let made = self.place_overlay(&header, id);
        self.account(made, &header, layers)?;
        match head.format {
            LayerFormat::Flat => fs::remove_file(&head.path).or_io("remove", &head.path)?,
            // The rename took the old head's name away, and with it one reader of what it stood on.
            LayerFormat::Overlay => {
                if let Some(below) = below {
                    layers.release(self.dir(), &below)?;
                }
            }
        }
        crash::point("push: old head gone")?;
        // The layer may only have existed for the old head.
        layers.reap_inode(self.dir(), head.inode)?;
        disk::sync_dir(self.dir())
    }

    /// Finds or makes the layer that holds a head's present state.
    fn freeze(&self, head: &Head, file: &File, layers: &mut Layers) -> Result<Base> {
        if let Some(layer) = layers.of_inode(head.inode) {
            return Ok(Base { parent: Some(layer.clone()), parent_len: head.len });
        }
        let header = match head.format {
            LayerFormat::Overlay => Some(Header::read(file, &head.path)?),
            LayerFormat::Flat => None,
        };
        if let Some(header) = &header {
            let bitmap = Bitmap::load(file, header.len).or_io("read bitmap of", &head.path)?;
            if bitmap.is_empty() {
                return Ok(Base { parent: header.parent.clone(), parent_len: header.parent_len });
            }
        }
        file.sync_data().or_io("sync", &head.path)?;
        let layer = LayerName::fresh(head.format);
        fs::hard_link(&head.path, self.dir().join(layer.as_str())).or_io("link", &head.path)?;
        layers.insert(layer.clone(), head.inode);
        if let Some(below) = header.and_then(|header| header.parent) {
            layers.add_ref(&below);
        }
        crash::point("freeze: layer linked")?;
        Ok(Base { parent: Some(layer), parent_len: head.len })
    }

    fn place_overlay(&self, header: &Header, id: &VolumeId) -> Result<()> {
        let building = self.building(id);
        header.create(&building.path)?;
        building.rename(&name::volume(id, LayerFormat::Overlay))
    }

    /// Counts the overlay made over its layer, or drops a layer that was frozen for one that failed.
    fn account(&self, made: Result<()>, header: &Header, layers: &mut Layers) -> Result<()> {
        if let Some(parent) = &header.parent {
            layers.add_ref(parent);
            if made.is_err() && !crash::happened() {
                layers.release(self.dir(), parent)?;
            }
        }
        made
    }

    fn reflink(&self, source: &File, target: &VolumeId, len: u64) -> Result<Cloned> {
        let building = self.building(target);
        let file = disk::create_new(&building.path)?;
        crash::point("reflink: temporary file made")?;
        rustix::fs::ioctl_ficlone(&file, source).or_io("reflink to", &building.path)?;
        file.set_len(len).or_io("set length of", &building.path)?;
        file.sync_all().or_io("sync", &building.path)?;
        self.finish(building, target, len)?;
        Ok(Cloned::sharing(CloneHow::Reflink))
    }

    fn copy(&self, head: &Head, target: &VolumeId, len: u64) -> Result<Cloned> {
        let describe = |path: &std::path::Path, format, len| VolumeDescriptor {
            path: path.to_owned(),
            format,
            len,
            replica: None,
        };
        let from = VolumeFile::open(&describe(&head.path, head.format, head.len), Access::ReadOnly)?;
        let building = self.building(target);
        disk::create_new(&building.path)?.set_len(len).or_io("set length of", &building.path)?;
        crash::point("copy: temporary file made")?;
        let to = VolumeFile::open(&describe(&building.path, LayerFormat::Flat, len), Access::ReadWrite)?;
        let bytes_copied = copy_sparse(&from, &to)?;
        to.close()?;
        self.finish(building, target, len)?;
        Ok(Cloned { how: CloneHow::Copy, bytes_copied })
    }

    /// Renames a flat file that was built without the lock, unless its id was taken meanwhile.
    fn finish(&self, building: super::Building, target: &VolumeId, len: u64) -> Result<()> {
        let _layers = self.lock();
        self.check_new(target, len)?;
        building.rename(&name::volume(target, LayerFormat::Flat))?;
        disk::sync_dir(self.dir())
    }
}

/// Takes the writers' lock of an open head for as long as `file` lives; `false` when a writer has it.
pub(super) fn lock_out_writers(file: &File, head: &Head) -> Result<bool> {
    match file.try_lock() {
        // A foreign writer of the pool directory may have put another file in place since it was opened.
        Ok(()) => Ok(file.metadata().or_io("examine", &head.path)?.ino() == head.inode),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error).or_io("lock", &head.path),
    }
}
