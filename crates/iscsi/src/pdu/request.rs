// SPDX-License-Identifier: Apache-2.0
//! Headers that we send. ExpStatSN is written when a PDU leaves, see [`set_exp_stat_sn`].

use super::{BHS, Header, NO_TAG, put32};
use crate::Lun;

const IMMEDIATE: u8 = 0x40;
const FINAL: u8 = 0x80;

const NOP_OUT: u8 = 0x00;
const SCSI_COMMAND: u8 = 0x01;
const TASK_MANAGEMENT: u8 = 0x02;
const LOGIN: u8 = 0x03;
const TEXT: u8 = 0x04;
const DATA_OUT: u8 = 0x05;
const LOGOUT: u8 = 0x06;

/// A stage of the login phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Security = 0,
    Operational = 1,
    FullFeature = 3,
}

/// A login request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Login {
    pub(crate) current: Stage,
    /// The stage to go to, when we have said everything.
    pub(crate) next: Option<Stage>,
    pub(crate) isid: [u8; 6],
    pub(crate) tag: u32,
    pub(crate) cmd_sn: u32,
}

impl Login {
    pub(crate) fn header(&self) -> Header {
        let mut header = start(LOGIN | IMMEDIATE, 0, self.tag);
        header[1] = (self.current as u8) << 2;
        if let Some(next) = self.next {
            header[1] |= FINAL | next as u8;
        }
        header[8..14].copy_from_slice(&self.isid);
        put32(&mut header, 24, self.cmd_sn);
        header
    }
}

/// A text request; `transfer_tag` goes on with an answer that was too long for one PDU.
pub(crate) fn text(tag: u32, transfer_tag: u32, cmd_sn: u32) -> Header {
    let mut header = start(TEXT | IMMEDIATE, FINAL, tag);
    put32(&mut header, 20, transfer_tag);
    put32(&mut header, 24, cmd_sn);
    header
}

/// Which way a command's data goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    None,
    Read,
    Write,
}

/// A SCSI command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScsiCommand {
    pub(crate) lun: Lun,
    pub(crate) cdb: [u8; 16],
    pub(crate) direction: Direction,
    pub(crate) tag: u32,
    pub(crate) cmd_sn: u32,
    /// Bytes of the whole transfer.
    pub(crate) length: u32,
    /// Unsolicited Data-Out PDUs follow.
    pub(crate) more: bool,
}

impl ScsiCommand {
    pub(crate) fn header(&self) -> Header {
        const READ: u8 = 0x40;
        const WRITE: u8 = 0x20;
        const SIMPLE: u8 = 0x01;
        let way = match self.direction {
            Direction::None => 0,
            Direction::Read => READ,
            Direction::Write => WRITE,
        };
        let last = if self.more { 0 } else { FINAL };
        let mut header = start(SCSI_COMMAND, last | way | SIMPLE, self.tag);
        header[8..16].copy_from_slice(&self.lun.bytes());
        put32(&mut header, 20, self.length);
        put32(&mut header, 24, self.cmd_sn);
        header[32..48].copy_from_slice(&self.cdb);
        header
    }
}

/// One PDU of data for a write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DataOut {
    pub(crate) lun: Lun,
    pub(crate) tag: u32,
    /// The R2T's tag, or [`NO_TAG`] for data nobody asked for.
    pub(crate) transfer_tag: u32,
    pub(crate) data_sn: u32,
    pub(crate) offset: u32,
    pub(crate) last: bool,
}

impl DataOut {
    pub(crate) fn header(&self) -> Header {
        let mut header = start(DATA_OUT, if self.last { FINAL } else { 0 }, self.tag);
        header[8..16].copy_from_slice(&self.lun.bytes());
        put32(&mut header, 20, self.transfer_tag);
        put32(&mut header, 36, self.data_sn);
        put32(&mut header, 40, self.offset);
        header
    }
}

/// A ping of ours (`tag`), or the answer to the target's (`transfer_tag`).
pub(crate) fn nop_out(tag: u32, transfer_tag: u32, lun: Lun, cmd_sn: u32) -> Header {
    let mut header = start(NOP_OUT | IMMEDIATE, FINAL, tag);
    header[8..16].copy_from_slice(&lun.bytes());
    put32(&mut header, 20, transfer_tag);
    put32(&mut header, 24, cmd_sn);
    header
}

/// What is done to tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    AbortTask = 1,
    LunReset = 5,
}

/// A task management request; `task` is the tag and CmdSN of the task meant.
pub(crate) fn management(
    function: Function,
    lun: Lun,
    tag: u32,
    task: Option<(u32, u32)>,
    cmd_sn: u32,
) -> Header {
    let mut header = start(TASK_MANAGEMENT | IMMEDIATE, FINAL | function as u8, tag);
    let (task, task_cmd_sn) = task.unwrap_or((NO_TAG, 0));
    header[8..16].copy_from_slice(&lun.bytes());
    put32(&mut header, 20, task);
    put32(&mut header, 24, cmd_sn);
    put32(&mut header, 32, task_cmd_sn);
    header
}

/// The end of the session.
pub(crate) fn logout(tag: u32, cmd_sn: u32) -> Header {
    const CLOSE_SESSION: u8 = 0;
    let mut header = start(LOGOUT | IMMEDIATE, FINAL | CLOSE_SESSION, tag);
    put32(&mut header, 24, cmd_sn);
    header
}

/// Acknowledges everything before this number.
pub(crate) fn set_exp_stat_sn(header: &mut Header, exp_stat_sn: u32) {
    put32(header, 28, exp_stat_sn);
}

fn start(opcode: u8, flags: u8, tag: u32) -> Header {
    let mut header = [0; BHS];
    header[0] = opcode;
    header[1] = flags;
    put32(&mut header, 16, tag);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_with_data_to_follow() {
        let header = ScsiCommand {
            lun: Lun::from_bytes([0, 1, 0, 0, 0, 0, 0, 0]),
            cdb: [0x8a; 16],
            direction: Direction::Write,
            tag: 7,
            cmd_sn: 9,
            length: 4096,
            more: true,
        }
        .header();
        assert_eq!(&header[..2], &[0x01, 0x21]);
        assert_eq!(&header[8..10], &[0, 1]);
        assert_eq!(&header[16..28], &[0, 0, 0, 7, 0, 0, 0x10, 0, 0, 0, 0, 9]);
        assert_eq!(header[47], 0x8a);
    }

    #[test]
    fn login_names_its_stages() {
        let login = Login {
            current: Stage::Operational,
            next: Some(Stage::FullFeature),
            isid: [1; 6],
            tag: 2,
            cmd_sn: 1,
        };
        assert_eq!(&login.header()[..2], &[0x43, 0x87]);
        let login = Login { current: Stage::Security, next: None, ..login };
        assert_eq!(&login.header()[..2], &[0x43, 0]);
    }
}
