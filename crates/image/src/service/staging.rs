// SPDX-License-Identifier: Apache-2.0
//! The staging area: one file an image in a directory of this node.

use std::io::{ErrorKind, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::{Stream, StreamExt};
use scurry_transfer::Chunk;
use scurry_types::{ImageId, ImageStatus};
use tokio::fs::{self, File};
use tokio::io::{AsyncSeekExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

use super::Answer;
use super::core::Core;
use crate::body::{Body, BodyError};
use crate::error::ImageError;
use crate::ports::Purpose;

mod sparse;

fn local(verb: &str, path: &Path) -> impl FnOnce(std::io::Error) -> ImageError {
    let text = format!("cannot {verb} {} in the staging area", path.display());
    move |source| match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => ImageError::StorageFull(
            "Image storage media is full: the staging area has no space left".to_owned(),
        ),
        _ => ImageError::Local { text, source },
    }
}

impl Core {
    /// Where an image's staged bytes are; Glance names the file so too.
    pub(super) fn staged_file(&self, id: &ImageId) -> PathBuf {
        self.settings.staging_dir.join(id.as_str())
    }

    fn unfinished_file(&self, id: &ImageId) -> PathBuf {
        self.settings.staging_dir.join(format!("{id}.part"))
    }

    /// Writes a body into the staging area; gives its length in bytes.
    pub(super) async fn write_staged(
        &self,
        id: &ImageId,
        declared_len: Option<u64>,
        mut body: Body,
        cancel: &CancellationToken,
    ) -> Answer<u64> {
        let dir = &self.settings.staging_dir;
        fs::create_dir_all(dir).await.map_err(local("create the directory", dir))?;
        let unfinished = self.unfinished_file(id);
        let mut file = File::create(&unfinished).await.map_err(local("create", &unfinished))?;
        let mut len = 0_u64;
        loop {
            let piece = tokio::select! {
                piece = body.next() => piece,
                () = cancel.cancelled() => {
                    let text = "the upload to the staging area was stopped".to_owned();
                    return Err(ImageError::Unavailable { text, retry_after: None });
                }
            };
            let piece = match piece {
                None => break,
                Some(Ok(piece)) => piece,
                Some(Err(BodyError::ClientGone)) => return Err(ImageError::ClientGone),
                Some(Err(error)) => return Err(ImageError::Invalid(error.to_string())),
            };
            len += piece.len();
            self.check_cap(Some(len))?;
            if let Some(declared) = declared_len.filter(|declared| len > *declared) {
                return Err(ImageError::Invalid(format!(
                    "Size mismatch: the body has more than the {declared} bytes announced"
                )));
            }
            let kept = match piece {
                Chunk::Data(data) => file.write_all(&data).await,
                Chunk::Zeroes(_) => file.seek(SeekFrom::Start(len)).await.map(drop),
            };
            kept.map_err(local("write", &unfinished))?;
        }
        if let Some(declared) = declared_len.filter(|declared| len != *declared) {
            return Err(ImageError::Invalid(format!(
                "Size mismatch: the body ended after {len} of the {declared} bytes announced"
            )));
        }
        file.set_len(len).await.map_err(local("write", &unfinished))?;
        file.sync_all().await.map_err(local("write", &unfinished))?;
        drop(file);
        self.crash.pass("stage.written").await;
        let staged = self.staged_file(id);
        fs::rename(&unfinished, &staged).await.map_err(local("rename", &unfinished))?;
        let opened = File::open(dir).await.map_err(local("open the directory", dir))?;
        opened.sync_all().await.map_err(local("write the directory", dir))?;
        Ok(len)
    }

    /// The bytes of a staged file.
    /// The staged file's length, and what it holds from `offset` on.
    pub(super) async fn read_staged(
        &self,
        id: &ImageId,
        offset: u64,
    ) -> Answer<(u64, impl Stream<Item = Result<Chunk, BodyError>> + Send + use<>)> {
        let path = self.staged_file(id);
        let file = File::open(&path).await.map_err(local("open", &path))?;
        let len = file.metadata().await.map_err(local("read", &path))?.len();
        Ok((len, sparse::body(file.into_std().await, offset, len)))
    }

    pub(super) async fn remove_unfinished_stage(&self, id: &ImageId) -> Answer<()> {
        remove(&self.unfinished_file(id)).await?;
        // A staged file whose image was not told of it yet does not count either.
        let told = self.images.get(id).await?.is_some_and(|image| {
            image.status == ImageStatus::Importing
                || (image.status == ImageStatus::Uploading && image.size.is_some())
        });
        if told { Ok(()) } else { remove(&self.staged_file(id)).await }
    }

    pub(super) async fn remove_staged(&self, id: &ImageId) -> Answer<()> {
        remove(&self.unfinished_file(id)).await?;
        remove(&self.staged_file(id)).await
    }

    /// Removes files of images that have nothing staged, nor are being staged on any node, if they are older than `age`:
    /// other nodes may have the directory as well.
    pub(super) async fn sweep_staging(&self, age: Duration) -> Answer<()> {
        let dir = &self.settings.staging_dir;
        let mut entries = match fs::read_dir(dir).await {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(local("read the directory", dir)(error)),
        };
        while let Some(entry) = entries.next_entry().await.map_err(local("read the directory", dir))? {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let Ok(id) = name.strip_suffix(".part").unwrap_or(name).parse::<ImageId>() else { continue };
            let modified = entry.metadata().await.and_then(|facts| facts.modified());
            let old = modified.ok().and_then(|time| time.elapsed().ok()).is_some_and(|since| since >= age);
            let Ok(_turn) = self.turn(&id).try_lock_owned() else { continue };
            if old && !self.is_staged(&id, name.ends_with(".part")).await? {
                tracing::info!(image.id = %id, file = name, "a staged file nobody needs is removed");
                remove(&entry.path()).await?;
            }
        }
        Ok(())
    }
}

impl Core {
    /// Whether an image has, or is just getting, such a file.
    async fn is_staged(&self, id: &ImageId, unfinished: bool) -> Answer<bool> {
        let Some(image) = self.images.get(id).await? else { return Ok(false) };
        Ok(match image.status {
            ImageStatus::Importing => !unfinished,
            ImageStatus::Uploading => {
                let rows = self.images.journal(Some(id), None).await?;
                let coming = rows.iter().any(|row| row.purpose == Purpose::Stage);
                coming || (!unfinished && image.size.is_some())
            }
            _ => false,
        })
    }
}

async fn remove(path: &Path) -> Answer<()> {
    match fs::remove_file(path).await {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(local("remove", path)(error)),
        _ => Ok(()),
    }
}
