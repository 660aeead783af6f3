// SPDX-License-Identifier: Apache-2.0
//! Uploads in several requests: begun, gone on with on any node, looked at, cancelled.
//!
//! The image is `saving` from the first request to the last. What came is in the store and in a checkpoint; between
//! requests nothing of it is in memory. One request at a time appends: a newer one takes the upload over.

mod append;
mod expiry;
mod hold;
mod intake;

use std::sync::Arc;

use scurry_types::{ImageId, ImageStatus};

use super::core::Core;
use super::{Answer, ImageService};
use crate::body::{Body, Upload};
use crate::caller::Caller;
use crate::error::ImageError;
use crate::ports::{Change, UploadSession, WriteRow};
use crate::upload_session::{Append, Appended, UploadProblem, UploadState};

impl ImageService {
    /// Begins an upload that may come in several requests. The first of them may bring everything. An upload that has
    /// begun already, but holds nothing yet, is gone on with.
    pub async fn begin_upload(
        &self,
        caller: &Caller,
        id: &ImageId,
        upload: Upload,
        complete: bool,
        body: Body,
    ) -> Answer<Appended> {
        let core = &self.core;
        core.own(caller, id, "upload_image").await?;
        let begun = core.images.upload_session(id).await?.filter(|session| !session.complete);
        if begun.is_some_and(|session| upload.store.as_ref().is_none_or(|store| *store == session.store)) {
            let append = Append { offset: 0, len: upload.declared_len, complete };
            return self.append_upload(caller, id, append, body).await;
        }
        let reserved = core.reserve(caller.project.as_ref(), upload.declared_len).await?;
        let (image, store) = core.admit(caller, id, &upload).await?;
        if !store.capability().resume {
            if !complete {
                return Err(UploadProblem::NotResumable(store.facts().id.clone()).into());
            }
            drop(reserved);
            self.upload(caller, id, upload, body).await?;
            return core.completed(id).await;
        }
        let (core, caller) = (Arc::clone(core), caller.clone());
        self.outlive(async move {
            let _reserved = reserved;
            core.begin_session(&caller, &image, &store, upload.declared_len, complete, body).await
        })
        .await
    }

    /// Goes on with an upload. Whoever appends to it now is stopped first.
    pub async fn append_upload(
        &self,
        caller: &Caller,
        id: &ImageId,
        append: Append,
        body: Body,
    ) -> Answer<Appended> {
        let core = &self.core;
        let image = core.own(caller, id, "upload_image").await?;
        let session = core.images.upload_session(id).await?.ok_or(UploadProblem::NotBegun)?;
        if session.complete {
            return Err(UploadProblem::Completed.into());
        }
        let len = append.len.or(session.declared_len);
        core.check_cap(len)?;
        let reserved = core.reserve(caller.project.as_ref(), len).await?;
        let core = Arc::clone(core);
        self.outlive(async move {
            let _reserved = reserved;
            core.append(&image, append, body).await
        })
        .await
    }

    /// How far an upload is; `None` for an image that has or gets its data in another way. Whoever appends is
    /// stopped first: the client that asks has lost that connection, and the answer must hold.
    pub async fn upload_state(&self, caller: &Caller, id: &ImageId) -> Answer<Option<UploadState>> {
        let core = &self.core;
        let image = core.own(caller, id, "upload_image").await?;
        match core.images.upload_session(id).await? {
            Some(session) if session.complete => core.complete_state(&session).await.map(Some),
            Some(session) if image.status == ImageStatus::Saving => {
                let core = Arc::clone(core);
                self.outlive(async move {
                    let session = core.undisturbed(session).await?;
                    Ok(Some(core.state(&session)))
                })
                .await
            }
            None if image.status == ImageStatus::Queued => {
                let expires_in = core.settings.upload_expiry;
                Ok(Some(UploadState { offset: 0, len: None, expires_in, complete: None }))
            }
            _ => Ok(None),
        }
    }

