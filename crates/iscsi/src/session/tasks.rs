// SPDX-License-Identifier: Apache-2.0
//! Tasks the target has not answered yet.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::AtomicU32},
};

use bytes::{Bytes, BytesMut};
use tokio::{
    sync::{OwnedSemaphorePermit, oneshot},
    time::Instant,
};

use crate::{Completion, IscsiError, Lun, pdu::NO_TAG};

/// What is done with the outcome of a command.
pub(super) type Answer = oneshot::Sender<Result<Completion, IscsiError>>;

/// A SCSI command in flight.
#[derive(Debug)]
pub(super) struct ScsiTask {
    pub(super) answer: Answer,
    pub(super) lun: Lun,
    pub(super) cmd_sn: u32,
    pub(super) deadline: Instant,
    /// An abort is under way.
    pub(super) aborting: bool,
    pub(super) data: TaskData,
    pub(super) _permit: OwnedSemaphorePermit,
}

/// The data of a command in flight.
#[derive(Debug)]
pub(super) enum TaskData {
    None,
    Read(ReadTask),
    Write(WriteTask),
}

/// A read: what came so far.
#[derive(Debug)]
pub(super) struct ReadTask {
    /// Absent while the reader fills it.
    pub(super) buffer: Option<BytesMut>,
    pub(super) received: u32,
    pub(super) expected: u32,
    pub(super) data_sn: u32,
}

/// A write: what the target asked for so far.
#[derive(Debug)]
pub(super) struct WriteTask {
    pub(super) data: Arc<WriteData>,
    /// Bytes sent or asked for; R2Ts come in order.
    pub(super) asked: u32,
    pub(super) r2t_sn: u32,
}

/// Segments of a write, shared with the writer.
#[derive(Debug)]
pub(super) struct WriteData {
    pub(super) segments: Vec<Bytes>,
    pub(super) length: u32,
    /// Bursts that the writer has not sent yet.
    pub(super) waiting: AtomicU32,
}

/// A task and who waits for it.
#[derive(Debug)]
pub(super) enum Task {
    Scsi(Box<ScsiTask>),
    Management(oneshot::Sender<u8>),
    Ping(Option<oneshot::Sender<()>>),
    Logout(oneshot::Sender<u8>),
    Text(oneshot::Sender<TextAnswer>),
}

/// One PDU of an answer to a text request.
#[derive(Debug)]
pub(super) struct TextAnswer {
    pub(super) data: Bytes,
    /// The tag by which the rest is asked for.
    pub(super) transfer_tag: u32,
}

/// The tasks by their tags.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    by_tag: HashMap<u32, Task>,
    last: u32,
}

impl Tasks {
    /// Takes a task in under a tag that no other has.
    pub(super) fn insert(&mut self, task: Task) -> u32 {
        loop {
            self.last = self.last.wrapping_add(1);
            if self.last != NO_TAG && !self.by_tag.contains_key(&self.last) {
                self.by_tag.insert(self.last, task);
                return self.last;
            }
        }
    }

    pub(super) fn remove(&mut self, tag: u32) -> Option<Task> {
        self.by_tag.remove(&tag)
    }

    /// Takes a SCSI command out; anything else stays.
    pub(super) fn remove_scsi(&mut self, tag: u32) -> Option<Box<ScsiTask>> {
        match self.remove_if(tag, |task| matches!(task, Task::Scsi(_)))? {
            Task::Scsi(task) => Some(task),
            _ => None,
        }
    }

    /// Takes a task out if it is of the kind that this answer ends.
    pub(super) fn remove_if(&mut self, tag: u32, kind: impl FnOnce(&Task) -> bool) -> Option<Task> {
        kind(self.by_tag.get(&tag)?).then(|| self.by_tag.remove(&tag))?
    }

    pub(super) fn scsi(&mut self, tag: u32) -> Option<&mut ScsiTask> {
        match self.by_tag.get_mut(&tag)? {
            Task::Scsi(task) => Some(task),
            _ => None,
        }
    }

    /// Takes out all SCSI commands of this kind.
    pub(super) fn remove_all_scsi(&mut self, kind: impl Fn(&ScsiTask) -> bool) -> Vec<ScsiTask> {
        let tags: Vec<u32> = self.all_scsi().filter(|(_, task)| kind(task)).map(|(tag, _)| tag).collect();
        tags.into_iter().filter_map(|tag| self.remove_scsi(tag)).map(|task| *task).collect()
    }

    /// SCSI commands with their tags.
    pub(super) fn all_scsi(&mut self) -> impl Iterator<Item = (u32, &mut ScsiTask)> {
        self.by_tag.iter_mut().filter_map(|(tag, task)| match task {
            Task::Scsi(task) => Some((*tag, &mut **task)),
            _ => None,
        })
    }

    /// Forgets pings that nobody waits for: one that was sent later takes their place.
    pub(super) fn forget_pings(&mut self) {
        self.by_tag.retain(|_, task| !matches!(task, Task::Ping(None)));
    }

    pub(super) fn drain(&mut self) -> Vec<Task> {
        self.by_tag.drain().map(|(_, task)| task).collect()
    }
}
