// SPDX-License-Identifier: Apache-2.0
//! `PUT …/file`: bytes straight into a store.

use std::sync::Arc;
use std::time::Duration;

use scurry_store::Store;
use scurry_transfer::OnFailure;
use scurry_types::{ImageId, ImageStatus};

use super::core::Core;
use super::intake::{IntakeSpec, Lane, Taken};
use super::quota::{Resource, too_large};
use super::signature::check_signature;
use super::{Answer, ImageService};
use crate::body::{Body, Upload};
use crate::caller::Caller;
use crate::error::ImageError;
use crate::image::Image;
use crate::ports::{Change, Guard, Outcome, Purpose, WriteRow};

/// Which formats data needs before it is taken, as the subject of a sentence.
pub(super) fn missing_formats(image: &Image) -> Option<&'static str> {
    match (&image.disk_format, &image.container_format) {
        (Some(_), Some(_)) => None,
        (None, Some(_)) => Some("Property disk_format"),
        (Some(_), None) => Some("Property container_format"),
        (None, None) => Some("Properties disk_format, container_format"),
    }
}

impl ImageService {
    /// Takes an image's bytes into a store. The image is `active` afterwards, or `queued` as before.
    pub async fn upload(&self, caller: &Caller, id: &ImageId, upload: Upload, body: Body) -> Answer<()> {
        let core = &self.core;
        let reserved = core.reserve(caller.project.as_ref(), upload.declared_len).await?;
        let (image, store) = core.admit(caller, id, &upload).await?;
        let core = Arc::clone(core);
        let caller = caller.clone();
        self.outlive(async move {
            let _reserved = reserved;
            let id = image.id.clone();
            let saved = core.save(&caller, image, store, upload.declared_len, body).await;
            if matches!(saved, Err(ImageError::Database(_))) {
                // The image would be `saving` until the next start.
                tokio::spawn(async move { core.release_later(&id).await });
            }
            saved
        })
        .await
    }
}

impl Core {
    /// The image and the store of an upload that may begin.
    pub(super) async fn admit(
        &self,
        caller: &Caller,
        id: &ImageId,
        upload: &Upload,
    ) -> Answer<(Image, Arc<dyn Store>)> {
        let image = self.own(caller, id, "upload_image").await?;
        let store = self.store(upload.store.as_ref()).cloned().ok_or_else(|| {
            let name = upload.store.as_ref().map(ToString::to_string).unwrap_or_default();
            ImageError::Invalid(format!("Store for identifier {name} not found"))
        })?;
        if !store.capability().write {
            let text = "Error in store configuration. Adding images to store is disabled.";
            return Err(ImageError::Gone(text.to_owned()));
        }
        self.check_cap(upload.declared_len)?;
        if !image.status.can_go(ImageStatus::Saving) {
            return Err(self.no_transition(id, ImageStatus::Saving).await);
        }
        if let Some(missing) = missing_formats(&image) {
            return Err(ImageError::Invalid(format!("{missing} must be set prior to saving data.")));
        }
        check_signature(&image)?;
        Ok((image, store))
    }

    pub(super) fn check_cap(&self, len: Option<u64>) -> Answer<()> {
        if len.is_some_and(|len| len > self.settings.image_size_cap) {
            return Err(too_large());
        }
        Ok(())
    }

    async fn save(
        &self,
        caller: &Caller,
        image: Image,
        store: Arc<dyn Store>,
        declared_len: Option<u64>,
        body: Body,
    ) -> Answer<()> {
        let id = &image.id;
        let row = WriteRow::begin(id, Some(&store.facts().id), &self.settings.node_id, Purpose::Upload);
        let mut begin = vec![Change::Status(ImageStatus::Saving), Change::Journal(row.clone())];
        begin.extend(image.refused_locations());
        if self.images.change(id, &Guard::states(&[ImageStatus::Queued]), &begin).await? != Outcome::Done {
            return Err(self.no_transition(id, ImageStatus::Saving).await);
        }
        let entry = self.enter_upload(id);
        let _turn = self.turn(id).lock_owned().await;
        self.crash.pass("upload.saving").await;
        let lanes = [Lane { store, row }];
        let spec = IntakeSpec {
            strict: false,
            declared_len,
            expected_len: None,
            limit: None,
            on_failure: OnFailure::AbortAll,
            progress: Arc::default(),
            cancel: entry.cancel.clone(),
            going: None,
        };
        let taken = match self.enforce(caller.project.as_ref(), Resource::CountUploading, 0).await {
            Ok(()) => self.take_in(&image, &lanes, body, spec).await,
            Err(error) => Err(error.into()),
        };
        let [lane] = lanes;
        match taken {
            Ok(taken) => self.activate(&image, &taken, lane.row, None).await,
            Err(refused) => {
                if !self.is_journaled(&lane.row).await? {
                    return Err(refused.error);
                }
                self.clear_writes(std::slice::from_ref(&lane.row)).await;
                let told = vec![Change::UploadFailed(refused.error.reason())];
                let gone = !self.back_to_queued(id, ImageStatus::Saving, told).await?;
                Err(if gone { deleted_meanwhile(id) } else { refused.error })
            }
        }
    }

