// SPDX-License-Identifier: Apache-2.0
//! A SCSI command on its way to a logical unit, and what came back.

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};

use crate::{IscsiError, Lun};

/// One SCSI command.
#[derive(Clone, Debug)]
pub struct Command {
    /// The logical unit. [`crate::Paths`] puts each path's own number here.
    pub lun: Lun,
    /// The command descriptor block, padded with zeroes.
    pub cdb: [u8; 16],
    /// The data that goes with it.
    pub transfer: Transfer,
    /// May be sent again when nobody knows whether it was carried out (a lost connection).
    pub idempotent: bool,
}

/// The data of a command: one way or none.
#[derive(Clone, Debug)]
pub enum Transfer {
    /// No data.
    None,
    /// At most so many bytes from the target.
    Read(u32),
    /// At most so many bytes from the target, put into this buffer (cleared first; its capacity is used again).
    ReadInto(BytesMut, u32),
    /// These segments, one after the other, to the target; they are not copied.
    Write(Vec<Bytes>),
}

impl Command {
    /// The same once more.
    pub(crate) fn again(&self) -> Self {
        let transfer = self.transfer.again();
        Self { lun: self.lun, cdb: self.cdb, transfer, idempotent: self.idempotent }
    }
}

impl Transfer {
    /// The same once more: a buffer for reading goes with the first.
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::ReadInto(_, length) => Self::Read(*length),
            other => other.clone(),
        }
    }

    /// Bytes that the command announces: `None` for more than the 4 GiB that iSCSI can say.
    pub fn length(&self) -> Option<u32> {
        match self {
            Self::None => Some(0),
            Self::Read(length) | Self::ReadInto(_, length) => Some(*length),
            Self::Write(segments) => segments
                .iter()
                .try_fold(0_usize, |sum, segment| sum.checked_add(segment.len()))
                .and_then(|sum| u32::try_from(sum).ok()),
        }
    }
}

/// The target's answer to a command.
#[derive(Clone, Debug, Default)]
pub struct Completion {
    /// SAM status: 0x00 GOOD, 0x02 CHECK CONDITION, …
    pub status: u8,
    /// Sense data without iSCSI's length in front; empty when there is none.
    pub sense: Bytes,
    /// What was read, in the buffer of [`Transfer::ReadInto`] where there was one.
    pub read: BytesMut,
    /// Bytes announced but not transferred; negative: bytes the target had beyond what was announced.
    pub residual: i64,
}

/// Something that carries commands to a logical unit: one session, or several paths.
#[async_trait]
pub trait Execute: Send + Sync {
    /// Sends a command and waits for its status. Dropping the future leaves the command with the target.
    async fn execute(&self, command: Command) -> Result<Completion, IscsiError>;
}
