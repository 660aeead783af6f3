// SPDX-License-Identifier: Apache-2.0
//! The cache's directory, laid out as Glance does it: images by their ids, `incomplete`, `invalid`, `queue`.

use std::ffi::OsStr;
use std::fs::{self, DirEntry, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use scurry_types::ImageId;

/// The directory. All methods block.
#[derive(Debug, Clone)]
pub(super) struct Directory {
    base: PathBuf,
}

/// A part of the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Whole images.
    Whole,
    /// Images that are coming.
    Incomplete,
    /// Images whose bytes were wrong, kept for whoever wants to know why.
    Invalid,
    /// Empty files that name the images to be fetched.
    Queue,
}

impl Directory {
    pub(super) fn new(base: PathBuf) -> Self {
        Self { base }
    }

    fn place(&self, place: Place) -> PathBuf {
        match place {
            Place::Whole => self.base.clone(),
            Place::Incomplete => self.base.join("incomplete"),
            Place::Invalid => self.base.join("invalid"),
            Place::Queue => self.base.join("queue"),
        }
    }

    pub(super) fn path(&self, place: Place, image: &ImageId) -> PathBuf {
        self.place(place).join(image.as_str())
    }

    /// Makes what is missing, and removes images that were coming when an earlier life ended.
    pub(super) fn prepare(&self) -> io::Result<()> {
        for place in [Place::Incomplete, Place::Invalid, Place::Queue] {
            fs::create_dir_all(self.place(place))?;
        }
        for entry in self.files(Place::Incomplete)? {
            // Another process that shares the directory holds a lock on what it writes.
            let file = File::options().write(true).open(entry.path());
            if file.is_ok_and(|file| file.try_lock().is_ok()) {
                unlink(&entry.path())?;
            }
        }
        Ok(())
    }

    fn files(&self, place: Place) -> io::Result<Vec<DirEntry>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(self.place(place))? {
            let entry = entry?;
            // What disappears meanwhile was not meant to be seen.
            if entry.file_type().is_ok_and(|kind| kind.is_file()) {
                files.push(entry);
            }
        }
        Ok(files)
    }

    /// Images of a place, with their lengths, those that came first in front.
    pub(super) fn images(&self, place: Place) -> io::Result<Vec<(ImageId, u64)>> {
        let mut found = Vec::new();
        for entry in self.files(place)? {
            let Some(image) = image(&entry.file_name()) else { continue };
            let Ok(facts) = entry.metadata() else { continue };
            found.push((facts.modified().unwrap_or(SystemTime::UNIX_EPOCH), image, facts.len()));
        }
        found.sort();
        Ok(found.into_iter().map(|(_, image, len)| (image, len)).collect())
    }

    pub(super) fn has(&self, place: Place, image: &ImageId) -> bool {
        self.path(place, image).is_file()
    }

    /// Puts an image into the queue; one that is there keeps its turn.
    pub(super) fn enqueue(&self, image: &ImageId) -> io::Result<()> {
        match File::create_new(self.path(Place::Queue, image)) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    }

    /// Whether there was anything to remove.
    pub(super) fn remove(&self, place: Place, image: &ImageId) -> io::Result<bool> {
        unlink(&self.path(place, image))
    }

    /// Removes all images of a place; how many there were.
    pub(super) fn clear(&self, place: Place) -> io::Result<u64> {
        let mut count = 0;
        for (image, _) in self.images(place)? {
            count += u64::from(self.remove(place, &image)?);
        }
        Ok(count)
    }

    /// Sets an image aside whose bytes are wrong.
    pub(super) fn set_aside(&self, place: Place, image: &ImageId) -> io::Result<()> {
        fs::rename(self.path(place, image), self.path(Place::Invalid, image))
    }

    /// Removes what has been set aside, or incomplete, for longer than that.
    pub(super) fn clean(&self, place: Place, kept: Duration) -> io::Result<()> {
        let now = SystemTime::now();
        for entry in self.files(place)? {
            let changed = entry.metadata().and_then(|facts| facts.modified());
            // A time that lies ahead is of a clock that was wrong.
            let age = changed.ok().and_then(|changed| now.duration_since(changed).ok());
            if age.is_none_or(|age| age >= kept) && unlink(&entry.path())? {
                tracing::info!(file = %entry.path().display(), "a file of the image cache that is of no use is removed");
            }
        }
        Ok(())
    }

    /// Makes renames in the directory of whole images durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        File::open(&self.base)?.sync_all()
    }
}

fn image(name: &OsStr) -> Option<ImageId> {
    name.to_str()?.parse().ok()
}

fn unlink(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory() -> (tempfile::TempDir, Directory) {
        let dir = tempfile::tempdir().unwrap();
        let directory = Directory::new(dir.path().join("cache"));
        directory.prepare().unwrap();
        (dir, directory)
    }

    #[test]
    fn the_queue_keeps_turns_and_other_files_are_nobodys() {
        let (_dir, directory) = directory();
        let (first, second) = (ImageId::random(), ImageId::random());
        directory.enqueue(&first).unwrap();
        directory.enqueue(&second).unwrap();
        let early = SystemTime::now() - Duration::from_secs(60);
        let file = File::options().write(true).open(directory.path(Place::Queue, &second)).unwrap();
        file.set_modified(early).unwrap();
        directory.enqueue(&second).unwrap();
        fs::write(directory.base.join("cache.db"), "of the sqlite driver").unwrap();
        let queue: Vec<_> =
            directory.images(Place::Queue).unwrap().into_iter().map(|(image, _)| image).collect();
        assert_eq!(queue, [second, first]);
        assert_eq!(directory.images(Place::Whole).unwrap(), []);
        assert_eq!(directory.clear(Place::Queue).unwrap(), 2);
        assert_eq!(directory.clear(Place::Whole).unwrap(), 0);
        assert!(directory.base.join("cache.db").exists());
    }

    #[test]
    fn only_what_stalled_and_what_is_wrong_is_cleaned() {
        let (_dir, directory) = directory();
        let (old, new, wrong) = (ImageId::random(), ImageId::random(), ImageId::random());
        let write = |place, image| fs::write(directory.path(place, image), "bytes").unwrap();
        write(Place::Incomplete, &old);
        write(Place::Incomplete, &new);
        write(Place::Invalid, &wrong);
        write(Place::Whole, &new);
        let file = File::options().write(true).open(directory.path(Place::Incomplete, &old)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(100)).unwrap();
        directory.clean(Place::Incomplete, Duration::from_secs(50)).unwrap();
        directory.clean(Place::Invalid, Duration::ZERO).unwrap();
        assert_eq!(directory.images(Place::Incomplete).unwrap(), [(new.clone(), 5)]);
        assert_eq!(directory.images(Place::Invalid).unwrap(), []);
        assert_eq!(directory.images(Place::Whole).unwrap(), [(new, 5)]);
    }

    #[test]
    fn a_start_removes_what_nobody_writes_any_more() {
        let (_dir, directory) = directory();
        let (dead, alive) = (ImageId::random(), ImageId::random());
        fs::write(directory.path(Place::Incomplete, &dead), "half").unwrap();
        let held = File::create(directory.path(Place::Incomplete, &alive)).unwrap();
        held.lock().unwrap();
        directory.prepare().unwrap();
        assert_eq!(directory.images(Place::Incomplete).unwrap(), [(alive, 0)]);
    }
}