    /// The one transaction that makes an upload count.
    pub(super) async fn activate(
        &self,
        image: &Image,
        taken: &Taken,
        row: WriteRow,
        more: Option<Change>,
    ) -> Answer<()> {
        let id = &image.id;
        let mut changes = taken.changes();
        changes.extend(more);
        changes.push(Change::Status(ImageStatus::Active));
        changes.push(Change::JournalClear(row.id.clone()));
        self.crash.pass("upload.before-active").await;
        let outcome = self.change_soon(id, &Guard::states(&[ImageStatus::Saving]), &changes).await?;
        self.crash.pass("upload.active").await;
        if outcome == Outcome::Done || self.holds(id, taken).await? {
            return Ok(());
        }
        self.clear_writes(&[row]).await;
        Err(deleted_meanwhile(id))
    }

    /// Changes an image; a database that cannot be written is given a few more chances.
    async fn change_soon(&self, id: &ImageId, guard: &Guard, changes: &[Change]) -> Answer<Outcome> {
        for pause in [200, 1000].map(Duration::from_millis) {
            match self.images.change(id, guard, changes).await {
                Ok(outcome) => return Ok(outcome),
                Err(error) => {
                    tracing::warn!(image.id = %id, error = %error.source, "an upload cannot be entered, tried again");
                }
            }
            tokio::time::sleep(pause).await;
        }
        Ok(self.images.change(id, guard, changes).await?)
    }

    /// Whether the bytes count already: a change may have been made although its answer was lost.
    async fn holds(&self, id: &ImageId, taken: &Taken) -> Answer<bool> {
        let image = self.images.get(id).await?;
        Ok(image.is_some_and(|image| {
            taken.objects.iter().all(|(_, object)| image.locations.iter().any(|one| one.url == object.url))
        }))
    }

    /// Makes an image `queued` again whose upload ended with the database, as soon as that is back.
    async fn release_later(&self, id: &ImageId) {
        loop {
            match self.release_upload(id).await {
                Ok(()) => return,
                Err(error) => {
                    tracing::error!(image.id = %id, error = error.reason(), "an upload cannot be cleared up yet");
                }
            }
            tokio::select! {
                () = tokio::time::sleep(self.settings.job_back_off) => {}
                // The next start does it.
                () = self.stopping.cancelled() => return,
            }
        }
    }

    async fn release_upload(&self, id: &ImageId) -> Answer<()> {
        let _turn = self.turn(id).lock_owned().await;
        for row in self.images.journal(Some(id), Some(&self.settings.node_id)).await? {
            if row.purpose == Purpose::Upload {
                self.clear_write(&row).await?;
            }
        }
        let told = Change::UploadFailed("the database could not be written".to_owned());
        self.back_to_queued(id, ImageStatus::Saving, vec![told]).await?;
        Ok(())
    }

    /// Makes the image as if nothing had been sent; `false` when it is gone.
    pub(super) async fn back_to_queued(
        &self,
        id: &ImageId,
        from: ImageStatus,
        more: Vec<Change>,
    ) -> Answer<bool> {
        let mut changes =
            vec![Change::Status(ImageStatus::Queued), Change::Sizes { size: None, virtual_size: None }];
        changes.extend(more);
        Ok(self.images.change(id, &Guard::states(&[from]), &changes).await? == Outcome::Done)
    }
}

pub(super) fn deleted_meanwhile(id: &ImageId) -> ImageError {
    ImageError::Gone(format!(
        "Image {id} could not be found after upload. The image may have been deleted during the upload, \
         cleaning up the chunks uploaded."
    ))
}
