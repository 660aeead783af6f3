// SPDX-License-Identifier: Apache-2.0
//! Who may append to an upload: one request at a time on this node by its turn, among nodes by a lease in the row.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use scurry_types::ImageId;
use tokio::sync::OwnedMutexGuard;
use tokio_util::sync::CancellationToken;

use crate::error::ImageError;
use crate::ports::{Claim, Hold, Holder, Renewal, UploadSession};
use crate::service::Answer;
use crate::service::core::Core;
use crate::upload_session::UploadProblem;

/// How long a request waits for another one to let go.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pause between two attempts.
const PAUSE: Duration = Duration::from_millis(100);

impl Core {
    /// Stops whoever appends to the image's upload on this node, and waits until it has stopped.
    pub(super) async fn turn_of_appends(&self, id: &ImageId) -> OwnedMutexGuard<()> {
        let mut turn = std::pin::pin!(self.turn(id).lock_owned());
        loop {
            self.stop_upload(id);
            // Another request that waits may be the next to append, and has to be stopped as well.
            tokio::select! {
                turn = &mut turn => return turn,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    /// A holder of this node that nobody knows yet.
    pub(super) fn new_holder(&self) -> Holder {
        let node = self.settings.node_id.clone();
        Holder { id: uuid::Uuid::new_v4().to_string(), node, until: self.lease_end() }
    }

    fn lease_end(&self) -> DateTime<Utc> {
        self.jobs.now() + TimeDelta::from_std(self.settings.upload_lease).unwrap_or(TimeDelta::MAX)
    }

    /// Takes hold of an upload; whoever appends on another node lets go soon, or its lease runs out.
    pub(super) async fn claim(&self, id: &ImageId) -> Answer<(UploadSession, Hold)> {
        let begun = Instant::now();
        loop {
            let holder = self.new_holder();
            match self.images.claim_session(id, &holder, self.jobs.now()).await? {
                Claim::Held(session) => {
                    let hold = session.held_by(&holder);
                    return Ok((*session, hold));
                }
                Claim::Gone => return Err(UploadProblem::NotBegun.into()),
                Claim::Busy if begun.elapsed() < PATIENCE => tokio::time::sleep(PAUSE).await,
                Claim::Busy => {
                    return Err(ImageError::Unavailable {
                        text: "another request still appends to this upload".to_owned(),
                        retry_after: Some(Duration::from_secs(5)),
                    });
                }
            }
        }
    }

    /// Renews the lease for as long as this is polled; cancels the transfer when somebody else wants to append, or
    /// does already.
    pub(super) async fn keep_hold(&self, hold: &Hold, cancel: &CancellationToken) -> Infallible {
        let mut renewed = Instant::now();
        loop {
            tokio::time::sleep(self.settings.upload_lease / 5).await;
            match self.images.renew_session(hold, self.lease_end()).await {
                Ok(Renewal::Kept) => renewed = Instant::now(),
                Ok(Renewal::Wanted) => {
                    renewed = Instant::now();
                    cancel.cancel();
                }
                Ok(Renewal::Lost) => cancel.cancel(),
                Err(error) => {
                    tracing::warn!(error = %error.source, "the lease of an upload cannot be renewed");
                    if renewed.elapsed() >= self.settings.upload_lease {
                        cancel.cancel();
                    }
                }
            }
        }
    }
}
