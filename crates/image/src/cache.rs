// SPDX-License-Identifier: Apache-2.0
//! The image cache of this node: whole images as files, their books in the database.
//!
//! An image counts as cached when its file *and* its entry in the books are there. A file is put in its place only
//! after its bytes were found right, and always before its entry; it is removed before its entry too. So a
//! crash leaves at worst a file without an entry (checked again and entered at the next start) or an entry
//! without a file (removed).

mod arrival;
mod directory;
mod fill;
mod flights;
mod reader;

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use scurry_store::StoreReader;
use scurry_types::ImageId;
use tokio::sync::Notify;

pub(crate) use self::arrival::Pace;
use self::directory::Directory;
pub(crate) use self::directory::Place;
pub(crate) use self::fill::tee;
use self::flights::Flights;
use self::reader::CachedFile;
use crate::error::ImageError;
use crate::image::Image;
use crate::ports::{CachedImage, Hits, ImageRepository};
use crate::settings::CacheSettings;

/// The cache.
#[derive(Debug)]
pub(crate) struct Cache {
    pub(crate) settings: CacheSettings,
    directory: Directory,
    images: Arc<dyn ImageRepository>,
    flights: Flights,
    /// Hits that are not in the books yet.
    hits: Mutex<HashMap<ImageId, (u64, DateTime<Utc>)>>,
    /// Tells the prefetcher that there is something in the queue.
    pub(crate) queued: Notify,
}

impl Cache {
    pub(crate) fn new(settings: CacheSettings, images: Arc<dyn ImageRepository>) -> Self {
        let directory = Directory::new(settings.dir.clone());
        Self {
            settings,
            directory,
            images,
            flights: Flights::default(),
            hits: Mutex::default(),
            queued: Notify::new(),
        }
    }

