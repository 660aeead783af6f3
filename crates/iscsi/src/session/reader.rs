// SPDX-License-Identifier: Apache-2.0
//! The reading task: every PDU of the target, in order.

use std::sync::{Arc, atomic::Ordering};

use bytes::{Buf, Bytes, BytesMut};
use tokio::net::tcp::OwnedReadHalf;

use super::{
    shared::Shared,
    tasks::{ReadTask, ScsiTask, Task, TaskData, TextAnswer},
    writer::{Burst, Job},
};
use crate::{
    Completion, Fault, IscsiError, RejectReason,
    pdu::{
        self, Header, NO_TAG, request,
        response::{DataIn, R2t, Response, ScsiResponse},
    },
    wire::Incoming,
};

/// Pings of the target that we answer late; more at once is an attack.
const MAX_ECHOES: usize = 64;
/// Bursts of one write that wait for the writer, beyond what was negotiated: our count lags behind the target's.
const R2T_SLACK: u32 = 64;

/// Reads until the session ends.
pub(super) async fn read(shared: Arc<Shared>, incoming: Incoming<OwnedReadHalf>) {
    let mut reader = Reader { shared: Arc::clone(&shared), incoming };
    let ended = tokio::select! {
        _ = shared.lost.wait() => return,
        ended = reader.run() => ended,
    };
    if let Err(fault) = ended {
        shared.end(fault);
    }
}

struct Reader {
    shared: Arc<Shared>,
    incoming: Incoming<OwnedReadHalf>,
}

impl Reader {
    async fn run(&mut self) -> Result<(), Fault> {
        loop {
            let header = self.incoming.header().await?;
            let response = Response::decode(&header)?;
            self.shared.count(response.numbers(&header));
            self.handle(&header, response).await?;
        }
    }

    async fn handle(&mut self, header: &Header, response: Response) -> Result<(), Fault> {
        match response {
            Response::DataIn(data) => return self.data_in(header, data).await,
            Response::Scsi(response) => {
                let data = self.body(header).await?;
                return self.shared.completed(response, data);
            }
            Response::NopIn { lun, tag, transfer_tag } => {
                let data = self.body(header).await?;
                return self.ping(lun, tag, transfer_tag, data);
            }
            Response::Text { tag, transfer_tag, .. } => {
                let data = self.body(header).await?;
                self.text(tag, transfer_tag, data);
                return Ok(());
            }
            Response::Reject { reason } => {
                let data = self.body(header).await?;
                return self.shared.rejected(reason, &data);
            }
            Response::Async { event, parameters } => {
                self.incoming.skip(header).await?;
                return super::management::event(&self.shared, event, parameters);
            }
            _ => {}
        }
        self.incoming.skip(header).await?;
        match response {
            Response::R2t(r2t) => self.shared.asked(r2t),
            Response::Management { tag, response } => {
                if let Some(Task::Management(answer)) =
                    self.end_of(tag, |task| matches!(task, Task::Management(_)))
                {
                    let _ = answer.send(response);
                }
                Ok(())
            }
            Response::Logout { tag, response } => {
                if let Some(Task::Logout(answer)) = self.end_of(tag, |task| matches!(task, Task::Logout(_))) {
                    let _ = answer.send(response);
                }
                Ok(())
            }
            _ => Err(Fault::Protocol("a PDU that does not belong into this phase")),
        }
    }

    fn end_of(&self, tag: u32, kind: impl FnOnce(&Task) -> bool) -> Option<Task> {
        self.shared.state().tasks.remove_if(tag, kind)
    }

    fn text(&self, tag: u32, transfer_tag: u32, data: Bytes) {
        if let Some(Task::Text(answer)) = self.end_of(tag, |task| matches!(task, Task::Text(_))) {
            let _ = answer.send(TextAnswer { data, transfer_tag });
        }
    }

    async fn body(&mut self, header: &Header) -> Result<Bytes, Fault> {
        let mut data = BytesMut::new();
        self.incoming.data(header, &mut data).await?;
        Ok(data.freeze())
    }

    /// Data of a read goes straight into its buffer; the task keeps its place in the table meanwhile.
    async fn data_in(&mut self, header: &Header, data: DataIn) -> Result<(), Fault> {
        let length = pdu::data_length(header) as u32;
        let taken = match self.shared.state().tasks.scsi(data.tag) {
            None => None,
            Some(ScsiTask { data: TaskData::Read(read), .. }) => Some(read.begin(data, length)?),
            Some(_) => return Err(Fault::Protocol("data for a command that reads nothing")),
        };
        let Some(mut buffer) = taken else {
            // The answer to a command that was aborted.
            return self.incoming.skip(header).await;
        };
        self.incoming.data(header, &mut buffer).await?;
        if let Some(ScsiTask { data: TaskData::Read(read), .. }) = self.shared.state().tasks.scsi(data.tag) {
            read.buffer = Some(buffer);
        }
        match data.status {
            None => Ok(()),
            Some((status, residual)) => {
                let response = ScsiResponse { tag: data.tag, response: 0, status, residual };
                self.shared.completed(response, Bytes::new())
            }
        }
    }

    fn ping(&self, lun: crate::Lun, tag: u32, transfer_tag: u32, data: Bytes) -> Result<(), Fault> {
        if tag != NO_TAG
            && let Some(Task::Ping(Some(answer))) = self.end_of(tag, |task| matches!(task, Task::Ping(_)))
        {
            let _ = answer.send(());
        }
        if transfer_tag == NO_TAG {
            return Ok(());
        }
        if self.shared.echoes.fetch_add(1, Ordering::Relaxed) >= MAX_ECHOES {
            return Err(Fault::Protocol("a flood of pings"));
        }
        let cmd_sn = self.shared.state().cmd_sn;
        let header = request::nop_out(NO_TAG, transfer_tag, lun, cmd_sn);
        let most = data.len().min(self.shared.terms.max_segment as usize);
        self.shared.send(Job::Echo { header, data: data.slice(..most) });
        Ok(())
    }
}

