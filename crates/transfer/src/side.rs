// SPDX-License-Identifier: Apache-2.0
//! Work that looks at every byte, each kind on a thread of its own so that writing never waits for it to end.

use std::io;
use std::thread;

use tokio::sync::{mpsc, oneshot};

use crate::piece::Part;

/// Parts that may wait for a slow thread before the source is held back.
pub(crate) const QUEUE: usize = 8;
/// How much such a thread steps back for those that answer requests: uploads use the cores that are free, and a list
/// beside them does not wait for theirs.
const YIELDING: i32 = 10;

/// Lets threads that answer requests go before the one that calls this.
pub(crate) fn step_back() {
    // Of this thread alone, on Linux. Where it cannot be had, requests wait a little longer.
    let _as_it_was = rustix::process::nice(YIELDING);
}

/// A thread that is fed parts in order and has a result in the end.
///
/// These are threads and not blocking tasks: there may be more transfers than the runtime has blocking
/// threads, and writes of stores need those.
#[derive(Debug)]
pub(crate) struct Side<W: Feed> {
    told: mpsc::Sender<Told<W>>,
    result: oneshot::Receiver<W::Output>,
}

/// What such a thread is told.
#[derive(Debug)]
enum Told<W: Feed> {
    Part(Part),
    State(oneshot::Sender<W::State>),
}

/// What such a thread does.
pub(crate) trait Feed: Send + 'static {
    /// The result.
    type Output: Send + 'static;
    /// What another of its kind goes on from.
    type State: Send + 'static;

    /// Takes the next part.
    fn feed(&mut self, part: &Part);

    /// What was made of the parts so far.
    fn state(&self) -> Self::State;

    /// There is no other part.
    fn finish(self) -> Self::Output;
}

impl<W: Feed> Side<W> {
    pub(crate) fn start(name: &str, mut work: W) -> io::Result<Self> {
        let (told, mut queue) = mpsc::channel(QUEUE);
        let (answer, result) = oneshot::channel();
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            step_back();
            while let Some(told) = queue.blocking_recv() {
                match told {
                    Told::Part(part) => work.feed(&part),
                    // Whoever asked may not wait any more.
                    Told::State(answer) => drop(answer.send(work.state())),
                }
            }
            // Nobody waits for the result of a transfer that was given up.
            let _unwanted = answer.send(work.finish());
        })?;
        Ok(Self { told, result })
    }

    /// Queues a part; that the thread died shows when its result is asked for.
    pub(crate) async fn send(&self, part: &Part) {
        let _dead = self.told.send(Told::Part(part.clone())).await;
    }

    /// Asks for the state after all parts that were queued before.
    pub(crate) async fn ask(&self) -> oneshot::Receiver<W::State> {
        let (answer, state) = oneshot::channel();
        let _dead = self.told.send(Told::State(answer)).await;
        state
    }

    pub(crate) async fn finish(self) -> io::Result<W::Output> {
        drop(self.told);
        self.result.await.map_err(|_| io::Error::other("a thread that looks at image data died"))
    }
}
