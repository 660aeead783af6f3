// SPDX-License-Identifier: Apache-2.0
//! One logical unit over several paths, each kept alive: commands go round robin, and again where a path was lost.
//!
//! A path is used only after the logical unit behind it has said that it is the one behind the others; one that leads
//! elsewhere is refused. A path whose port does no work now (ALUA: standby, unavailable, in transition) rests, and its
//! commands go by another.
//!
//! A path that was lost is logged in to anew under the same session name (ISID), so that the target first ends what the
//! old session still had in hand. Commands that were on it go by another path at once. As with any multipath software,
//! a target that still carries out a write of the lost session may do so after its repetition: whoever writes one block
//! twice has to wait for the first write's status before the second.

mod execute;
mod follow;

use std::{
    sync::{Arc, Mutex, MutexGuard, atomic::AtomicUsize},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    sync::{Notify, mpsc},
    task::JoinHandle,
    time::{Instant, timeout_at},
};

use crate::{
    Asleep, Command, Completion, Execute, Identity, IscsiError, LoginOptions, Lun, Session, Target,
    link::{Link, Pace},
};

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
    /// Between any two attempts. So long rests a path whose port does no work.
    pub retry_at_most: Duration,
    /// How long a command waits for one of the paths to leave standby or a transition.
    pub transition_timeout: Duration,
    /// How often one command is sent again.
    pub max_replays: u32,
    /// How long an opening waits for the other paths when the first is up: those that lead elsewhere fail it.
    pub settle: Duration,
    /// Whether the logical unit is asked who it is before a path is used.
    pub check_identity: bool,
}

impl PathsOptions {
    /// The defaults around these login options.
    pub fn new(login: LoginOptions) -> Self {
        Self {
            login,
            recovery_timeout: Duration::from_secs(120),
            retry_first: Duration::from_millis(100),
            retry_at_most: Duration::from_secs(3),
            transition_timeout: Duration::from_secs(60),
            max_replays: 8,
            settle: Duration::from_secs(1),
            check_identity: true,
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
    /// Why the target last did no work over it, while that is heeded.
    pub asleep: Option<Asleep>,
    /// Logins that succeeded.
    pub logins: u64,
    /// Why it is down, or was last.
    pub last_error: Option<Arc<IscsiError>>,
}

/// One logical unit over one or several paths.
#[derive(Debug)]
pub struct Paths {
    inner: Arc<Inner>,
    followers: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Inner {
    paths: Vec<Path>,
    options: PathsOptions,
    next: AtomicUsize,
    /// Woken when a path comes back.
    back: Notify,
    /// The logical unit, and the path that told first.
    unit: Mutex<Option<(String, Option<Identity>)>>,
}

#[derive(Debug)]
struct Path {
    to: PathTo,
    state: Mutex<PathState>,
}

#[derive(Debug, Default)]
struct PathState {
    /// Absent once closed.
    link: Option<Arc<Link>>,
    session: Option<Arc<Session>>,
    rest: Option<(Asleep, Instant)>,
    logins: u64,
    last_error: Option<Arc<IscsiError>>,
}

impl Path {
    fn state(&self) -> MutexGuard<'_, PathState> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl PathState {
    fn asleep(&self) -> Option<Asleep> {
        self.rest.filter(|(_, until)| Instant::now() < *until).map(|(asleep, _)| asleep)
    }
}

impl Paths {
    /// Logs in over all paths; returns with the first that is up, and a little later ([`PathsOptions::settle`]) where
    /// others are still on their way. They go on trying.
    pub async fn open(paths: Vec<PathTo>, options: PathsOptions) -> Result<Self, IscsiError> {
        let start = |target: &Target, login: &LoginOptions, pace| {
            Arc::new(Link::start(target.clone(), login.clone(), pace))
        };
        Self::open_over(paths, options, start).await
    }

    pub(crate) async fn open_over(
        paths: Vec<PathTo>,
        options: PathsOptions,
        link: impl Fn(&Target, &LoginOptions, Pace) -> Arc<Link>,
    ) -> Result<Self, IscsiError> {
        if paths.is_empty() {
            return Err(IscsiError::Invalid("no path to log in over".to_owned()));
        }
        let pace = Pace {
            first: options.retry_first,
            most: options.retry_at_most,
            longest_wait: options.recovery_timeout / 2,
        };
        let path = |to: PathTo| {
            let link = link(&to.target, &options.login, pace);
            Path { to, state: Mutex::new(PathState { link: Some(link), ..PathState::default() }) }
        };
        let paths: Vec<Path> = paths.into_iter().map(path).collect();
        let inner = Arc::new(Inner {
            paths,
            options,
            next: AtomicUsize::new(0),
            back: Notify::new(),
            unit: Mutex::default(),
        });
        let (first, outcomes) = mpsc::channel(inner.paths.len());
        let followers = (0..inner.paths.len())
            .map(|index| tokio::spawn(follow::follow(Arc::clone(&inner), index, first.clone())))
            .collect();
        drop(first);
        let opened = Self { inner, followers };
        match opened.settled(outcomes).await {
            Ok(()) => Ok(opened),
            Err(error) => {
                opened.close().await;
                Err(error)
            }
        }
    }

    /// Waits for a path that is up, and a little for all the others.
    async fn settled(&self, mut outcomes: mpsc::Receiver<follow::First>) -> Result<(), IscsiError> {
        let mut failure = None;
        let mut deadline = None;
        loop {
            let outcome = match deadline {
                None => outcomes.recv().await,
                Some(deadline) => timeout_at(deadline, outcomes.recv()).await.unwrap_or(None),
            };
            match outcome {
                None if deadline.is_some() => return Ok(()),
                None => {
                    let nothing = || IscsiError::Invalid("no path was tried".to_owned());
                    return Err(failure.unwrap_or_else(nothing));
                }
                Some(Ok(())) => {
                    deadline.get_or_insert_with(|| Instant::now() + self.inner.options.settle);
                }
                // Which of both is meant nobody knows.
                Some(Err(error)) if matches!(*error, IscsiError::OtherUnit { .. }) => {
                    return Err(IscsiError::Shared(error));
                }
                Some(Err(error)) => drop(failure.get_or_insert(IscsiError::Shared(error))),
            }
        }
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
                asleep: state.asleep(),
                logins: state.logins,
                last_error: state.last_error.clone(),
            }
        };
        self.inner.paths.iter().map(health).collect()
    }

    /// Logs out where nobody else uses the session. Commands in flight end with an error.
    pub async fn close(mut self) {
        self.followers.drain(..).for_each(|follower| follower.abort());
        for path in &self.inner.paths {
            let link = {
                let mut state = path.state();
                state.session = None;
                state.link.take()
            };
            if let Some(link) = link.and_then(Arc::into_inner) {
                link.close().await;
            }
        }
    }
}

impl Drop for Paths {
    fn drop(&mut self) {
        self.followers.iter().for_each(JoinHandle::abort);
    }
}

#[async_trait]
impl Execute for Paths {
    async fn execute(&self, command: Command) -> Result<Completion, IscsiError> {
        self.inner.execute(command).await
    }
}
