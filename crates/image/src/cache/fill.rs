// SPDX-License-Identifier: Apache-2.0
//! Bytes on their way into the cache, written and compared on a thread of their own.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures::{Stream, StreamExt};
use scurry_store::StoreError;
use scurry_transfer::{CopyError, Known, Verifier};
use scurry_types::ImageId;
use tokio::sync::mpsc;

use super::directory::{Directory, Place};
use super::flights::Flights;

/// Pieces that may wait for the disk; a download that gets further ahead goes on without the cache.
pub(super) const QUEUE: usize = 32;
/// Zeroes to compare with.
static ZEROES: [u8; 64 << 10] = [0; 64 << 10];

/// Some bytes, and whether they are the last ones.
#[derive(Debug)]
pub(super) struct Step {
    data: Bytes,
    last: bool,
}

/// Why an image did not come into the cache.
#[derive(Debug, thiserror::Error)]
pub(super) enum FillError {
    /// Whoever gave the bytes went away.
    #[error("the bytes ended early")]
    Abandoned,
    /// Another process is at it.
    #[error("another process brings it in")]
    Busy,
    #[error("the file cannot be written")]
    File(#[from] io::Error),
    /// They are not the image's.
    #[error("the bytes are wrong")]
    Wrong(#[source] CopyError),
}

/// Where bytes are handed over. Dropped before the last of them, nothing comes into the cache.
#[derive(Debug)]
pub(crate) struct Fill {
    pub(super) image: ImageId,
    pub(super) steps: mpsc::Sender<Step>,
    pub(super) left: u64,
    pub(super) flights: Flights,
    /// The disk was slower than the client.
    pub(super) outrun: Arc<AtomicBool>,
}

impl Fill {
    fn step(&mut self, data: Bytes) -> Step {
        self.left = self.left.saturating_sub(data.len() as u64);
        let last = self.left == 0;
        if last {
            self.flights.landing(&self.image);
        }
        Step { data, last }
    }

    /// Hands bytes over without waiting; whether it makes sense to go on.
    fn offer(&mut self, data: &Bytes) -> bool {
        let step = self.step(data.clone());
        match self.steps.try_send(step) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.outrun.store(true, Ordering::Release);
                false
            }
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        }
    }

    /// Hands bytes over as fast as the disk takes them; whether it makes sense to go on.
    pub(crate) async fn take(&mut self, data: Bytes) -> bool {
        let step = self.step(data);
        self.steps.send(step).await.is_ok()
    }
}

/// The same bytes, which fill the cache as they pass. The cache may fail or fall behind; the bytes do not wait.
pub(crate) fn tee<S>(body: S, mut fill: Fill) -> impl Stream<Item = Result<Bytes, StoreError>> + Send
where
    S: Stream<Item = Result<Bytes, StoreError>> + Send,
{
    let mut open = fill.left > 0 || fill.offer(&Bytes::new());
    let mut fill = Some(fill);
    body.inspect(move |piece| {
        open = open
            && match (piece, &mut fill) {
                (Ok(data), Some(fill)) => fill.offer(data),
                _ => false,
            };
        if !open {
            fill = None;
        }
    })
}

/// Writes what comes, and puts the file in its place when it is whole and right. Blocks.
pub(super) fn write(
    directory: &Directory,
    image: &ImageId,
    known: Known,
    steps: &mut mpsc::Receiver<Step>,
) -> Result<(), FillError> {
    let incomplete = directory.path(Place::Incomplete, image);
    let file = lock(directory, image)?;
    let written = pour(&file, known, steps);
    let placed = written.and_then(|()| {
        fs::rename(&incomplete, directory.path(Place::Whole, image))?;
        Ok(directory.sync()?)
    });
    if let Err(error) = &placed {
        let cleared = match error {
            FillError::Wrong(_) => directory.set_aside(Place::Incomplete, image),
            _ => directory.remove(Place::Incomplete, image).map(|_| ()),
        };
        if let Err(error) = cleared {
            tracing::warn!(image.id = %image, %error, "an unfinished file of the image cache stays");
        }
    }
    placed
}

/// Opens the incomplete file, for this process alone.
fn lock(directory: &Directory, image: &ImageId) -> Result<File, FillError> {
    let path = directory.path(Place::Incomplete, image);
    let file = File::options().read(true).write(true).create(true).truncate(false).open(&path)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => return Err(FillError::Busy),
        // Where files cannot be locked, nobody else is expected either.
        Err(TryLockError::Error(_)) | Ok(()) => {}
    }
    // It may have been finished and renamed between the two: then it is not ours to touch.
    let (opened, named) = (file.metadata()?, fs::metadata(&path));
    if !named.is_ok_and(|named| (named.dev(), named.ino()) == (opened.dev(), opened.ino())) {
        return Err(FillError::Busy);
    }
    file.set_len(0)?;
    Ok(file)
}

fn pour(file: &File, known: Known, steps: &mut mpsc::Receiver<Step>) -> Result<(), FillError> {
    let mut verifier = Verifier::new(known);
    let mut at = 0;
    while let Some(Step { data, last }) = steps.blocking_recv() {
        verifier.feed(&data);
        if data.chunks(ZEROES.len()).any(|chunk| chunk != &ZEROES[..chunk.len()]) {
            file.write_all_at(&data, at)?;
        }
        at += data.len() as u64;
        if last {
            verifier.finish().map_err(FillError::Wrong)?;
            // What ends in zeroes was not written to its end.
            file.set_len(at)?;
            return Ok(file.sync_all()?);
        }
    }
    Err(FillError::Abandoned)
}
