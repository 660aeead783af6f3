// SPDX-License-Identifier: Apache-2.0
//! Clearing up after a crash, before the first request is served.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use scurry_jobs::JobState;
use scurry_types::{ImageId, ImageStatus, JobId, StoreId, TaskStatus};

use super::core::Core;
use super::jobs::resumes;
use super::leftovers::clear_job;
use super::placing::Ask;
use super::{Answer, ImageService};
use crate::error::ImageError;
use crate::image::{Image, reserved};
use crate::ports::{Change, Guard, Purpose};

/// An object in a store that no image names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// The store.
    pub store: StoreId,
    /// The image it was made for.
    pub image: ImageId,
    /// Its url.
    pub url: String,
}

impl ImageService {
    /// Puts right what an earlier life of this node left half done: stores are released, unfinished objects
    /// removed, images whose upload or import died made `queued` again. Jobs go on where they were.
    pub(super) async fn recover(&self) -> Answer<()> {
        let core = &self.core;
        let releases = core.stores.iter().map(|store| async move {
            if let Err(error) = store.recover().await {
                tracing::warn!(store.id = %store.facts().id, error = %error, "a store cannot be cleaned up");
            }
        });
        futures::future::join_all(releases).await;
        core.images.node_heartbeat(&core.settings.node_id).await?;
        core.jobs.drop_leases(&core.settings.node_id).await?;
        let kept = TimeDelta::from_std(core.settings.task_time_to_live).unwrap_or(TimeDelta::MAX);
        if let Some(before) = Utc::now().checked_sub_signed(kept) {
            core.jobs.forget_ended(before).await?;
        }
        core.images.release_sessions_of(&core.settings.node_id).await?;
        core.place_locations(Ask::Nobody).await?;
        core.clear_journal(&core.settings.node_id).await?;
        core.free_images().await?;
        core.drop_dead_holds().await?;
        core.sweep_staging(Duration::ZERO).await?;
        Ok(())
    }

    /// Objects in the stores that no image names, of images the database knows. Asks every store about every
    /// image: for the operator, not for requests.
    pub async fn orphans(&self) -> Answer<Vec<Orphan>> {
        let core = &self.core;
        let mut orphans = Vec::new();
        for id in core.images.ids_in(ImageStatus::ALL).await? {
            for store in core.stores.iter() {
                let Ok(_turn) = core.turn(&id).try_lock_owned() else { continue };
                let unnamed = match core.unnamed(store.as_ref(), &id, None).await {
                    // A write to it has just begun.
                    Err(ImageError::Unavailable { .. }) => continue,
                    unnamed => unnamed?,
                };
                for url in unnamed {
                    orphans.push(Orphan { store: store.facts().id.clone(), image: id.clone(), url });
                }
            }
        }
        Ok(orphans)
    }
}

impl Core {
    /// Removes what a node was writing when it died. Writes of imports are left to their jobs.
    pub(super) async fn clear_journal(&self, node: &str) -> Answer<()> {
        for row in self.images.journal(None, Some(node)).await? {
            if row.purpose == Purpose::Import && self.has_open_job(&row.image).await? {
                continue;
            }
            if self.is_resumable(&row).await? {
                continue;
            }
            if node != self.settings.node_id {
                self.wrest(&row).await;
            }
            if let Err(error) = self.clear_write(&row).await {
                tracing::warn!(image.id = %row.image, error = error.reason(), "an unfinished object is left to a job");
                self.jobs.enqueue(&clear_job(&row)).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn has_open_job(&self, image: &ImageId) -> Answer<bool> {
        let jobs = self.jobs.open_jobs(image).await?;
        Ok(jobs.iter().any(|job| resumes(&job.kind)))
    }

    /// Images whose upload, staging or import nobody works on any more.
    pub(super) async fn free_images(&self) -> Answer<()> {
        let alive = self.others_alive().await?;
        let busy = [ImageStatus::Saving, ImageStatus::Uploading, ImageStatus::Importing];
        for id in self.images.ids_in(&busy).await? {
            let Some(image) = self.images.get(&id).await? else { continue };
            let upload = self.images.upload_session(&id).await?.filter(|upload| !upload.complete);
            if let Some(upload) = &upload
                && self.write_of(upload).await?.is_some()
            {
                continue; // to be gone on with
            }
            let elsewhere = self.images.journal(Some(&id), None).await?;
            if elsewhere.iter().any(|row| alive.contains(&row.node)) {
                continue;
            }
            // Staged on another node, it waits there, for that node too if need be.
            let holder = self.images.staged_on(&id).await?.filter(|node| *node != self.settings.node_id);
            let staged =
                holder.is_some() || tokio::fs::try_exists(self.staged_file(&id)).await.unwrap_or(true);
            let dead = match image.status {
                ImageStatus::Saving => true,
                // Staged completely, waiting for its import.
                ImageStatus::Uploading => image.size.is_none() || !staged,
                ImageStatus::Importing => !self.has_open_job(&id).await?,
                _ => false,
            };
            if dead {
                tracing::info!(image.id = %id, status = %image.status, "an interrupted image is queued again");
                let told = Change::UploadFailed("the service was stopped while it took the data".to_owned());
                let close = upload.map(|_| Change::CloseSession(None));
                let more = close.into_iter().chain([told]).collect();
                self.free(&image, more).await?;
            }
        }
        Ok(())
    }

    async fn free(&self, image: &Image, mut more: Vec<Change>) -> Answer<()> {
        if let Some(task) = image.held_by() {
            let text = "The service was stopped while it worked on the image".to_owned();
            let task = JobId::from(task);
            more.extend(self.release(&task, &image.id, TaskStatus::Failure, text, &[]));
        }
        self.back_to_queued(&image.id, image.status, more).await?;
        Ok(())
    }

    /// Holds of tasks whose job ended, or that never had one.
    pub(super) async fn drop_dead_holds(&self) -> Answer<()> {
        for id in self.images.ids_held().await? {
            let Some(image) = self.images.get(&id).await? else { continue };
            if !matches!(image.status, ImageStatus::Active | ImageStatus::Deactivated) {
                continue; // the import's own end decides
            }
            let Some(task) = image.held_by().map(JobId::from) else { continue };
            let job = self.jobs.get(&task).await?;
            if job.is_some_and(|job| matches!(job.state, JobState::Pending | JobState::Running)) {
                continue;
            }
            let unfinished = image.list_property(reserved::IMPORTING_TO);
            let text = "The service was stopped while it worked on the image".to_owned();
            let lost: Vec<_> = unfinished
                .into_iter()
                .map(|store| super::jobs::Loss { store: store.into(), reason: text.clone(), later: false })
                .collect();
            let steps: Vec<Change> = self.release(&task, &id, TaskStatus::Failure, text, &lost);
            let _ = self.images.change(&id, &Guard::default().held_by(&task), &steps).await?;
        }
        Ok(())
    }
}
