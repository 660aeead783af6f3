// SPDX-License-Identifier: Apache-2.0
//! A command over one of the paths, and over another where that does not do.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::time::{Instant, timeout, timeout_at};

use super::{Inner, Path};
use crate::{Asleep, Command, Completion, IscsiError, Session};

/// How long a command has waited for a path that does its work.
struct Waiting {
    deadline: Option<Instant>,
    pause: Duration,
}

impl Inner {
    pub(super) async fn execute(&self, mut command: Command) -> Result<Completion, IscsiError> {
        let mut replays = 0;
        let mut waiting = Waiting { deadline: None, pause: self.options.retry_first };
        loop {
            let (path, session) = self.pick().await?;
            command.lun = path.to.lun;
            let again = command.again();
            let error = match session.execute(command).await {
                Ok(completion) => {
                    let Some(asleep) = self.judge(path, &completion) else { return Ok(completion) };
                    self.wait_for_work(&mut waiting, path, asleep).await?;
                    command = again;
                    continue;
                }
                Err(error) => error,
            };
            let most = match &error {
                IscsiError::ConnectionLost { sent, .. } if again.idempotent || !sent => {
                    self.options.max_replays
                }
                // Others' commands brought it down.
                IscsiError::Reset { .. } if again.idempotent => self.options.max_replays,
                // It had its time once already.
                IscsiError::CommandTimeout { .. } if again.idempotent => 1,
                IscsiError::TargetFailure { .. } if again.idempotent => 1,
                _ => 0,
            };
            if replays >= most {
                return Err(error);
            }
            replays += 1;
            tracing::debug!(%error, replays, "an iSCSI command is sent again");
            command = again;
        }
    }

    /// Notes what a completion says of the path's access state; the command was not carried out where there is one.
    fn judge(&self, path: &Path, completion: &Completion) -> Option<Asleep> {
        let asleep = Asleep::of(completion);
        if asleep.is_some() {
            let until = Instant::now() + self.options.retry_at_most;
            path.state().rest = asleep.map(|asleep| (asleep, until));
        } else if Asleep::has_changed(completion) {
            // Whatever was known of any path may be wrong now.
            self.paths.iter().for_each(|path| path.state().rest = None);
        } else if completion.status == 0 {
            path.state().rest = None;
        }
        asleep
    }

    /// Returns when it is time to try again: at once where another path does its work.
    async fn wait_for_work(
        &self,
        waiting: &mut Waiting,
        path: &Path,
        asleep: Asleep,
    ) -> Result<(), IscsiError> {
        tracing::debug!(path = %path.to.target, state = %asleep, "an iSCSI path does no work");
        let works = |path: &Path| {
            let state = path.state();
            state.asleep().is_none() && state.session.as_ref().is_some_and(|session| session.is_open())
        };
        if self.paths.iter().any(works) {
            return Ok(());
        }
        let waited = self.options.transition_timeout;
        let now = Instant::now();
        let deadline = *waiting.deadline.get_or_insert(now + waited);
        if now >= deadline {
            let last = IscsiError::Asleep { path: path.to.target.to_string(), state: asleep };
            return Err(self.no_path(waited, Some(Arc::new(last))));
        }
        let pause = waiting.pause.min(deadline - now);
        // Ends early when a path comes back.
        let _ = timeout(pause, self.back.notified()).await;
        waiting.pause = (waiting.pause * 2).min(self.options.retry_at_most);
        Ok(())
    }

    /// The next path that is up, one that does its work if there is one; else the first to come back.
    async fn pick(&self) -> Result<(&Path, Arc<Session>), IscsiError> {
        let waited = self.options.recovery_timeout;
        let deadline = Instant::now() + waited;
        loop {
            let mut back = std::pin::pin!(self.back.notified());
            back.as_mut().enable();
            if let Some(found) = self.pick_now() {
                return Ok(found);
            }
            if timeout_at(deadline, back).await.is_err() {
                let last = self.paths.iter().find_map(|path| path.state().last_error.clone());
                return Err(self.no_path(waited, last));
            }
        }
    }

    fn pick_now(&self) -> Option<(&Path, Arc<Session>)> {
        let start = self.next.fetch_add(1, Ordering::Relaxed);
        let count = self.paths.len();
        let mut resting = None;
        for step in 0..count {
            let path = &self.paths[start.wrapping_add(step) % count];
            let state = path.state();
            let Some(session) = state.session.as_ref().filter(|session| session.is_open()) else { continue };
            match state.asleep() {
                None => return Some((path, Arc::clone(session))),
                Some(_) => {
                    resting.get_or_insert_with(|| (path, Arc::clone(session)));
                }
            }
        }
        resting
    }

    fn no_path(&self, waited: Duration, last: Option<Arc<IscsiError>>) -> IscsiError {
        let names: Vec<_> = self.paths.iter().map(|path| path.to.target.to_string()).collect();
        IscsiError::NoPath { target: names.join(", "), waited, last }
    }
}
