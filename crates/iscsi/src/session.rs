// SPDX-License-Identifier: Apache-2.0
//! One session over one connection: many commands in flight, until the connection ends.
//!
//! ```text
//!  execute ─► Shared::submit ─► channel ─► writer task ─► socket
//!     ▲          │ task table                                │
//!     └── oneshot ◄── Shared ◄── reader task ◄───────────────┘      watchdog: pings, deadlines
//! ```
//! Error recovery is level 0: whatever goes wrong on the connection ends it, and every command in flight ends with
//! [`IscsiError::ConnectionLost`]. [`crate::Paths`] logs in anew and sends such commands again.

mod lost;
mod management;
mod reader;
mod recovery;
mod shared;
mod submit;
mod tasks;
mod watchdog;
mod writer;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::task::JoinHandle;

use self::shared::Shared;
use crate::{Command, Completion, Execute, Fault, IscsiError, LoginOptions, Lun, Target, login, text::Text};

/// A session with a target. Dropping it closes the connection without a logout.
#[derive(Debug)]
pub struct Session {
    shared: Arc<Shared>,
    loops: [JoinHandle<()>; 3],
}

impl Session {
    /// Connects and logs in.
    pub async fn login(target: &Target, options: &LoginOptions) -> Result<Self, IscsiError> {
        let connected = login::log_in(target, options).await?;
        tracing::debug!(peer = %connected.peer, terms = ?connected.terms, "iSCSI session opened");
        Ok(Self::start(connected, options))
    }

    pub(crate) fn start(connected: login::Connected, options: &LoginOptions) -> Self {
        let login::Connected { incoming, outgoing, terms, peer, cmd_sn, max_cmd_sn, exp_stat_sn } = connected;
        let (shared, jobs) = Shared::new(peer, terms, options, [cmd_sn, max_cmd_sn, exp_stat_sn]);
        let shared = Arc::new(shared);
        let loops = [
            tokio::spawn(reader::read(Arc::clone(&shared), incoming)),
            tokio::spawn(writer::write(Arc::clone(&shared), outgoing, jobs)),
            tokio::spawn(watchdog::watch(Arc::clone(&shared))),
        ];
        Self { shared, loops }
    }

    /// Sends a command and waits for its status.
    pub async fn execute(&self, command: Command) -> Result<Completion, IscsiError> {
        self.shared.execute(command).await
    }

    /// Resets a logical unit: all its commands, of every initiator, are aborted; ours end with [`IscsiError::Reset`].
    pub async fn reset_lun(&self, lun: Lun) -> Result<(), IscsiError> {
        self.shared.reset_lun(lun).await
    }

    /// Asks the target whether it is there.
    pub async fn ping(&self) -> Result<(), IscsiError> {
        self.shared.ping().await
    }

    pub(crate) async fn text(&self, ask: Text) -> Result<Text, IscsiError> {
        self.shared.text(ask).await
    }

    /// Ends the session in order. Commands in flight end with an error.
    pub async fn logout(&self) -> Result<(), IscsiError> {
        self.shared.log_out().await
    }

    /// Waits until the connection is gone and tells why.
    pub async fn lost(&self) -> Arc<Fault> {
        self.shared.lost.wait().await
    }

    /// Whether commands can be sent.
    pub fn is_open(&self) -> bool {
        self.shared.lost.why().is_none()
    }

    /// Target and portal, after redirections.
    pub fn peer(&self) -> &str {
        &self.shared.peer
    }

    /// How long the target wished to be left alone before the next login, where it said so.
    pub(crate) fn time_to_wait(&self) -> Option<Duration> {
        self.shared.time_to_wait()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.shared.end(Fault::LoggedOut);
        for task in &self.loops {
            task.abort();
        }
    }
}

#[async_trait]
impl Execute for Session {
    async fn execute(&self, command: Command) -> Result<Completion, IscsiError> {
        self.shared.execute(command).await
    }
}
