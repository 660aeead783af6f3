// SPDX-License-Identifier: Apache-2.0
//! `delayed_delete`: deleted images whose objects stay for a while, the scrubber that removes them, and the way back.
//!
//! What is to be scrubbed stands in Glance's own rows (status `pending_delete`), so its scrubber and ours do the same
//! work. An object is handed over to the journal of writes before it is removed: a restored image never has a location
//! whose object is gone, and a crash leaves an object to be removed, not one that nobody knows of.

use chrono::{TimeDelta, Utc};
use futures::{StreamExt, stream};
use scurry_types::{ImageId, ImageStatus, StoreId};

use super::core::Core;
use super::{Answer, ImageService};
use crate::error::ImageError;
use crate::image::{Image, ImageLocation, reserved};
use crate::ports::{Change, Guard, Outcome, Purpose, WriteRow};

/// What a run of the scrubber did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scrubbed {
    /// Images that are gone for good.
    pub images: usize,
    /// Images that could not be removed whole; the next run tries again.
    pub left: usize,
}

impl ImageService {
    /// Removes the objects of images deleted longer than `scrub_time` ago.
    pub async fn scrub(&self) -> Answer<Scrubbed> {
        let core = &self.core;
        let settings = &core.settings.delayed_delete;
        let kept = TimeDelta::from_std(settings.scrub_time).unwrap_or(TimeDelta::MAX);
        let Some(until) = Utc::now().checked_sub_signed(kept) else { return Ok(Scrubbed::default()) };
        let due = core.images.pending_deletes(until).await?;
        let ended: Vec<bool> = stream::iter(due)
            .map(|id| async move {
                core.scrub_image(&id).await.unwrap_or_else(|error| {
                    tracing::warn!(image.id = %id, error = error.reason(), "a deleted image cannot be scrubbed now");
                    false
                })
            })
            .buffer_unordered(settings.pool_size.max(1))
            .collect()
            .await;
        let images = ended.iter().filter(|gone| **gone).count();
        Ok(Scrubbed { images, left: ended.len() - images })
    }

    /// One node scrubs at a time; the others look now and then whether it is theirs to do.
    async fn scrub_if_first(&self) -> Answer<Scrubbed> {
        if self.core.leads().await? { self.scrub().await } else { Ok(Scrubbed::default()) }
    }

    /// Takes back a deletion that waits for the scrubber. Refused for any other image.
    pub async fn restore(&self, id: &ImageId) -> Answer<Image> {
        let core = &self.core;
        let now = core.images.status(id).await?.ok_or_else(|| ImageError::no_image(id))?;
        let refused = |reason: String| Err(ImageError::Conflict(reason));
        if now != ImageStatus::PendingDelete {
            return refused(format!(
                "cannot restore the image from {now} to active (wanted from_state=pending_delete)"
            ));
        }
        if core.images.pending_locations(id).await?.is_empty() {
            return refused(format!("cannot restore image {id}: its data has been removed"));
        }
        let before = core.images.deleted_property(id, reserved::DELETED_STATUS).await?;
        let status = before.and_then(|word| word.parse().ok()).unwrap_or(ImageStatus::Active);
        let steps = [Change::Restore(status), Change::RemoveProperty(reserved::DELETED_STATUS.to_owned())];
        let guard = Guard::states(&[ImageStatus::PendingDelete]);
        if core.images.change(id, &guard, &steps).await? != Outcome::Done {
            return refused(format!("image {id} is being changed by others, try again"));
        }
        core.images.get(id).await?.ok_or_else(|| ImageError::no_image(id))
    }

    /// Clears up what an earlier scrubber of this node's name was removing when it died.
    pub async fn recover_scrub(&self) -> Answer<()> {
        let core = &self.core;
        for row in core.images.journal(None, Some(&core.settings.node_id)).await? {
            if row.purpose == Purpose::Undo {
                core.clear_write(&row).await?;
            }
        }
        Ok(())
    }

    /// Scrubs again and again until the service goes down.
    pub(super) fn scrub_in_background(&self) {
        let settings = &self.core.settings.delayed_delete;
        if !settings.enabled {
            return;
        }
        let pause = settings.wakeup_time.max(std::time::Duration::from_secs(1));
        let service = self.clone();
        self.tracker.spawn(async move {
            let stopping = service.core.stopping.clone();
            loop {
                let run = tokio::select! {
                    run = service.scrub_if_first() => run,
                    () = stopping.cancelled() => return,
                };
                match run {
                    Ok(Scrubbed { images: 0, left: 0 }) => {}
                    Ok(Scrubbed { images, left }) => {
                        tracing::info!(images, left, "deleted images were scrubbed");
                    }
                    Err(error) => {
                        tracing::error!(error = error.reason(), "deleted images cannot be scrubbed");
                    }
                }
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = stopping.cancelled() => return,
                }
            }
        });
    }
}

impl Core {
    /// Steps that mark an image as deleted and leave its objects to the scrubber.
    pub(super) fn delayed(&self, image: &Image) -> Option<Vec<Change>> {
        if !self.settings.delayed_delete.enabled || image.locations.is_empty() {
            return None;
        }
        let mut steps = Vec::new();
        if image.status == ImageStatus::Deactivated {
            let (name, value) = (reserved::DELETED_STATUS.to_owned(), image.status.as_str().to_owned());
            steps.push(Change::SetProperty(name, value));
        }
        steps.push(Change::DeletePending);
        Some(steps)
    }

    /// Removes what is left of a deleted image; `false` when something stays.
    async fn scrub_image(&self, id: &ImageId) -> Answer<bool> {
        // A copy that was told to stop may still be at work.
        let Ok(_turn) = self.turn(id).try_lock_owned() else { return Ok(false) };
        let mut whole = true;
        for location in self.images.pending_locations(id).await? {
            whole &= self.scrub_location(id, &location).await?;
        }
        if !whole {
            return Ok(false);
        }
        let end = [Change::Status(ImageStatus::Deleted), Change::BlockHashes(None)];
        let guard = Guard::states(&[ImageStatus::PendingDelete]);
        Ok(self.images.change(id, &guard, &end).await? == Outcome::Done)
    }

    async fn scrub_location(&self, id: &ImageId, location: &ImageLocation) -> Answer<bool> {
        let url = &location.url;
        let guard = Guard::states(&[ImageStatus::PendingDelete]);
        let moved = |waits| Change::PendingLocation { url: url.clone(), waits };
        let Some((name, store)) = location.store().and_then(|name| Some((name, self.stores.get(name)?)))
        else {
            tracing::warn!(image.id = %id, url, "the location of a deleted image is in no store of ours");
            return Ok(false);
        };
        let mut row = WriteRow::begin(id, Some(&StoreId::from(name)), &self.settings.node_id, Purpose::Undo);
        row.url = Some(url.clone());
        let take = [moved(false), Change::Journal(row.clone())];
        if self.images.change(id, &guard, &take).await? != Outcome::Done {
            return Ok(false);
        }
        self.crash.pass("scrub.taken").await;
        match Self::remove_object(store.as_ref(), url).await {
            Ok(()) => {
                self.crash.pass("scrub.object-gone").await;
                self.images.journal_clear(&row.id).await?;
                Ok(true)
            }
            Err(error) => {
                tracing::warn!(image.id = %id, store.id = name, error = %error, "an object of a deleted image stays for now");
                let back = [moved(true), Change::JournalClear(row.id.clone())];
                let _ = self.images.change(id, &guard, &back).await?;
                Ok(false)
            }
        }
    }
}
