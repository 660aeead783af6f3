// SPDX-License-Identifier: Apache-2.0
//! One logical unit over several paths, each kept alive: commands go round robin, and again where a path was lost.
//!
//! A path that was lost is logged in to anew under the same session name (ISID), so that the target first ends what the
//! old session still had in hand. Commands that were on it go by another path at once. As with any multipath software,
//! a target that still carries out a write of the lost session may do so after its repetition: whoever writes one block
//! twice has to wait for the first write's status before the second.

mod keeper;

use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    sync::{Notify, mpsc},
    task::JoinHandle,
    time::{Instant, timeout_at},
};

use crate::{Command, Completion, Execute, IscsiError, LoginOptions, Lun, Session, Target, login};

/// A way to the logical unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathTo {
    /// The target.
    pub target: Target,
    /// The unit's number there.
    pub lun: Lun,
}

/// How paths are logged in to and kept.
#[derive(Clone, Debug)]
pub struct PathsOptions {
    /// For each login; the ISID is chosen for each path.
    pub login: LoginOptions,
    /// How long a command waits for a path to come back.
    pub recovery_timeout: Duration,
    /// Between the first two attempts to log in anew; doubled up to `retry_at_most`.
    pub retry_first: Duration,
    /// Between any two attempts.
    pub retry_at_most: Duration,
    /// How often one command is sent again.
    pub max_replays: u32,
}

impl PathsOptions {
    /// The defaults around these login options.
    pub fn new(login: LoginOptions) -> Self {
        Self {
            login,
            recovery_timeout: Duration::from_secs(120),
            retry_first: Duration::from_millis(100),
            retry_at_most: Duration::from_secs(3),
            max_replays: 8,
        }
    }
}

/// How a path is.
#[derive(Clone, Debug)]
pub struct PathHealth {
    /// The way.
    pub to: PathTo,
    /// Whether commands can go.
    pub up: bool,
    /// Logins that succeeded.
    pub logins: u64,
    /// Why it is down, or was last.
    pub last_error: Option<Arc<IscsiError>>,
}

/// One logical unit over one or several paths.
#[derive(Debug)]
pub struct Paths {
    inner: Arc<Inner>,
    keepers: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Inner {
    paths: Vec<Path>,
    options: PathsOptions,
    next: AtomicUsize,
    /// Woken when a path comes back.
    back: Notify,
}

#[derive(Debug)]
struct Path {
    to: PathTo,
    login: LoginOptions,
    state: Mutex<PathState>,
}

#[derive(Debug, Default)]
struct PathState {
    session: Option<Arc<Session>>,
    logins: u64,
    last_error: Option<Arc<IscsiError>>,
}

impl Path {
    fn new(to: PathTo, options: &PathsOptions) -> Self {
        let login = LoginOptions { isid: Some(login::random_isid()), ..options.login.clone() };
        Self { to, login, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, PathState> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn session(&self) -> Option<Arc<Session>> {
        self.state().session.as_ref().filter(|session| session.is_open()).cloned()
    }
}

impl Paths {
    /// Logs in over all paths; returns with the first that is up. The others go on trying.
    pub async fn open(paths: Vec<PathTo>, options: PathsOptions) -> Result<Self, IscsiError> {
        if paths.is_empty() {
            return Err(IscsiError::Invalid("no path to log in over".to_owned()));
        }
        let paths = paths.into_iter().map(|to| Path::new(to, &options)).collect();
        let inner = Arc::new(Inner { paths, options, next: AtomicUsize::new(0), back: Notify::new() });
        let (first, mut outcomes) = mpsc::channel(inner.paths.len());
        let keepers = (0..inner.paths.len())
            .map(|index| tokio::spawn(keeper::keep(Arc::clone(&inner), index, first.clone())))
            .collect();
        drop(first);
        let opened = Self { inner, keepers };
        let mut failures: Vec<(usize, IscsiError)> = Vec::new();
        while let Some((index, outcome)) = outcomes.recv().await {
            match outcome {
                Ok(()) => {
                    for (index, error) in failures {
                        opened.inner.paths[index].state().last_error.get_or_insert(Arc::new(error));
                    }
                    return Ok(opened);
                }
                Err(error) => failures.push((index, error)),
            }
        }
        let first = failures.into_iter().next().map(|(_, error)| error);
        Err(first.unwrap_or_else(|| IscsiError::Invalid("no path was tried".to_owned())))
    }

    /// Sends a command over the next path that is up; again, over another or the same, where the path was lost and the
    /// command is idempotent or was never sent.
    pub async fn execute(&self, command: Command) -> Result<Completion, IscsiError> {
        self.inner.execute(command).await
    }

    /// How the paths are.
    pub fn health(&self) -> Vec<PathHealth> {
        let health = |path: &Path| {
            let state = path.state();
            PathHealth {
                to: path.to.clone(),
                up: state.session.as_ref().is_some_and(|session| session.is_open()),
                logins: state.logins,
                last_error: state.last_error.clone(),
            }
        };
        self.inner.paths.iter().map(health).collect()
    }

    /// Logs out everywhere. Commands in flight end with an error.
    pub async fn close(mut self) {
        self.keepers.drain(..).for_each(|keeper| keeper.abort());
        for path in &self.inner.paths {
            let session = path.state().session.take();
            if let Some(session) = session
                && let Err(error) = session.logout().await
            {
                tracing::debug!(%error, "iSCSI logout");
            }
        }
    }
}

impl Drop for Paths {
    fn drop(&mut self) {
        self.keepers.iter().for_each(JoinHandle::abort);
    }
}

#[async_trait]
impl Execute for Paths {
    async fn execute(&self, command: Command) -> Result<Completion, IscsiError> {
        self.inner.execute(command).await
    }
}

impl Inner {
    async fn execute(&self, mut command: Command) -> Result<Completion, IscsiError> {
        let mut replays = 0;
        loop {
            let (lun, session) = self.pick().await?;
            command.lun = lun;
            let again = command.again();
            let error = match session.execute(command).await {
                Ok(completion) => return Ok(completion),
                Err(error) => error,
            };
            let most = match &error {
                IscsiError::ConnectionLost { sent, .. } if again.idempotent || !sent => {
                    self.options.max_replays
                }
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

    /// The next path that is up, or the first to come back.
    async fn pick(&self) -> Result<(Lun, Arc<Session>), IscsiError> {
        let waited = self.options.recovery_timeout;
        let deadline = Instant::now() + waited;
        loop {
            let mut back = std::pin::pin!(self.back.notified());
            back.as_mut().enable();
            let start = self.next.fetch_add(1, Ordering::Relaxed);
            let count = self.paths.len();
            let up = (0..count).map(|step| &self.paths[start.wrapping_add(step) % count]);
            if let Some(found) = up.filter_map(|path| Some((path.to.lun, path.session()?))).next() {
                return Ok(found);
            }
            if timeout_at(deadline, back).await.is_err() {
                let last = self.paths.iter().find_map(|path| path.state().last_error.clone());
                let names: Vec<_> = self.paths.iter().map(|path| path.to.target.to_string()).collect();
                return Err(IscsiError::NoPath { target: names.join(", "), waited, last });
            }
        }
    }
}