    /// Ends an upload that is not complete: the image is `queued` again, nothing is left of what came. `false` when
    /// there is none.
    pub async fn cancel_upload(&self, caller: &Caller, id: &ImageId) -> Answer<bool> {
        let core = &self.core;
        core.own(caller, id, "upload_image").await?;
        if core.images.upload_session(id).await?.is_none() {
            return Ok(false);
        }
        let (core, id) = (Arc::clone(core), id.clone());
        self.outlive(async move {
            let _turn = core.turn_of_appends(&id).await;
            let (session, hold) = core.claim(&id).await?;
            if session.complete {
                core.images.forget_session(&hold).await?;
            } else {
                core.end_session(&session, &hold, None).await?;
            }
            Ok(true)
        })
        .await
    }
}

impl Core {
    /// The state of an upload nobody appends to.
    async fn undisturbed(&self, session: UploadSession) -> Answer<UploadSession> {
        if !session.is_held(self.jobs.now()) {
            return Ok(session);
        }
        let _turn = self.turn_of_appends(&session.image).await;
        let (session, hold) = self.claim(&session.image).await?;
        self.images.release_session(&hold).await?;
        Ok(session)
    }

    fn state(&self, session: &UploadSession) -> UploadState {
        let expires_in = self.settings.upload_expiry;
        UploadState { offset: session.offset, len: session.declared_len, expires_in, complete: None }
    }

    async fn complete_state(&self, session: &UploadSession) -> Answer<UploadState> {
        let digest = self.block_digest(&session.image).await?;
        Ok(UploadState { complete: Some(digest), ..self.state(session) })
    }

    async fn block_digest(&self, id: &ImageId) -> Answer<[u8; 32]> {
        let hashes = self.images.block_hashes(id).await?.ok_or_else(|| ImageError::no_image(id))?;
        Ok(scurry_transfer::block_digest(&hashes))
    }

    /// What is said of an image that has just got its data.
    async fn completed(&self, id: &ImageId) -> Answer<Appended> {
        let image = self.images.get(id).await?.ok_or_else(|| ImageError::no_image(id))?;
        Ok(Appended::Complete { len: image.size.unwrap_or(0), block_digest: self.block_digest(id).await? })
    }

    /// The row of the journal that belongs to a session.
    pub(in crate::service) async fn write_of(&self, session: &UploadSession) -> Answer<Option<WriteRow>> {
        let rows = self.images.journal(Some(&session.image), None).await?;
        Ok(rows.into_iter().find(|row| row.id == session.write))
    }

    /// Whether an unfinished object belongs to an upload that can be gone on with.
    pub(in crate::service) async fn is_resumable(&self, row: &WriteRow) -> Answer<bool> {
        let session = self.images.upload_session(&row.image).await?;
        Ok(session.is_some_and(|session| !session.complete && session.write == row.id))
    }

    /// Takes away what an upload has brought so far; the image may be uploaded anew. `false` when the image is gone.
    async fn end_session(
        &self,
        session: &UploadSession,
        hold: &crate::ports::Hold,
        reason: Option<String>,
    ) -> Answer<bool> {
        let rows: Vec<_> = self.write_of(session).await?.into_iter().collect();
        self.clear_writes(&rows).await;
        let mut close = vec![Change::CloseSession(Some(hold.clone()))];
        close.extend(reason.map(Change::UploadFailed));
        self.back_to_queued(&session.image, ImageStatus::Saving, close).await
    }

    /// Clears up after an upload whose image was deleted, unless somebody still writes, who does it then.
    pub(in crate::service) async fn clear_session(&self, session: &UploadSession) -> Answer<()> {
        if session.complete || session.is_held(self.jobs.now()) {
            return Ok(());
        }
        let _turn = self.turn(&session.image).lock_owned().await;
        let rows: Vec<_> = self.write_of(session).await?.into_iter().collect();
        self.clear_writes(&rows).await;
        Ok(())
    }
}
