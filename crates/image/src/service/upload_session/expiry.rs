// SPDX-License-Identifier: Apache-2.0
//! Uploads that nobody goes on with.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use scurry_types::ImageId;

use crate::service::core::Core;
use crate::service::{Answer, ImageService};

/// Longest pause between two rounds.
const ROUND: Duration = Duration::from_secs(60);

impl ImageService {
    /// Ends expired uploads until the service goes down.
    pub(in crate::service) fn expire_uploads_in_background(&self) {
        let core = Arc::clone(&self.core);
        let pause = ROUND.min(core.settings.upload_expiry / 4);
        self.tracker.spawn(async move {
            loop {
                tokio::select! {
                    () = core.stopping.cancelled() => return,
                    () = tokio::time::sleep(pause) => {}
                }
                if core.leads().await.is_ok_and(|leads| !leads) {
                    continue;
                }
                if let Err(error) = core.expire_uploads().await {
                    tracing::warn!(error = error.reason(), "expired uploads cannot be ended");
                }
            }
        });
    }
}

impl Core {
    async fn expire_uploads(&self) -> Answer<()> {
        let kept = TimeDelta::from_std(self.settings.upload_expiry).unwrap_or(TimeDelta::MAX);
        let Some(since) = Utc::now().checked_sub_signed(kept) else { return Ok(()) };
        for id in self.images.idle_sessions(since).await? {
            self.expire_upload(&id, since).await?;
        }
        Ok(())
    }

    async fn expire_upload(&self, id: &ImageId, since: DateTime<Utc>) -> Answer<()> {
        // Whoever has its turn touches the upload.
        let Ok(_turn) = self.turn(id).try_lock_owned() else { return Ok(()) };
        let found = self.images.upload_session(id).await?;
        let Some(idle) = found.filter(|session| session.touched_at < since) else { return Ok(()) };
        let (session, hold) = self.claim(id).await?;
        if session.id != idle.id || session.offset != idle.offset {
            return Ok(self.images.release_session(&hold).await?);
        }
        if session.complete {
            self.images.forget_session(&hold).await?;
            return Ok(());
        }
        tracing::info!(image.id = %id, offset = session.offset, "an upload nobody went on with is ended");
        let reason = "the upload was not gone on with in time".to_owned();
        self.end_session(&session, &hold, Some(reason)).await?;
        Ok(())
    }
}
