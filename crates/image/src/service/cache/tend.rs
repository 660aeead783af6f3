// SPDX-License-Identifier: Apache-2.0
//! What this node does about its cache on its own: fetch what is queued, put files and books in order, prune.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{StreamExt, TryStreamExt};
use scurry_types::{ImageId, ImageStatus};
use tokio::time::{Instant, MissedTickBehavior};

use super::Pruned;
use crate::cache::{Cache, Pace, Place};
use crate::ports::CachedImage;
use crate::service::Answer;
use crate::service::core::Core;

/// Time between two rounds.
const ROUND: Duration = Duration::from_secs(60);
/// Images fetched at once.
const FETCHES: usize = 4;
/// Longest pause before an image that could not be fetched is tried again.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

impl Core {
    /// Looks after the cache until the service goes down.
    pub(in crate::service) async fn tend_cache(self: Arc<Self>) {
        let Some(cache) = self.cache.clone() else { return };
        let work = async {
            tokio::join!(self.keep_order(&cache), self.fetch_queued(&cache));
        };
        tokio::select! {
            () = self.stopping.cancelled() => {}
            () = work => {}
        }
        cache.landed().await;
        if let Err(error) = cache.write_hits().await {
            tracing::warn!(error = error.reason(), "hits of the image cache are lost");
        }
    }

    async fn keep_order(&self, cache: &Arc<Cache>) {
        let mut rounds = tokio::time::interval(ROUND);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            rounds.tick().await;
            let round = async {
                cache.write_hits().await?;
                self.balance(cache).await?;
                cache.clean(cache.settings.stall_time).await?;
                self.prune(cache).await
            };
            match round.await {
                Ok(pruned) if pruned.files > 0 => {
                    tracing::info!(images = pruned.files, bytes = pruned.bytes, "the image cache was pruned");
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(error = error.reason(), "the image cache cannot be put in order");
                }
            }
        }
    }

    /// Makes files and books agree, and removes images that nobody may have any more.
    pub(super) async fn balance(&self, cache: &Arc<Cache>) -> Answer<()> {
        let entries: BTreeSet<_> = cache.entries().await?.into_iter().map(|entry| entry.image).collect();
        let files: HashMap<_, _> = cache.files(Place::Whole).await?.into_iter().collect();
        for id in entries.iter().chain(files.keys().filter(|id| !entries.contains(*id))) {
            if cache.is_coming(id) {
                continue;
            }
            let active = self.images.status(id).await? == Some(ImageStatus::Active);
            match files.get(id).filter(|_| active) {
                Some(_) if entries.contains(id) => {}
                Some(len) => {
                    if let Some(image) = self.images.get(id).await? {
                        cache.adopt(&image, *len).await?;
                    }
                }
                None => {
                    cache.remove(id).await?;
                }
            }
        }
        Ok(())
    }

    /// Removes the images asked for longest ago until the cache is no larger than it may be.
    pub(super) async fn prune(&self, cache: &Arc<Cache>) -> Answer<Pruned> {
        let mut oldest: Vec<CachedImage> = cache.entries().await?;
        let files: HashMap<_, _> = cache.files(Place::Whole).await?.into_iter().collect();
        let mut size: u64 = files.values().sum();
        let mut pruned = Pruned::default();
        oldest.sort_by_key(|entry| (entry.last_accessed, entry.id));
        for entry in oldest {
            if size <= cache.settings.max_size {
                break;
            }
            let len = files.get(&entry.image).copied().unwrap_or(0);
            if cache.remove(&entry.image).await? {
                pruned.files += 1;
                pruned.bytes += len;
            }
            size = size.saturating_sub(len);
        }
        Ok(pruned)
    }

    /// Fetches what is in the queue, a few images at once.
    async fn fetch_queued(self: &Arc<Self>, cache: &Arc<Cache>) {
        let mut running: HashSet<ImageId> = HashSet::new();
        let mut fetches = FuturesUnordered::new();
        let mut failures: HashMap<ImageId, (Instant, Duration)> = HashMap::new();
        let mut rounds = tokio::time::interval(ROUND);
        loop {
            let queue = cache.queue().await.unwrap_or_else(|error| {
                tracing::warn!(error = error.reason(), "the queue of the image cache cannot be read");
                Vec::new()
            });
            failures.retain(|id, _| queue.contains(id));
            let due = |id: &ImageId| failures.get(id).is_none_or(|(again, _)| *again <= Instant::now());
            for id in queue.iter().filter(|id| due(id)) {
                if running.len() < FETCHES && running.insert(id.clone()) {
                    fetches.push(self.fetch(cache, id.clone()));
                }
            }
            tokio::select! {
                Some((id, fetched)) = fetches.next(), if !fetches.is_empty() => {
                    running.remove(&id);
                    if !fetched {
                        let pause = failures.get(&id).map_or(ROUND, |(_, pause)| (*pause * 2).min(LONGEST_PAUSE));
                        failures.insert(id, (Instant::now() + pause, pause));
                    }
                }
                () = cache.queued.notified() => failures.clear(),
                _ = rounds.tick() => {}
            }
        }
    }

    /// Fetches one image; whether it needs no other attempt.
    async fn fetch(self: &Arc<Self>, cache: &Arc<Cache>, id: ImageId) -> (ImageId, bool) {
        let fetched = self.try_fetch(cache, &id).await.unwrap_or_else(|error| {
            tracing::warn!(image.id = %id, error = error.reason(), "an image cannot be fetched into the cache");
            false
        });
        (id, fetched)
    }

    async fn try_fetch(self: &Arc<Self>, cache: &Arc<Cache>, id: &ImageId) -> Answer<bool> {
        let Some(image) = self.images.get(id).await? else {
            tracing::warn!(image.id = %id, "there is no such image to fetch into the cache");
            cache.dequeue(id).await?;
            return Ok(true);
        };
        if image.status != ImageStatus::Active {
            tracing::warn!(image.id = %id, status = %image.status, "an image without data is not cached");
            return Ok(false);
        }
        // A client may be bringing it in.
        cache.arrived(id).await;
        if cache.entry(id).await?.is_none() {
            let stored = self.stored_bytes(&image).await.map_err(crate::error::ImageError::Store)?;
            let Some((len, bytes)) = stored else { return Ok(false) };
            let Some(mut fill) = cache.begin(&image, len, Pace::Disk).await else { return Ok(false) };
            let mut bytes = std::pin::pin!(bytes);
            let mut open = len > 0 || fill.take(bytes::Bytes::new()).await;
            while open && let Some(piece) = bytes.try_next().await.map_err(crate::error::ImageError::Store)? {
                open = fill.take(piece).await;
            }
            drop(fill);
            cache.arrived(id).await;
        }
        let cached = cache.entry(id).await?.is_some();
        if cached {
            cache.dequeue(id).await?;
        }
        Ok(cached)
    }
}
