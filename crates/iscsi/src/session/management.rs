// SPDX-License-Identifier: Apache-2.0
//! Pings, texts, logout, and what the target says by itself.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use tokio::{sync::oneshot, time::timeout};

use super::{shared::Shared, tasks::Task, writer::Job};
use crate::{
    Fault, IscsiError, Lun,
    pdu::{self, NO_TAG, request},
    text::{MAX_TEXT, Text},
};

impl Shared {
    pub(super) async fn ping(&self) -> Result<(), IscsiError> {
        let (answer, outcome) = oneshot::channel();
        let tag = self.send_ping(Some(answer))?;
        self.patiently(tag, outcome).await
    }

    pub(super) fn send_ping(&self, answer: Option<oneshot::Sender<()>>) -> Result<u32, IscsiError> {
        self.send_now(Task::Ping(answer), |tag, cmd_sn| request::nop_out(tag, NO_TAG, Lun::default(), cmd_sn))
    }

    /// Asks for a text, over as many PDUs as it takes.
    pub(super) async fn text(&self, ask: Text) -> Result<Text, IscsiError> {
        let mut data = ask.encode().freeze();
        let mut whole = BytesMut::new();
        let mut continued = NO_TAG;
        loop {
            let (answer, outcome) = oneshot::channel();
            let tag = self.send_now_with(Task::Text(answer), std::mem::take(&mut data), |tag, cmd_sn| {
                request::text(tag, continued, cmd_sn)
            })?;
            let part = self.patiently(tag, outcome).await?;
            if whole.len() + part.data.len() > MAX_TEXT {
                return Err(self.ended_by(Fault::Protocol("a text without an end")));
            }
            // An empty part that promises more would go on for ever.
            if part.transfer_tag != NO_TAG && part.data.is_empty() {
                return Err(self.ended_by(Fault::Protocol("a text that does not go on")));
            }
            whole.extend_from_slice(&part.data);
            if part.transfer_tag == NO_TAG {
                return Text::decode(&whole).map_err(|fault| self.ended_by(fault));
            }
            continued = part.transfer_tag;
        }
    }

    fn ended_by(&self, fault: Fault) -> IscsiError {
        self.end(fault);
        self.lost_error(true, self.why())
    }

    pub(super) async fn log_out(&self) -> Result<(), IscsiError> {
        self.leave().await?;
        self.end(Fault::LoggedOut);
        Ok(())
    }

    async fn leave(&self) -> Result<(), IscsiError> {
        let (answer, outcome) = oneshot::channel();
        let tag = self.send_now(Task::Logout(answer), request::logout)?;
        match self.patiently(tag, outcome).await {
            Ok(0) => Ok(()),
            Ok(_) => {
                self.end(Fault::LoggedOut);
                Err(IscsiError::Management {
                    peer: self.peer.clone(),
                    function: "LOGOUT",
                    why: "cleanup failed",
                })
            }
            Err(error) => {
                self.end(Fault::LoggedOut);
                Err(error)
            }
        }
    }

    /// Sends an immediate PDU: it uses up no command number and needs no window.
    pub(super) fn send_now(
        &self,
        task: Task,
        header: impl FnOnce(u32, u32) -> pdu::Header,
    ) -> Result<u32, IscsiError> {
        self.send_now_with(task, Bytes::new(), header)
    }

    fn send_now_with(
        &self,
        task: Task,
        data: Bytes,
        header: impl FnOnce(u32, u32) -> pdu::Header,
    ) -> Result<u32, IscsiError> {
        let mut state = self.state();
        if self.lost.why().is_some() {
            return Err(self.closed());
        }
        let tag = state.tasks.insert(task);
        self.send(Job::Pdu { header: header(tag, state.cmd_sn), data });
        Ok(tag)
    }

    pub(super) async fn patiently<T>(
        &self,
        tag: u32,
        outcome: oneshot::Receiver<T>,
    ) -> Result<T, IscsiError> {
        match timeout(self.bounds.management, outcome).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(match self.lost.why() {
                Some(_) => self.closed(),
                None => IscsiError::Management {
                    peer: self.peer.clone(),
                    function: "the request",
                    why: "rejected",
                },
            }),
            Err(_) => {
                drop(self.state().tasks.remove(tag));
                Err(IscsiError::CommandTimeout { peer: self.peer.clone(), timeout: self.bounds.management })
            }
        }
    }
}

/// Something the target says by itself (RFC 7143 11.9).
pub(super) fn event(shared: &Arc<Shared>, event: u8, parameters: [u16; 3]) -> Result<(), Fault> {
    const SCSI: u8 = 0;
    const LOGOUT_REQUESTED: u8 = 1;
    const CONNECTION_DROPPED: u8 = 2;
    const ALL_DROPPED: u8 = 3;
    const RENEGOTIATE: u8 = 4;
    tracing::info!(peer = %shared.peer, event, "asynchronous iSCSI message");
    let [_, second, third] = parameters;
    match event {
        CONNECTION_DROPPED | ALL_DROPPED => {
            shared.state().time_to_wait = Some(Duration::from_secs(second.into()));
            Err(Fault::Asked { event })
        }
        // Renegotiation is answered by a new login, which negotiates everything.
        LOGOUT_REQUESTED | RENEGOTIATE => {
            shared.state().leaving.get_or_insert(event);
            shared.window.notify_waiters();
            let grace = Duration::from_secs(third.max(1).into()).min(shared.bounds.management);
            tokio::spawn(leave_in_order(Arc::clone(shared), event, grace));
            Ok(())
        }
        // Unit attentions come with the next command as well; vendors' events are theirs.
        SCSI | 248..=255 => Ok(()),
        _ => Err(Fault::Protocol("an unknown asynchronous event")),
    }
}

/// Lets commands in flight end within the time the target gives, then logs out.
async fn leave_in_order(shared: Arc<Shared>, event: u8, grace: Duration) {
    const LOOK_AGAIN: Duration = Duration::from_millis(10);
    let empty = async {
        while shared.state().tasks.all_scsi().next().is_some() {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    // Half of the time is for the logout itself.
    let _ = timeout(grace / 2, empty).await;
    let (answer, outcome) = oneshot::channel();
    if let Ok(tag) = shared.send_now(Task::Logout(answer), request::logout) {
        let _ = timeout(grace, shared.patiently(tag, outcome)).await;
    }
    shared.end(Fault::Asked { event });
}
