// SPDX-License-Identifier: Apache-2.0
//! What the callers, the reader, the writer and the watchdog of one session share.

use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, Semaphore, mpsc},
    time::Instant,
};

use super::{
    lost::Lost,
    tasks::{Task, Tasks},
    writer::Job,
};
use crate::{Fault, IscsiError, LoginOptions, login::Terms, pdu, pdu::response::Numbers};

/// Times and counts of a session.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) command: Duration,
    /// For a management function, a ping, a text or a logout.
    pub(super) management: Duration,
    pub(super) ping_interval: Duration,
    pub(super) ping_timeout: Duration,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) peer: String,
    pub(super) terms: Terms,
    pub(super) bounds: Bounds,
    pub(super) lost: Lost,
    pub(super) permits: Arc<Semaphore>,
    /// One reset at a time: the second finds what the first has left.
    pub(super) resets: tokio::sync::Mutex<()>,
    /// Woken when the target's window opens or the session ends.
    pub(super) window: Notify,
    pub(super) exp_stat_sn: AtomicU32,
    /// Answers to the target's pings that the writer has not sent yet.
    pub(super) echoes: AtomicUsize,
    jobs: mpsc::UnboundedSender<Job>,
    state: Mutex<State>,
}

/// What changes with every command.
#[derive(Debug)]
pub(super) struct State {
    pub(super) tasks: Tasks,
    pub(super) cmd_sn: u32,
    pub(super) max_cmd_sn: u32,
    pub(super) exp_cmd_sn: u32,
    /// When the target was last heard.
    pub(super) heard: Instant,
    /// Since when the target owes us an answer to a ping.
    pub(super) pinged: Option<Instant>,
    /// No new commands: the target asked us to leave.
    pub(super) leaving: Option<u8>,
    pub(super) time_to_wait: Option<Duration>,
}

impl State {
    /// Whether the target takes another command now.
    pub(super) fn has_room(&self) -> bool {
        !pdu::is_after(self.cmd_sn, self.max_cmd_sn)
    }

    /// Hands out the next command number.
    pub(super) fn next_cmd_sn(&mut self) -> u32 {
        let now = self.cmd_sn;
        self.cmd_sn = now.wrapping_add(1);
        now
    }
}

impl Shared {
    /// `numbers`: CmdSN, MaxCmdSN and ExpStatSN after login.
    pub(super) fn new(
        peer: String,
        terms: Terms,
        options: &LoginOptions,
        numbers: [u32; 3],
    ) -> (Self, mpsc::UnboundedReceiver<Job>) {
        let [cmd_sn, max_cmd_sn, exp_stat_sn] = numbers;
        let (jobs, receiver) = mpsc::unbounded_channel();
        let shared = Self {
            peer,
            terms,
            bounds: Bounds {
                command: options.command_timeout,
                management: options.management_timeout,
                ping_interval: options.ping_interval,
                ping_timeout: options.ping_timeout,
            },
            lost: Lost::new(),
            permits: Arc::new(Semaphore::new(usize::from(options.max_commands.max(1)))),
            resets: tokio::sync::Mutex::default(),
            window: Notify::new(),
            exp_stat_sn: AtomicU32::new(exp_stat_sn),
            echoes: AtomicUsize::new(0),
            jobs,
            state: Mutex::new(State {
                tasks: Tasks::default(),
                cmd_sn,
                max_cmd_sn,
                exp_cmd_sn: cmd_sn,
                heard: Instant::now(),
                pinged: None,
                leaving: None,
                time_to_wait: None,
            }),
        };
        (shared, receiver)
    }

    /// The state. A panic while it was held left no half-done change worth stopping for.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(super) fn send(&self, job: Job) {
        // Fails only when the writer is gone, and then the session is lost and says so by itself.
        let _ = self.jobs.send(job);
    }

    /// Takes the numbers of a PDU from the target (RFC 7143 4.2.2).
    pub(super) fn count(&self, numbers: Numbers) {
        if let Some(stat_sn) = numbers.stat_sn {
            let next = stat_sn.wrapping_add(1);
            if pdu::is_after(next, self.exp_stat_sn.load(Ordering::Relaxed)) {
                self.exp_stat_sn.store(next, Ordering::Relaxed);
            }
        }
        let mut state = self.state();
        state.heard = Instant::now();
        state.pinged = None;
        if pdu::is_after(numbers.exp_cmd_sn, numbers.max_cmd_sn.wrapping_add(1)) {
            return;
        }
        if pdu::is_after(numbers.exp_cmd_sn, state.exp_cmd_sn) {
            state.exp_cmd_sn = numbers.exp_cmd_sn;
        }
        if pdu::is_after(numbers.max_cmd_sn, state.max_cmd_sn) {
            state.max_cmd_sn = numbers.max_cmd_sn;
            drop(state);
            self.window.notify_waiters();
        }
    }

    /// Ends the session: everything in flight ends with it.
    pub(super) fn end(&self, fault: Fault) {
        let Some(fault) = self.lost.end(fault) else { return };
        if !matches!(*fault, Fault::LoggedOut) {
            tracing::info!(peer = %self.peer, %fault, "iSCSI connection lost");
        }
        let tasks = self.state().tasks.drain();
        for task in tasks {
            if let Task::Scsi(task) = task {
                let error = self.lost_error(true, Arc::clone(&fault));
                let _ = task.answer.send(Err(error));
            }
        }
        self.window.notify_waiters();
        self.permits.close();
    }

    pub(super) fn lost_error(&self, sent: bool, source: Arc<Fault>) -> IscsiError {
        IscsiError::ConnectionLost { peer: self.peer.clone(), sent, source }
    }

    /// The reason for which no command can be sent any more.
    pub(super) fn closed(&self) -> IscsiError {
        self.lost_error(false, self.why())
    }

    pub(super) fn why(&self) -> Arc<Fault> {
        self.lost.why().unwrap_or_else(|| Arc::new(Fault::LoggedOut))
    }

    pub(super) fn time_to_wait(&self) -> Option<Duration> {
        self.state().time_to_wait
    }
}
