// SPDX-License-Identifier: Apache-2.0
//! `image.send`: how many bytes a download came to, told when it ends.

use std::sync::Arc;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};

use crate::caller::Caller;
use crate::image::Image;
use crate::notice::image_sent;
use crate::service::core::Core;

/// Counts what passes; told wherever it ends, a client that went away included.
struct Sent {
    core: Arc<Core>,
    image: Image,
    caller: Caller,
    expected: u64,
    bytes: u64,
}

impl Drop for Sent {
    fn drop(&mut self) {
        let event = image_sent(&self.image, &self.caller, self.bytes, self.bytes == self.expected);
        let core = Arc::clone(&self.core);
        // Without a runtime the process is ending.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            if let Err(error) = core.images.tell(&event).await {
                tracing::warn!(%error, "that an image was sent cannot be noted");
            }
        });
    }
}

impl Core {
    /// Lets a download of so many bytes be told of when it ends, where anybody listens.
    pub(super) fn told_when_sent<E: Send + 'static>(
        self: &Arc<Self>,
        image: &Image,
        caller: &Caller,
        expected: u64,
        body: BoxStream<'static, Result<Bytes, E>>,
    ) -> BoxStream<'static, Result<Bytes, E>> {
        if !self.images.tells("image.send") {
            return body;
        }
        let sent =
            Sent { core: Arc::clone(self), image: image.clone(), caller: caller.clone(), expected, bytes: 0 };
        counted(sent, body).boxed()
    }
}

fn counted<E: Send + 'static>(
    sent: Sent,
    body: BoxStream<'static, Result<Bytes, E>>,
) -> impl Stream<Item = Result<Bytes, E>> + Send {
    futures::stream::unfold((sent, body), |(mut sent, mut body)| async move {
        let item = body.next().await?;
        if let Ok(data) = &item {
            sent.bytes += data.len() as u64;
        }
        Some((item, (sent, body)))
    })
}
