// SPDX-License-Identifier: Apache-2.0
//! The threads that compute the digests of all transfers: streams that wait at the same time are hashed side by side.
//!
//! Nobody waits for company: a worker takes what is ready. Alone, a stream is hashed as fast as one can be; the more
//! wait, the fuller are the lanes, and the more is hashed in the same time.

use std::collections::VecDeque;
use std::io;
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;

use scurry_digests::Hasher;
use scurry_types::HashAlgorithm;

pub(crate) use self::stream::DigestStream;
use self::stream::Task;
use crate::side::step_back;

mod stream;
mod turn;

static POOL: LazyLock<Pool> = LazyLock::new(|| Pool {
    state: Mutex::new(State { ready: VecDeque::new(), workers: 0, idle: 0 }),
    work: Condvar::new(),
    size: thread::available_parallelism().map_or(1, usize::from),
});

/// What is ready to be hashed, and who does it.
#[derive(Debug)]
struct Pool {
    state: Mutex<State>,
    work: Condvar,
    size: usize,
}

#[derive(Debug)]
struct State {
    /// In the order they became ready.
    ready: VecDeque<Task>,
    workers: usize,
    idle: usize,
}

impl Pool {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the workers that lack; one is enough to go on with.
    fn staff(&'static self) -> io::Result<()> {
        let mut state = self.state();
        while state.workers < self.size {
            match thread::Builder::new().name("digests".to_owned()).spawn(|| self.work()) {
                Ok(_) => state.workers += 1,
                Err(error) if state.workers == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(())
    }

    fn push(&self, task: Task) {
        self.state().ready.push_back(task);
        self.work.notify_one();
    }

    fn work(&self) {
        step_back();
        let _at_work = AtWork(self);
        loop {
            let together = self.take();
            turn::run(together, |task| {
                if let Some(task) = task.unless_idle() {
                    self.push(task);
                }
            });
        }
    }

    /// Waits for the next tasks: those of one algorithm, of which the one ready first.
    fn take(&self) -> Vec<Task> {
        let mut state = self.state();
        while state.ready.is_empty() {
            state.idle += 1;
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
        let share = state.ready.len().div_ceil(state.idle + 1);
        state.take_together(share)
    }
}

impl State {
    /// The first task, and with it others that gain by being hashed beside it.
    fn take_together(&mut self, most: usize) -> Vec<Task> {
        let Some(first) = self.ready.pop_front() else { return Vec::new() };
        let algorithm = first.algorithm();
        let count = self.company(algorithm, most).unwrap_or(1);
        let mut together = vec![first];
        let mut at = 0;
        while together.len() < count && at < self.ready.len() {
            if self.ready[at].algorithm() == algorithm {
                together.extend(self.ready.remove(at));
            } else {
                at += 1;
            }
        }
        together
    }

    fn company(&self, algorithm: HashAlgorithm, most: usize) -> Option<usize> {
        let lanes = Hasher::lanes(algorithm)?;
        let alike = 1 + self.ready.iter().filter(|task| task.algorithm() == algorithm).count();
        let count = alike.min(most).min(lanes.most);
        (count >= lanes.least).then_some(count)
    }
}

/// A worker that died is replaced when the next transfer begins.
struct AtWork<'a>(&'a Pool);

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.state().workers -= 1;
    }
}

#[cfg(test)]
mod tests;
