// SPDX-License-Identifier: Apache-2.0
//! `PUT …/file`: bytes straight into a store.

use std::sync::Arc;

use scurry_store::Store;
use scurry_transfer::OnFailure;
use scurry_types::{ImageId, ImageStatus};

use super::core::Core;
use super::intake::{IntakeSpec, Lane, Taken};
use super::quota::Resource;
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
        let image = core.own(caller, id, "upload_image").await?;
        let store = core.store(upload.store.as_ref()).cloned().ok_or_else(|| {
            let name = upload.store.map(|store| store.to_string()).unwrap_or_default();
            ImageError::Invalid(format!("Store for identifier {name} not found"))
        })?;
        core.check_cap(upload.declared_len)?;
        if !image.status.can_go(ImageStatus::Saving) {
            return Err(core.no_transition(id, ImageStatus::Saving).await);
        }
        if let Some(missing) = missing_formats(&image) {
            return Err(ImageError::Invalid(format!("{missing} must be set prior to saving data.")));
        }
        let core = Arc::clone(core);
        let caller = caller.clone();
        self.outlive(async move {
            let _reserved = reserved;
            core.save(&caller, image, store, upload.declared_len, body).await
        })
        .await
    }
}

impl Core {
    pub(super) fn check_cap(&self, len: Option<u64>) -> Answer<()> {
        if len.is_some_and(|len| len > self.settings.image_size_cap) {
            return Err(ImageError::TooLarge("The provided image is too large.".to_owned()));
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
        let begin = [Change::Status(ImageStatus::Saving), Change::Journal(row.clone())];
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
            on_failure: OnFailure::AbortAll,
            progress: Arc::default(),
            cancel: entry.cancel.clone(),
        };
        let taken = match self.enforce(caller.project.as_ref(), Resource::CountUploading, 0).await {
            Ok(()) => self.take_in(&image, &lanes, body, spec).await,
            Err(error) => Err(error.into()),
        };
        let [lane] = lanes;
        match taken {
            Ok(taken) => self.activate(&image, &taken, lane.row).await,
            Err(refused) => {
                self.clear_writes(std::slice::from_ref(&lane.row)).await;
                let gone = !self.back_to_queued(id, ImageStatus::Saving, Vec::new()).await?;
                Err(if gone { deleted_meanwhile(id) } else { refused.error })
            }
        }
    }

    /// The one transaction that makes an upload count.
    async fn activate(&self, image: &Image, taken: &Taken, row: WriteRow) -> Answer<()> {
        let id = &image.id;
        let mut changes = taken.changes();
        changes.push(Change::Status(ImageStatus::Active));
        changes.push(Change::JournalClear(row.id.clone()));
        self.crash.pass("upload.before-active").await;
        let outcome = self.images.change(id, &Guard::states(&[ImageStatus::Saving]), &changes).await?;
        self.crash.pass("upload.active").await;
        if outcome == Outcome::Done {
            return Ok(());
        }
        self.clear_writes(&[row]).await;
        Err(deleted_meanwhile(id))
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
