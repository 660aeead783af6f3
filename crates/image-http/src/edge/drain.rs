// SPDX-License-Identifier: Apache-2.0
//! Reads on, for a while, what a refused client still sends.
//!
//! Clients such as python-requests send the whole body before they look for an answer. Were the connection closed
//! under them, they would report a broken pipe instead of the 413 or 409 that was sent.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, HttpBody};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use http::{HeaderMap, header};

/// How long a refused body is read on in all.
const TOTAL: Duration = Duration::from_secs(30);
/// How long the client may be silent meanwhile.
const SILENCE: Duration = Duration::from_secs(5);

/// A request body that is read to its end in the background when it is dropped before.
#[derive(Debug)]
pub(super) struct Draining {
    inner: Option<BodyDataStream>,
    /// The client waits for our word before it sends; reading would ask it to.
    waits: bool,
}

impl Draining {
    pub(super) fn new(body: Body, headers: &HeaderMap) -> Self {
        let inner = (!body.is_end_stream()).then(|| body.into_data_stream());
        Self { inner, waits: headers.contains_key(header::EXPECT) }
    }
}

impl Stream for Draining {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.waits = false;
        let Some(inner) = &mut self.inner else { return Poll::Ready(None) };
        let polled = inner.poll_next_unpin(cx);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.inner = None;
        }
        polled
    }
}

impl Drop for Draining {
    fn drop(&mut self) {
        let Some(rest) = self.inner.take().filter(|_| !self.waits) else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            drop(runtime.spawn(tokio::time::timeout(TOTAL, read_on(rest))));
        }
    }
}

async fn read_on(mut rest: BodyDataStream) {
    while let Ok(Some(Ok(_))) = tokio::time::timeout(SILENCE, rest.next()).await {}
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::stream;
    use tokio::sync::Notify;

    use super::*;

    /// A body of four chunks that counts how many were taken and says when it was read to its end.
    fn counted() -> (Body, Arc<AtomicUsize>, Arc<Notify>) {
        let taken = Arc::new(AtomicUsize::new(0));
        let end = Arc::new(Notify::new());
        let (count, notify) = (Arc::clone(&taken), Arc::clone(&end));
        let chunks = stream::unfold(0, move |chunk| {
            let (count, notify) = (Arc::clone(&count), Arc::clone(&notify));
            async move {
                if chunk == 4 {
                    notify.notify_one();
                    return None;
                }
                count.fetch_add(1, Ordering::SeqCst);
                Some((Ok::<_, std::io::Error>(Bytes::from_static(b"chunk")), chunk + 1))
            }
        });
        (Body::from_stream(chunks), taken, end)
    }

    #[tokio::test]
    async fn a_body_dropped_half_way_is_read_to_its_end() {
        let (body, taken, end) = counted();
        let mut body = Draining::new(body, &HeaderMap::new());
        body.next().await.unwrap().unwrap();
        drop(body);
        end.notified().await;
        assert_eq!(taken.load(Ordering::SeqCst), 4);
    }

    #[tokio::test]
    async fn a_client_that_waits_for_100_is_not_asked_to_send() {
        let (body, taken, _end) = counted();
        let headers =
            HeaderMap::from_iter([(header::EXPECT, header::HeaderValue::from_static("100-continue"))]);
        drop(Draining::new(body, &headers));
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        assert_eq!(taken.load(Ordering::SeqCst), 0);
    }
}
