// SPDX-License-Identifier: Apache-2.0
//! How an image comes into the cache: claimed by one, written, compared, entered into the books.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use scurry_transfer::{Known, Verifier};
use scurry_types::{HashAlgorithm, ImageId, ImageStatus};
use tokio::sync::{mpsc, oneshot};

use super::Cache;
use super::directory::Place;
use super::fill::{self, Fill, FillError};
use super::flights::Claim;
use crate::error::ImageError;
use crate::image::Image;

/// Bytes of a file read at a time.
const CHUNK: usize = 1 << 20;

/// Who waits for whom while an image comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// A client's: the image is left to the prefetcher when the disk falls behind.
    Client,
    /// The disk's.
    Disk,
}

impl Cache {
    /// Begins to bring in an image of `len` bytes; `None` when it is here or on its way, or cannot be.
    pub(crate) async fn begin(self: &Arc<Self>, image: &Image, len: u64, pace: Pace) -> Option<Fill> {
        match self.try_begin(image, len, pace).await {
            Ok(fill) => fill,
            Err(error) => {
                tracing::warn!(image.id = %image.id, error = error.reason(), "an image cannot be cached");
                None
            }
        }
    }

    async fn try_begin(
        self: &Arc<Self>,
        image: &Image,
        len: u64,
        pace: Pace,
    ) -> Result<Option<Fill>, ImageError> {
        let Some(claim) = self.flights.claim(&image.id) else { return Ok(None) };
        let entered = self.images.cached_image(&self.settings.node_url, &image.id).await?.is_some();
        if entered && self.has(Place::Whole, &image.id).await? {
            return Ok(None);
        }
        let known = self.known(image, len).await?;
        let (steps, mut queue) = mpsc::channel(fill::QUEUE);
        let (answer, written) = oneshot::channel();
        let (directory, id) = (self.directory.clone(), image.id.clone());
        thread::Builder::new()
            .name("image cache".to_owned())
            .spawn(move || {
                // A service that goes down does not wait for the answer.
                let _unwanted = answer.send(fill::write(&directory, &id, known, &mut queue));
            })
            .map_err(|source| ImageError::Local { text: "cannot start a thread".to_owned(), source })?;
        let outrun = Arc::new(AtomicBool::new(false));
        let fill = Fill {
            image: image.id.clone(),
            steps,
            left: len,
            flights: self.flights.clone(),
            outrun: Arc::clone(&outrun),
        };
        let (cache, id) = (Arc::clone(self), image.id.clone());
        tokio::spawn(async move {
            let written = written.await.unwrap_or(Err(FillError::Abandoned));
            let outrun = outrun.load(Ordering::Acquire);
            if !cache.land(claim, &id, len, written).await && pace == Pace::Client {
                cache.leave_to_prefetcher(&id, outrun).await;
            }
        });
        Ok(Some(fill))
    }

    /// What the bytes are compared with. Block hashes are compared fastest.
    async fn known(&self, image: &Image, len: u64) -> Result<Known, ImageError> {
        let blocks = self.images.block_hashes(&image.id).await?.filter(|blocks| blocks.image_len == len);
        let md5 = image.checksum.clone().map(|value| (HashAlgorithm::Md5, value));
        let secure = || {
            let algorithm = image.os_hash_algo.as_deref()?.parse().ok()?;
            Some((algorithm, image.os_hash_value.clone()?))
        };
        Ok(Known { len, blocks, digest: md5.or_else(secure) })
    }

    /// Enters an image whose file was written. Others wait for the claim until this is done.
    async fn land(&self, claim: Claim, image: &ImageId, len: u64, written: Result<(), FillError>) -> bool {
        let entered = match written {
            Ok(()) => match self.enter(image, len).await {
                Ok(entered) => entered,
                Err(error) => {
                    tracing::warn!(image.id = %image, error = error.reason(), "a cached image is not entered");
                    false
                }
            },
            Err(FillError::Abandoned | FillError::Busy) => false,
            Err(FillError::Wrong(error)) => {
                tracing::error!(image.id = %image, %error, "bytes on their way into the cache are not the image's");
                false
            }
            Err(FillError::File(error)) => {
                tracing::warn!(image.id = %image, %error, "an image cannot be written into the cache");
                false
            }
        };
        drop(claim);
        entered
    }

    /// Enters a whole file into the books. An image that was deleted or withheld meanwhile does not stay:
    /// whoever did that cleared the cache before, or sees the entry.
    async fn enter(&self, image: &ImageId, len: u64) -> Result<bool, ImageError> {
        self.images.add_cached(&self.settings.node_url, image, len).await?;
        if self.images.status(image).await? != Some(ImageStatus::Active)
            || !self.has(Place::Whole, image).await?
        {
            self.remove(image).await?;
            return Ok(false);
        }
        self.dequeue(image).await?;
        tracing::info!(image.id = %image, bytes = len, "an image is cached");
        Ok(true)
    }

    async fn leave_to_prefetcher(&self, image: &ImageId, outrun: bool) {
        let queued = match outrun {
            true => self.enqueue(image).await.map(|()| true),
            false => self.has(Place::Queue, image).await,
        };
        match queued {
            Ok(true) => self.queued.notify_one(),
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(image.id = %image, error = error.reason(), "an image cannot be queued");
            }
        }
    }

    /// Enters a file that is there without an entry, if its bytes are the image's; else it goes.
    pub(crate) async fn adopt(&self, image: &Image, len: u64) -> Result<(), ImageError> {
        let Some(_claim) = self.flights.claim(&image.id) else { return Ok(()) };
        let known = self.known(image, image.size.unwrap_or(len)).await?;
        let path = self.directory.path(Place::Whole, &image.id);
        let right = self.blocking("check a file", move |_| {
            let mut verifier = Verifier::new(known);
            let mut file = File::open(path)?;
            let mut chunk = vec![0; CHUNK];
            loop {
                match file.read(&mut chunk)? {
                    0 => break,
                    len => verifier.feed(&chunk[..len]),
                }
            }
            Ok(verifier.finish())
        });
        match right.await? {
            Ok(()) => {
                self.enter(&image.id, len).await?;
            }
            Err(error) => {
                tracing::warn!(image.id = %image.id, %error, "a file of the image cache is wrong and is set aside");
                let id = image.id.clone();
                self.blocking("set a file aside", move |directory| directory.set_aside(Place::Whole, &id))
                    .await?;
            }
        }
        Ok(())
    }
}
