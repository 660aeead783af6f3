// SPDX-License-Identifier: Apache-2.0
//! Where a download goes: a file that gets holes for zeroes and its name when it is complete, or standard output.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use scurry_types::is_zero;
use tokio::io::AsyncWriteExt as _;

use crate::failure::Failure;

/// Zeroes shorter than this are written.
const PAGE: usize = 4096;

/// A place for bytes in their order.
#[derive(Debug)]
pub(super) enum Sink {
    File(PartFile),
    Stdout,
}

/// A file under the name it has until it is complete; its length says how far it is.
#[derive(Debug)]
pub(super) struct PartFile {
    pub(super) path: PathBuf,
    name: PathBuf,
    file: Arc<File>,
    len: u64,
}

impl PartFile {
    /// The unfinished file of `name` for this image: what there is of it when it may be gone on with.
    pub(super) fn open(name: &Path, image: &str, size: u64, resume: bool) -> Result<Self, Failure> {
        let mut part = name.as_os_str().to_owned();
        part.push(format!(".{image}.part"));
        let path = PathBuf::from(part);
        let failed = |error| Failure::new(format!("cannot write {}", path.display()), error);
        let mut options = OpenOptions::new();
        let file =
            options.read(true).write(true).create(true).truncate(!resume).open(&path).map_err(failed)?;
        let mut len = file.metadata().map_err(failed)?.len();
        if len > size {
            file.set_len(0).map_err(failed)?;
            len = 0;
        }
        Ok(Self { name: name.to_owned(), file: Arc::new(file), len, path: path.clone() })
    }

    /// Bytes that are there.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn file(&self) -> Result<File, Failure> {
        self.file.try_clone().map_err(|error| self.failed(error))
    }

    async fn write(&mut self, data: Bytes) -> Result<u64, Failure> {
        let (file, at) = (Arc::clone(&self.file), self.len);
        self.len += data.len() as u64;
        tokio::task::spawn_blocking(move || write_sparse(&file, &data, at))
            .await
            .map_err(|error| Failure::new("a writer thread ended", error))?
            .map_err(|error| self.failed(error))
    }

    fn failed(&self, error: io::Error) -> Failure {
        Failure::new(format!("cannot write {}", self.path.display()), error)
    }
}

impl Sink {
    /// Takes what comes next; says how many bytes of it became a hole.
    pub(super) async fn write(&mut self, data: Bytes) -> Result<u64, Failure> {
        match self {
            Self::File(part) => part.write(data).await,
            Self::Stdout => {
                let mut stdout = tokio::io::stdout();
                let written = async {
                    stdout.write_all(&data).await?;
                    stdout.flush().await
                };
                written.await.map_err(|error| Failure::new("cannot write to standard output", error))?;
                Ok(0)
            }
        }
    }

    /// All of it is there and right: the file gets its name.
    pub(super) fn complete(self) -> Result<(), Failure> {
        match self {
            Self::File(part) => std::fs::rename(&part.path, &part.name)
                .map_err(|error| Failure::new(format!("cannot name {}", part.name.display()), error)),
            Self::Stdout => Ok(()),
        }
    }

    /// What is there is wrong: nobody shall go on with it.
    pub(super) fn discard(self) {
        if let Self::File(part) = self {
            let _ = std::fs::remove_file(&part.path);
        }
    }
}

/// Writes what is not zero; the file ends behind `data` afterwards. Blocking.
fn write_sparse(file: &File, data: &[u8], at: u64) -> io::Result<u64> {
    let mut start = 0;
    let mut holes = 0;
    while start < data.len() {
        // Pages of the file, not of the piece: a hole has to cover whole ones.
        let next = |from: usize| {
            let within = (at + from as u64) % PAGE as u64;
            (from + PAGE - within as usize).min(data.len())
        };
        let zero = is_zero(&data[start..next(start)]);
        let mut end = next(start);
        while end < data.len() && is_zero(&data[end..next(end)]) == zero {
            end = next(end);
        }
        if zero {
            holes += (end - start) as u64;
        } else {
            file.write_all_at(&data[start..end], at + start as u64)?;
        }
        start = end;
    }
    // The bytes of a page that is in the file already stay what they are: nothing was there.
    let end = at + data.len() as u64;
    if holes > 0 && file.metadata()?.len() < end {
        file.set_len(end)?;
    }
    Ok(holes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[tokio::test]
    async fn zeroes_become_holes_whatever_the_pieces_are() {
        let folder = tempfile::tempdir().unwrap();
        let name = folder.path().join("disk");
        let mut image = vec![0_u8; 3 << 20];
        image[10..20].fill(1);
        image[(2 << 20) + 5000..(2 << 20) + 9000].fill(2);
        let mut sink = Sink::File(PartFile::open(&name, "i1", image.len() as u64, false).unwrap());
        let mut holes = 0;
        for piece in image.chunks(70_001) {
            holes += sink.write(Bytes::copy_from_slice(piece)).await.unwrap();
        }
        assert!(!name.exists());
        sink.complete().unwrap();
        assert!(std::fs::read(&name).unwrap() == image);
        assert!(holes > 2 << 20);
        assert!(std::fs::metadata(&name).unwrap().blocks() * 512 < 1 << 20);
    }

    #[tokio::test]
    async fn what_is_there_is_gone_on_with_only_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        let name = folder.path().join("disk");
        let mut sink = Sink::File(PartFile::open(&name, "i1", 10, false).unwrap());
        sink.write(Bytes::from_static(b"abc")).await.unwrap();
        assert_eq!(PartFile::open(&name, "i1", 10, true).unwrap().len(), 3);
        assert_eq!(PartFile::open(&name, "i2", 10, true).unwrap().len(), 0);
        assert_eq!(PartFile::open(&name, "i1", 2, true).unwrap().len(), 0);
        assert_eq!(PartFile::open(&name, "i1", 10, false).unwrap().len(), 0);
        sink.discard();
        assert!(!folder.path().join("disk.i1.part").exists());
    }
}
