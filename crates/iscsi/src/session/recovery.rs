// SPDX-License-Identifier: Apache-2.0
//! What is done about a command that gets no status: ABORT TASK, then LUN RESET, then the end of the session.
//!
//! Each step has [`crate::LoginOptions::management_timeout`]. The late command ends with
//! [`IscsiError::CommandTimeout`] whichever step got rid of it; commands that a reset swept away with it end with
//! [`IscsiError::Reset`], those that went down with the session with [`IscsiError::ConnectionLost`].

use tokio::sync::oneshot;

use super::{
    shared::Shared,
    tasks::{ScsiTask, Task},
};
use crate::{
    Fault, IscsiError, Lun,
    pdu::{
        self,
        request::{self, Function},
    },
};

const COMPLETE: u8 = 0;
/// After the end of a command that the target has answered, or has never heard of.
const NO_SUCH_TASK: u8 = 1;

impl Shared {
    /// Gets rid of a command whose time is up.
    pub(super) async fn give_up(&self, tag: u32) {
        let Some((lun, cmd_sn)) = self.state().tasks.scsi(tag).map(|task| (task.lun, task.cmd_sn)) else {
            return;
        };
        let aborted = self.manage(Function::AbortTask, lun, Some((tag, cmd_sn))).await;
        if let Ok((COMPLETE | NO_SUCH_TASK, _)) = aborted {
            if let Some(task) = self.state().tasks.remove_scsi(tag) {
                self.too_late(*task);
            }
            return;
        }
        let _alone = self.resets.lock().await;
        // It may have ended meanwhile, by itself or by the reset that another one asked for.
        if self.state().tasks.scsi(tag).is_none() {
            return;
        }
        tracing::warn!(peer = %self.peer, %lun, why = failed(&aborted), "a command could not be aborted: the LUN is reset");
        let reset = self.reset_lun(lun).await;
        // Sent before the reset, and yet not ended by it, it cannot be.
        let Err(error) = reset else { return };
        tracing::warn!(peer = %self.peer, %lun, %error, "the LUN could not be reset: the session ends");
        let late = self.state().tasks.remove_all_scsi(|task| task.aborting);
        late.into_iter().for_each(|task| self.too_late(task));
        self.end(Fault::Unanswered);
    }

    /// Aborts every command of a logical unit.
    pub(super) async fn reset_lun(&self, lun: Lun) -> Result<(), IscsiError> {
        let (response, cmd_sn) = self.manage(Function::LunReset, lun, None).await?;
        if response != COMPLETE {
            let (peer, why) = (self.peer.clone(), why(response));
            return Err(IscsiError::Management { peer, function: "LUN RESET", why });
        }
        // Commands that were sent after it are not touched (RFC 7143 4.2.3.3).
        let swept = |task: &ScsiTask| task.lun == lun && pdu::is_after(cmd_sn, task.cmd_sn);
        for task in self.state().tasks.remove_all_scsi(swept) {
            match task.aborting {
                true => self.too_late(task),
                false => drop(task.answer.send(Err(IscsiError::Reset { peer: self.peer.clone(), lun }))),
            }
        }
        Ok(())
    }

    fn too_late(&self, task: ScsiTask) {
        let (peer, timeout) = (self.peer.clone(), self.bounds.command);
        let _ = task.answer.send(Err(IscsiError::CommandTimeout { peer, timeout }));
    }

    /// The response, and the command number that the function had.
    async fn manage(
        &self,
        function: Function,
        lun: Lun,
        task: Option<(u32, u32)>,
    ) -> Result<(u8, u32), IscsiError> {
        let (answer, outcome) = oneshot::channel();
        let mut number = 0;
        let tag = self.send_now(Task::Management(answer), |tag, cmd_sn| {
            number = cmd_sn;
            request::management(function, lun, tag, task, cmd_sn)
        })?;
        Ok((self.patiently(tag, outcome).await?, number))
    }
}

fn failed(outcome: &Result<(u8, u32), IscsiError>) -> String {
    match outcome {
        Ok((response, _)) => why(*response).to_owned(),
        Err(error) => error.to_string(),
    }
}

const fn why(response: u8) -> &'static str {
    match response {
        NO_SUCH_TASK => "no such task",
        2 => "no such LUN",
        3 => "the task is still allegiant",
        4 => "the task cannot be reassigned",
        5 => "the function is not supported",
        6 => "not authorised",
        255 => "rejected",
        _ => "unknown response",
    }
}
