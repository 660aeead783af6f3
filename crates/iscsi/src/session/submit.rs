// SPDX-License-Identifier: Apache-2.0
//! A command's way out: bounds, window, number, first data.

use std::sync::{Arc, atomic::AtomicU32};

use bytes::BytesMut;
use tokio::{
    sync::{OwnedSemaphorePermit, oneshot},
    time::{Instant, timeout},
};

use super::{
    shared::Shared,
    tasks::{Answer, ReadTask, ScsiTask, Task, TaskData, WriteData, WriteTask},
    writer::{Burst, Job},
};
use crate::{
    Command, Completion, Fault, IscsiError, Transfer,
    pdu::{
        NO_TAG,
        request::{Direction, ScsiCommand},
    },
};

impl Shared {
    pub(super) async fn execute(&self, command: Command) -> Result<Completion, IscsiError> {
        let length = command.transfer.length();
        let length =
            length.ok_or_else(|| IscsiError::Invalid("a command with more than 4 GiB of data".into()))?;
        let bound = self.bounds.command;
        let (answer, outcome) = oneshot::channel();
        match timeout(bound, self.submit(command, length, answer)).await {
            Ok(submitted) => submitted?,
            // The target's window stayed shut: it is there, but takes no work.
            Err(_) => return Err(IscsiError::CommandTimeout { peer: self.peer.clone(), timeout: bound }),
        }
        match outcome.await {
            Ok(result) => result,
            // Nobody answered: the session ended with the command in the target's hands.
            Err(_) => Err(self.lost_error(true, self.why())),
        }
    }

    async fn submit(&self, command: Command, length: u32, answer: Answer) -> Result<(), IscsiError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| self.closed())?;
        let mut parts = Some((command, answer, permit));
        loop {
            let mut opened = std::pin::pin!(self.window.notified());
            opened.as_mut().enable();
            if self.try_send(&mut parts, length)? {
                return Ok(());
            }
            opened.await;
        }
    }

    /// Sends the command if the window has room. Number, task and place in the queue are taken under one lock, so that
    /// commands leave in the order of their numbers.
    fn try_send(
        &self,
        parts: &mut Option<(Command, Answer, OwnedSemaphorePermit)>,
        length: u32,
    ) -> Result<bool, IscsiError> {
        let mut state = self.state();
        if self.lost.why().is_some() {
            return Err(self.closed());
        }
        if let Some(event) = state.leaving {
            return Err(self.lost_error(false, Arc::new(Fault::Asked { event })));
        }
        if !state.has_room() {
            return Ok(false);
        }
        let Some((command, answer, permit)) = parts.take() else { return Ok(true) };
        let cmd_sn = state.next_cmd_sn();
        let (direction, data) = task_data(command.transfer, length);
        let (immediate, unsolicited) = match &data {
            TaskData::Write(_) => self.first_data(length),
            _ => (0, 0),
        };
        let write = match &data {
            TaskData::Write(write) => Some(Arc::clone(&write.data)),
            _ => None,
        };
        let tag = state.tasks.insert(Task::Scsi(Box::new(ScsiTask {
            answer,
            lun: command.lun,
            cmd_sn,
            deadline: Instant::now() + self.bounds.command,
            aborting: false,
            data: data.after(unsolicited.max(immediate)),
            _permit: permit,
        })));
        let more = unsolicited > immediate;
        let header = ScsiCommand { lun: command.lun, cdb: command.cdb, direction, tag, cmd_sn, length, more };
        let burst = |transfer_tag, offset, length| {
            write.clone().map(|data| Burst { lun: command.lun, tag, transfer_tag, data, offset, length })
        };
        self.send(Job::Command { header: header.header(), data: burst(NO_TAG, 0, immediate) });
        if let Some(rest) = burst(NO_TAG, immediate, unsolicited.saturating_sub(immediate)).filter(|_| more) {
            self.send(Job::DataOut(rest));
        }
        Ok(true)
    }

    /// Bytes that go with the command itself, and bytes that go before the target asks at all.
    fn first_data(&self, length: u32) -> (u32, u32) {
        let terms = &self.terms;
        let first = length.min(terms.first_burst);
        let immediate = if terms.immediate_data { first.min(terms.max_segment) } else { 0 };
        (immediate, if terms.initial_r2t { immediate } else { first })
    }
}

fn task_data(transfer: Transfer, length: u32) -> (Direction, TaskData) {
    let read =
        |buffer| TaskData::Read(ReadTask { buffer: Some(buffer), received: 0, expected: length, data_sn: 0 });
    match transfer {
        _ if length == 0 => (Direction::None, TaskData::None),
        Transfer::None => (Direction::None, TaskData::None),
        Transfer::Read(_) => (Direction::Read, read(BytesMut::new())),
        Transfer::ReadInto(mut buffer, _) => {
            buffer.clear();
            (Direction::Read, read(buffer))
        }
        Transfer::Write(segments) => {
            let data = Arc::new(WriteData { segments, length, waiting: AtomicU32::new(0) });
            (Direction::Write, TaskData::Write(WriteTask { data, asked: 0, r2t_sn: 0 }))
        }
    }
}

impl TaskData {
    /// The same, with so many bytes of a write already on their way.
    fn after(mut self, sent: u32) -> Self {
        if let Self::Write(write) = &mut self {
            write.asked = sent;
        }
        self
    }
}
