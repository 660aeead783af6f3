// SPDX-License-Identifier: Apache-2.0
//! Work that looks at every byte, each kind on a thread of its own so that writing never waits for it to end.

use std::io;
use std::thread;

use tokio::sync::{mpsc, oneshot};

use crate::piece::Part;

/// Parts that may wait for a slow thread before the source is held back.
const QUEUE: usize = 8;

/// A thread that is fed parts in order and has a result in the end.
///
/// These are threads and not blocking tasks: there may be more transfers than the runtime has blocking
/// threads, and writes of stores need those.
#[derive(Debug)]
pub(crate) struct Side<T> {
    parts: mpsc::Sender<Part>,
    result: oneshot::Receiver<T>,
}

/// What such a thread does.
pub(crate) trait Feed: Send + 'static {
    /// The result.
    type Output: Send + 'static;

    /// Takes the next part.
    fn feed(&mut self, part: &Part);

    /// There is no other part.
    fn finish(self) -> Self::Output;
}

impl<T: Send + 'static> Side<T> {
    pub(crate) fn start(name: &str, mut work: impl Feed<Output = T>) -> io::Result<Self> {
        let (parts, mut queue) = mpsc::channel(QUEUE);
        let (answer, result) = oneshot::channel();
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            while let Some(part) = queue.blocking_recv() {
                work.feed(&part);
            }
            // Nobody waits for the result of a transfer that was given up.
            let _unwanted = answer.send(work.finish());
        })?;
        Ok(Self { parts, result })
    }

    /// Queues a part; that the thread died shows when its result is asked for.
    pub(crate) async fn send(&self, part: &Part) {
        let _dead = self.parts.send(part.clone()).await;
    }

    pub(crate) async fn finish(self) -> io::Result<T> {
        drop(self.parts);
        self.result.await.map_err(|_| io::Error::other("a thread that looks at image data died"))
    }
}
