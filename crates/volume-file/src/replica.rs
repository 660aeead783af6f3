// SPDX-License-Identifier: Apache-2.0
//! Replicas: the mark of one that may lag behind, and bringing it up to its volume.

use std::io;
use std::path::{Path, PathBuf};

use scurry_types::VolumeId;

use crate::error::IoContext;
use crate::{Access, Pool, Result, VolumeFile, copy, disk, name};

/// A file beside the replica that exists while the two copies may differ.
#[derive(Debug)]
pub(crate) struct DirtyMark(PathBuf);

impl DirtyMark {
    /// Where the mark of the replica in `volume_file` lies.
    pub(crate) fn path(volume_file: &Path) -> PathBuf {
        let name = volume_file.file_name().unwrap_or_default().to_string_lossy();
        volume_file.with_file_name(name::dirty_mark(&name))
    }

    /// Durable before the first write goes to either copy.
    pub(crate) fn set(volume_file: &Path) -> Result<Self> {
        let path = Self::path(volume_file);
        match std::fs::OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).or_io("create", &path),
        }
        disk::sync_dir(path.parent().unwrap_or(Path::new(".")))?;
        Ok(Self(path))
    }

    /// To be called once both copies are flushed.
    pub(crate) fn clear(self) -> Result<()> {
        match std::fs::remove_file(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).or_io("remove", &self.0),
            _ => Ok(()),
        }
    }
}

/// Makes the replica of a volume equal to it again, after a writer was killed; answers the bytes changed.
///
/// Only blocks that differ are written. A replica that clones read gets an overlay first. The replica is no
/// longer marked ([`Pool::lagging_replicas`]) when this returns without an error.
///
/// # Errors
/// [`VolumeError::Busy`](crate::VolumeError::Busy) when either is open for writing,
/// [`VolumeError::NotFound`](crate::VolumeError::NotFound), or what reading and writing answer.
pub fn resync(primary: &Pool, replica: &Pool, id: &VolumeId) -> Result<u64> {
    let from = VolumeFile::open(&primary.descriptor(id, None)?, Access::ReadOnly)?;
    let descriptor = replica.descriptor(id, None)?;
    if descriptor.len != from.len() {
        replica.resize(id, from.len())?;
    }
    replica.prepare_write(id)?;
    let descriptor = replica.descriptor(id, None)?;
    let to = VolumeFile::open(&descriptor, Access::ReadWrite)?;
    let changed = copy::copy_differences(&from, &to)?;
    to.close()?;
    DirtyMark(DirtyMark::path(&descriptor.path)).clear()?;
    Ok(changed)
}
