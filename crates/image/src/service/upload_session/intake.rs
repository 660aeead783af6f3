// SPDX-License-Identifier: Apache-2.0
//! The body of one request of an upload: how it ended, and the checkpoints kept while it is read.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::{StreamExt, stream};
use scurry_transfer::{Checkpoint, KeepCheckpoint};

use crate::body::{Body, BodyError};
use crate::ports::{Hold, ImageRepository};

/// How a body ended.
#[derive(Debug)]
pub(super) enum End {
    /// It was read to its end.
    Whole,
    /// It broke off.
    Broken(BodyError),
}

/// Where the end of a body is noted; nothing is there when it was not reached.
pub(super) type Ending = Arc<Mutex<Option<End>>>;

/// A body whose end is noted. One that is not the last ends for the transfer as if it had broken off: what came is
/// kept, and the next request goes on.
pub(super) fn watched(body: Body, last: bool) -> (Body, Ending) {
    let ending = Ending::default();
    let noted = Arc::clone(&ending);
    let note = move |end| *noted.lock().unwrap_or_else(PoisonError::into_inner) = Some(end);
    let watched = stream::unfold(Some((body, note)), move |going| async move {
        let (mut body, note) = going?;
        match body.next().await {
            Some(Ok(chunk)) => Some((Ok(chunk), Some((body, note)))),
            Some(Err(error)) => {
                note(End::Broken(error));
                Some((Err(BodyError::ClientGone), None))
            }
            None => {
                note(End::Whole);
                (!last).then_some((Err(BodyError::ClientGone), None))
            }
        }
    });
    (Box::pin(watched), ending)
}

/// Keeps checkpoints in the row of the upload for as long as that is held.
#[derive(Debug)]
pub(super) struct Keeper {
    pub(super) images: Arc<dyn ImageRepository>,
    pub(super) hold: Hold,
}

#[async_trait]
impl KeepCheckpoint for Keeper {
    async fn keep(&self, checkpoint: Checkpoint) -> bool {
        let Ok(bytes) = serde_json::to_vec(&checkpoint) else { return false };
        for pause in [200, 1000, 0].map(Duration::from_millis) {
            match self.images.keep_session(&self.hold, checkpoint.offset(), &bytes).await {
                Ok(kept) => return kept,
                Err(error) => {
                    tracing::warn!(error = %error.source, "a checkpoint of an upload cannot be kept");
                }
            }
            tokio::time::sleep(pause).await;
        }
        false
    }
}
