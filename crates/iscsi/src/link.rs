// SPDX-License-Identifier: Apache-2.0
//! A session that is logged in to again whenever it is lost; whoever uses the same target may share it.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
    time::Instant,
};

use crate::{IscsiError, LoginOptions, Session, Target, login};

/// How often it is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
    /// Between the first two attempts; doubled up to `most`.
    pub(crate) first: Duration,
    pub(crate) most: Duration,
    /// How long a target may wish to be left alone.
    pub(crate) longest_wait: Duration,
}

/// How it is now.
#[derive(Clone, Debug, Default)]
pub(crate) struct LinkState {
    pub(crate) session: Option<Arc<Session>>,
    /// Logins that succeeded.
    pub(crate) logins: u64,
    /// Logins that failed.
    pub(crate) failures: u64,
    /// Why there is no session, or was none last.
    pub(crate) last_error: Option<Arc<IscsiError>>,
}

/// Keeps a session with one target.
#[derive(Debug)]
pub(crate) struct Link {
    state: Arc<watch::Sender<LinkState>>,
    hurry: Arc<Notify>,
    keeper: JoinHandle<()>,
}

impl Link {
    /// Begins to log in.
    pub(crate) fn start(target: Target, login: LoginOptions, pace: Pace) -> Self {
        let state = Arc::new(watch::Sender::new(LinkState::default()));
        let hurry = Arc::new(Notify::new());
        let keeper = Keeper {
            target,
            // The same name each time, so that the target ends what is left of the session before.
            login: LoginOptions { isid: login.isid.or_else(|| Some(login::random_isid())), ..login },
            pace,
            state: Arc::clone(&state),
            hurry: Arc::clone(&hurry),
        };
        Self { state, hurry, keeper: tokio::spawn(keeper.keep()) }
    }

    /// Its changes; where it is down, it is tried at once.
    pub(crate) fn follow(&self) -> watch::Receiver<LinkState> {
        let state = self.state.subscribe();
        let down = {
            let state = state.borrow();
            state.session.is_none() && state.failures + state.logins > 0
        };
        if down {
            self.hurry.notify_one();
        }
        state
    }

    /// Logs out; nobody uses it any more.
    pub(crate) async fn close(self) {
        self.keeper.abort();
        let session = self.state.send_replace(LinkState::default()).session;
        if let Some(session) = session
            && let Err(error) = session.logout().await
        {
            tracing::debug!(%error, "iSCSI logout");
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

struct Keeper {
    target: Target,
    login: LoginOptions,
    pace: Pace,
    state: Arc<watch::Sender<LinkState>>,
    hurry: Arc<Notify>,
}

impl Keeper {
    /// Logs in, waits for the end, logs in anew, until it is aborted.
    async fn keep(self) {
        let mut pause = self.pace.first;
        loop {
            match Session::login(&self.target, &self.login).await {
                Ok(session) => {
                    pause = self.pace.first;
                    self.up_until_lost(Arc::new(session)).await;
                }
                Err(error) => {
                    tracing::debug!(target = %self.target, %error, "iSCSI login failed; tried again later");
                    self.state.send_modify(|state| {
                        state.failures += 1;
                        state.last_error = Some(Arc::new(error));
                    });
                    self.pause(pause).await;
                    pause = (pause * 2).min(self.pace.most);
                }
            }
        }
    }

    /// Ends early when a new user comes.
    async fn pause(&self, pause: Duration) {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.hurry.notified() => {}
        }
    }

    async fn up_until_lost(&self, session: Arc<Session>) {
        self.state.send_modify(|state| {
            state.session = Some(Arc::clone(&session));
            state.logins += 1;
            if state.logins > 1 {
                tracing::info!(target = %self.target, "iSCSI session is back");
            }
        });
        let since = Instant::now();
        let fault = session.lost().await;
        let lost = IscsiError::ConnectionLost { peer: session.peer().to_owned(), sent: false, source: fault };
        let wait = session.time_to_wait();
        self.state.send_modify(|state| {
            state.session = None;
            state.last_error = Some(Arc::new(lost));
        });
        // A target that accepts and drops sessions must not make us spin.
        let least = match since.elapsed() < Duration::from_secs(1) {
            true => self.pace.first,
            false => Duration::ZERO,
        };
        // Nor may one that wishes to be left alone for a day.
        tokio::time::sleep(wait.unwrap_or_default().min(self.pace.longest_wait)).await;
        self.pause(least).await;
    }
}
