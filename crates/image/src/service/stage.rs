// SPDX-License-Identifier: Apache-2.0
//! `PUT …/stage`: bytes kept until an import takes them.

use std::sync::Arc;

use scurry_types::{ImageId, ImageStatus};

use super::core::Core;
use super::quota::{Resource, mebibytes};
use super::upload::deleted_meanwhile;
use super::{Answer, ImageService};
use crate::body::Body;
use crate::caller::Caller;
use crate::ports::{Change, Guard, Outcome, Purpose, WriteRow};

impl ImageService {
    /// Takes an image's bytes into the staging area. The image is `uploading` afterwards.
    pub async fn stage(
        &self,
        caller: &Caller,
        id: &ImageId,
        declared_len: Option<u64>,
        body: Body,
    ) -> Answer<()> {
        let core = &self.core;
        core.enforce(caller.project.as_ref(), Resource::StageTotal, mebibytes(declared_len)).await?;
        let image = core.own(caller, id, "modify_image").await?;
        core.check_cap(declared_len)?;
        if !image.status.can_go(ImageStatus::Uploading) {
            return Err(core.no_transition(id, ImageStatus::Uploading).await);
        }
        let core = Arc::clone(core);
        let (caller, id) = (caller.clone(), id.clone());
        self.outlive(async move { core.keep(&caller, &id, declared_len, body).await }).await
    }
}

impl Core {
    async fn keep(&self, caller: &Caller, id: &ImageId, declared_len: Option<u64>, body: Body) -> Answer<()> {
        let row = WriteRow::begin(id, None, &self.settings.node_id, Purpose::Stage);
        let begin = [
            Change::Status(ImageStatus::Uploading),
            Change::Sizes { size: None, virtual_size: None },
            Change::Journal(row.clone()),
            Change::Staged(self.settings.node_id.clone()),
        ];
        if self.images.change(id, &Guard::states(&[ImageStatus::Queued]), &begin).await? != Outcome::Done {
            return Err(self.no_transition(id, ImageStatus::Uploading).await);
        }
        let entry = self.enter_upload(id);
        let _turn = self.turn(id).lock_owned().await;
        self.crash.pass("stage.uploading").await;
        let kept = match self.enforce(caller.project.as_ref(), Resource::CountUploading, 0).await {
            Ok(()) => self.write_staged(id, declared_len, body, &entry.cancel).await,
            Err(error) => Err(error),
        };
        self.crash.pass("stage.renamed").await;
        match kept {
            Ok(len) => {
                let end = [
                    Change::Sizes { size: Some(len), virtual_size: None },
                    Change::JournalClear(row.id.clone()),
                ];
                let guard = Guard::states(&[ImageStatus::Uploading]);
                if self.images.change(id, &guard, &end).await? == Outcome::Done {
                    return Ok(());
                }
                self.clear_writes(&[row]).await;
                Err(deleted_meanwhile(id))
            }
            Err(error) => {
                if !self.is_journaled(&row).await? {
                    return Err(error);
                }
                self.clear_writes(&[row]).await;
                let gone = !self.back_to_queued(id, ImageStatus::Uploading, Vec::new()).await?;
                Err(if gone { deleted_meanwhile(id) } else { error })
            }
        }
    }
}
