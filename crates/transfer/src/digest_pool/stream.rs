// SPDX-License-Identifier: Apache-2.0
//! One digest of one transfer: what the transfer holds of it, and what goes round in the pool.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use scurry_digests::Hasher;
use scurry_types::HashAlgorithm;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, oneshot};

use super::POOL;
use crate::checkpoint::Blob;
use crate::piece::Part;
use crate::side::QUEUE;

/// A digest that is fed parts in order.
#[derive(Debug)]
pub(crate) struct DigestStream {
    told: mpsc::Sender<Told>,
    rest: Arc<Rest>,
    value: oneshot::Receiver<String>,
}

/// What a digest is told.
#[derive(Debug)]
pub(super) enum Told {
    Part(Part),
    State(oneshot::Sender<Blob>),
}

/// Where a task is while nothing is to be done, so that it costs no thread.
#[derive(Debug, Default)]
struct Rest(Mutex<Option<Task>>);

/// A digest on its way: resting, ready, or with a worker; whoever has it goes on with it.
#[derive(Debug)]
pub(super) struct Task {
    algorithm: HashAlgorithm,
    pub(super) hasher: Hasher,
    told: mpsc::Receiver<Told>,
    /// Gone with a transfer that was given up.
    rest: Weak<Rest>,
    answer: oneshot::Sender<String>,
}

impl DigestStream {
    pub(crate) fn start(algorithm: HashAlgorithm, hasher: Hasher) -> io::Result<Self> {
        POOL.staff()?;
        let (told, queue) = mpsc::channel(QUEUE);
        let (answer, value) = oneshot::channel();
        let rest = Arc::new(Rest::default());
        let task = Task { algorithm, hasher, told: queue, rest: Arc::downgrade(&rest), answer };
        *rest.task() = Some(task);
        Ok(Self { told, rest, value })
    }

    /// Queues a part; that a worker died shows when the result is asked for.
    pub(crate) async fn send(&self, part: &Part) {
        self.tell(Told::Part(part.clone())).await;
    }

    /// Asks for the state after all parts that were queued before.
    pub(crate) async fn ask(&self) -> oneshot::Receiver<Blob> {
        let (answer, state) = oneshot::channel();
        self.tell(Told::State(answer)).await;
        state
    }

    pub(crate) async fn finish(self) -> io::Result<String> {
        let Self { told, rest, value } = self;
        drop(told);
        rest.wake();
        value.await.map_err(|_| io::Error::other("a thread that hashes image data died"))
    }

    async fn tell(&self, told: Told) {
        let _dead = self.told.send(told).await;
        self.rest.wake();
    }
}

impl Rest {
    fn task(&self) -> MutexGuard<'_, Option<Task>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        let task = self.task().take();
        if let Some(task) = task {
            POOL.push(task);
        }
    }
}

impl Task {
    pub(super) const fn algorithm(&self) -> HashAlgorithm {
        self.algorithm
    }

    /// Answers what is asked up to the next part; without one the task rests, or has ended.
    pub(super) fn next(mut self) -> Option<(Self, Part)> {
        loop {
            match self.told.try_recv() {
                Ok(Told::Part(part)) => return Some((self, part)),
                // Whoever asked may not wait any more.
                Ok(Told::State(answer)) => drop(answer.send(Blob(self.hasher.save()))),
                Err(TryRecvError::Empty) => self = self.unless_idle()?,
                Err(TryRecvError::Disconnected) => {
                    // Nobody waits for the result of a transfer that was given up.
                    let _unwanted = self.answer.send(self.hasher.value());
                    return None;
                }
            }
        }
    }

    /// The task, if there is something to do; else it rests.
    pub(super) fn unless_idle(self) -> Option<Self> {
        let rest = self.rest.upgrade()?;
        // Whoever tells something wakes the task afterwards, and cannot do so between the look and the rest.
        let mut resting = rest.task();
        if self.told.is_empty() && !self.told.is_closed() {
            *resting = Some(self);
            None
        } else {
            Some(self)
        }
    }
}