    /// Does something with the directory, away from the runtime's workers.
    async fn blocking<T: Send + 'static>(
        &self,
        action: &'static str,
        work: impl FnOnce(&Directory) -> io::Result<T> + Send + 'static,
    ) -> Result<T, ImageError> {
        let directory = self.directory.clone();
        let done = tokio::task::spawn_blocking(move || work(&directory)).await;
        done.map_err(io::Error::other).flatten().map_err(|source| {
            let text = format!("cannot {action} in the image cache {}", self.settings.dir.display());
            ImageError::Local { text, source }
        })
    }

    /// Makes the directory ready. To be awaited before anything else.
    pub(crate) async fn prepare(&self) -> Result<(), ImageError> {
        self.blocking("make the directories", Directory::prepare).await
    }

    /// Files of a place, those that came first in front.
    pub(crate) async fn files(&self, place: Place) -> Result<Vec<(ImageId, u64)>, ImageError> {
        self.blocking("list the files", move |directory| directory.images(place)).await
    }

    pub(crate) async fn has(&self, place: Place, image: &ImageId) -> Result<bool, ImageError> {
        let image = image.clone();
        self.blocking("look for a file", move |directory| Ok(directory.has(place, &image))).await
    }

    /// Images to be fetched, in their turn.
    pub(crate) async fn queue(&self) -> Result<Vec<ImageId>, ImageError> {
        Ok(self.files(Place::Queue).await?.into_iter().map(|(image, _)| image).collect())
    }

    pub(crate) async fn enqueue(&self, image: &ImageId) -> Result<(), ImageError> {
        let image = image.clone();
        self.blocking("queue an image", move |directory| directory.enqueue(&image)).await
    }

    pub(crate) async fn dequeue(&self, image: &ImageId) -> Result<(), ImageError> {
        let image = image.clone();
        self.blocking("empty the queue", move |directory| directory.remove(Place::Queue, &image)).await?;
        Ok(())
    }

    pub(crate) async fn clear_queue(&self) -> Result<u64, ImageError> {
        self.blocking("empty the queue", |directory| directory.clear(Place::Queue)).await
    }

    /// Removes what has been incomplete for too long, and what was set aside and kept for that long.
    pub(crate) async fn clean(&self, kept: Duration) -> Result<(), ImageError> {
        let stalled = self.settings.stall_time;
        let clean = move |directory: &Directory| {
            directory.clean(Place::Incomplete, stalled)?;
            directory.clean(Place::Invalid, kept)
        };
        self.blocking("clean up", clean).await
    }

    /// The books of this node, with all hits in them.
    pub(crate) async fn entries(&self) -> Result<Vec<CachedImage>, ImageError> {
        self.flights.all_landed().await;
        self.write_hits().await?;
        Ok(self.images.cached_images(&self.settings.node_url).await?)
    }

    pub(crate) async fn entry(&self, image: &ImageId) -> Result<Option<CachedImage>, ImageError> {
        self.flights.landed(image).await;
        Ok(self.images.cached_image(&self.settings.node_url, image).await?)
    }

    /// Whether the image is on its way into the cache.
    pub(crate) fn is_coming(&self, image: &ImageId) -> bool {
        self.flights.has(image)
    }

    /// Waits until an image is not on its way any more.
    pub(crate) async fn arrived(&self, image: &ImageId) {
        self.flights.over(image).await;
    }

    /// Waits for images that have all their bytes.
    pub(crate) async fn landed(&self) {
        self.flights.all_landed().await;
    }

    /// The image's bytes, if they are here.
    pub(crate) async fn open(&self, image: &Image) -> Result<Option<Arc<dyn StoreReader>>, ImageError> {
        self.flights.landed(&image.id).await;
        let path = self.directory.path(Place::Whole, &image.id);
        let opened = self.blocking("open a file", move |_| match File::open(&path) {
            Ok(file) => Ok(Some((file.metadata()?.len(), file))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        });
        let Some((len, file)) = opened.await? else { return Ok(None) };
        let Some(entry) = self.entry(&image.id).await? else { return Ok(None) };
        if entry.size != len || image.size.is_some_and(|size| size != len) {
            tracing::warn!(image.id = %image.id, "a cached file is not the image's and is removed");
            self.remove(&image.id).await?;
            return Ok(None);
        }
        Ok(Some(Arc::new(CachedFile { file: Arc::new(file), len })))
    }

    /// Notes a download from the cache; only whole ones are counted.
    pub(crate) fn hit(&self, image: &ImageId, whole: bool) {
        let mut hits = self.hits.lock().unwrap_or_else(PoisonError::into_inner);
        let hit = hits.entry(image.clone()).or_insert((0, Utc::now()));
        *hit = (hit.0 + u64::from(whole), Utc::now());
    }

    /// Enters the hits into the books.
    pub(crate) async fn write_hits(&self) -> Result<(), ImageError> {
        let hits = std::mem::take(&mut *self.hits.lock().unwrap_or_else(PoisonError::into_inner));
        if hits.is_empty() {
            return Ok(());
        }
        let hits: Vec<_> =
            hits.into_iter().map(|(image, (count, last))| Hits { image, count, last }).collect();
        Ok(self.images.count_hits(&self.settings.node_url, &hits).await?)
    }

    /// Removes an image's file and entry; whether there was a file.
    pub(crate) async fn remove(&self, image: &ImageId) -> Result<bool, ImageError> {
        let id = image.clone();
        let there =
            self.blocking("remove a file", move |directory| directory.remove(Place::Whole, &id)).await?;
        self.images.remove_cached(&self.settings.node_url, image).await?;
        self.hits.lock().unwrap_or_else(PoisonError::into_inner).remove(image);
        Ok(there)
    }

    /// Removes all files and entries; how many files there were.
    pub(crate) async fn clear(&self) -> Result<u64, ImageError> {
        self.flights.all_landed().await;
        let count = self.blocking("remove all files", |directory| directory.clear(Place::Whole)).await?;
        self.images.clear_cached(&self.settings.node_url).await?;
        self.hits.lock().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(count)
    }
}