impl ReadTask {
    /// Judges a Data-In PDU and lends the buffer for it.
    fn begin(&mut self, data: DataIn, length: u32) -> Result<BytesMut, Fault> {
        if length > 0 {
            if data.data_sn != self.data_sn {
                return Err(Fault::Protocol("data PDUs out of order"));
            }
            if data.offset != self.received {
                return Err(Fault::Protocol("data at another offset than expected"));
            }
            self.data_sn += 1;
        }
        if length > self.expected - self.received {
            return Err(Fault::Protocol("more data than asked for"));
        }
        self.received += length;
        let mut buffer = self.buffer.take().unwrap_or_default();
        if buffer.capacity() < self.expected as usize {
            buffer.reserve(self.expected as usize - buffer.len());
        }
        Ok(buffer)
    }
}

impl Shared {
    /// The target asks for data of a write.
    fn asked(&self, r2t: R2t) -> Result<(), Fault> {
        let mut state = self.state();
        let Some(task) = state.tasks.scsi(r2t.tag) else { return Ok(()) };
        let TaskData::Write(write) = &mut task.data else {
            return Err(Fault::Protocol("a command that writes nothing was asked for data"));
        };
        if r2t.r2t_sn != write.r2t_sn || r2t.offset != write.asked {
            return Err(Fault::Protocol("requests for data out of order"));
        }
        if r2t.length == 0
            || r2t.length > self.terms.max_burst
            || r2t.length > write.data.length - write.asked
        {
            return Err(Fault::Protocol("a request for data that is not there"));
        }
        if r2t.transfer_tag == NO_TAG {
            return Err(Fault::Protocol("a request for data without a tag"));
        }
        let most = u32::from(self.terms.max_outstanding_r2t) + R2T_SLACK;
        if write.data.waiting.fetch_add(1, Ordering::Relaxed) >= most {
            return Err(Fault::Protocol("more requests for data than allowed"));
        }
        write.r2t_sn = write.r2t_sn.wrapping_add(1);
        write.asked += r2t.length;
        let R2t { tag, transfer_tag, offset, length, .. } = r2t;
        let data = Arc::clone(&write.data);
        let lun = task.lun;
        drop(state);
        self.send(Job::DataOut(Burst { lun, tag, transfer_tag, data, offset, length }));
        Ok(())
    }

    /// A command ended.
    fn completed(&self, end: ScsiResponse, data: Bytes) -> Result<(), Fault> {
        let sense = sense(data)?;
        let Some(task) = self.state().tasks.remove_scsi(end.tag) else { return Ok(()) };
        let ScsiTask { answer, data: task_data, .. } = *task;
        if end.response != 0 {
            let _ = answer
                .send(Err(IscsiError::TargetFailure { peer: self.peer.clone(), response: end.response }));
            return Ok(());
        }
        let mut completion =
            Completion { status: end.status, sense, residual: end.residual, ..Completion::default() };
        if let TaskData::Read(read) = task_data {
            let missing = i64::from(read.expected - read.received);
            if end.status == 0 && missing != end.residual.max(0) {
                // Data that is missing without being told must not pass for data.
                self.end_with(answer, Fault::Protocol("less data than the status tells"));
                return Ok(());
            }
            completion.read = read.buffer.unwrap_or_default();
        }
        let _ = answer.send(Ok(completion));
        Ok(())
    }

    fn end_with(&self, answer: super::tasks::Answer, fault: Fault) {
        self.end(fault);
        let _ = answer.send(Err(self.lost_error(true, self.why())));
    }

    /// A PDU of ours was refused. Its header is in the data.
    fn rejected(&self, reason: RejectReason, data: &[u8]) -> Result<(), Fault> {
        const SCSI_COMMAND: u8 = 0x01;
        const DATA_OUT: u8 = 0x05;
        const LOGOUT_REQUESTED: u8 = 1;
        let Some(header) = data.first_chunk::<{ pdu::BHS }>() else {
            return Err(Fault::Protocol("a reject without the header it is about"));
        };
        let tag = pdu::be32(header, 16);
        tracing::debug!(peer = %self.peer, %reason, opcode = header[0] & 0x3f, "the iSCSI target rejected a PDU");
        if reason == RejectReason::WAITING_FOR_LOGOUT {
            return Err(Fault::Asked { event: LOGOUT_REQUESTED });
        }
        match header[0] & 0x3f {
            SCSI_COMMAND | DATA_OUT => {
                if let Some(task) = self.state().tasks.remove_scsi(tag) {
                    let _ = task.answer.send(Err(IscsiError::Rejected { peer: self.peer.clone(), reason }));
                }
            }
            // Whoever waits for it sees its channel closed; an echo of ours has no task.
            _ => drop(self.state().tasks.remove(tag)),
        }
        Ok(())
    }
}

/// Sense data of a response: two bytes of length in front, vendors' data behind.
fn sense(mut data: Bytes) -> Result<Bytes, Fault> {
    if data.len() < 2 {
        return Ok(Bytes::new());
    }
    let length = usize::from(data.get_u16());
    match length <= data.len() {
        true => Ok(data.split_to(length)),
        false => Err(Fault::Protocol("sense data shorter than it says")),
    }
}
