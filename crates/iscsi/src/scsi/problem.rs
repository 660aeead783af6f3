// SPDX-License-Identifier: Apache-2.0
//! A status and its sense data as what they mean to whoever reads and writes.

use std::fmt;

use super::{Sense, SenseKey};
use crate::Completion;

/// Something that changed at the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attention {
    /// It was switched on or reset, or the session is new.
    Reset,
    /// The disk has another size, or the logical units are others.
    Capacity,
    /// A thin pool passed its soft threshold.
    PoolFillsUp,
    /// Anything else: mode parameters, firmware, ALUA states.
    Other,
}

/// Why a command did not do what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A unit attention.
    Attention(Attention),
    /// Too much to do: the same again later.
    Busy,
    /// It becomes ready, or its path changes state: the same again later.
    BecomingReady,
    /// The target gave up the command.
    Aborted,
    /// It is not ready, and waiting alone does not help.
    NotReady,
    /// Data cannot be read or written at this block.
    Medium(Option<u64>),
    /// The device is broken.
    Hardware,
    /// Writes are forbidden.
    WriteProtected,
    /// The pool behind a thin disk is full.
    PoolFull,
    /// No such logical unit.
    NoUnit,
    /// Beyond the last block.
    OutOfRange,
    /// The disk does not know the command.
    UnknownCommand,
    /// The disk does not take a field of the command.
    InvalidField,
    /// The target does not let us.
    Denied,
    /// Reserved by another initiator.
    Reserved,
    /// Anything else the sense data says.
    Sense(Sense),
    /// A status without usable sense data.
    Status(u8),
}

const GOOD: u8 = 0x00;
const CONDITION_MET: u8 = 0x04;
const BUSY: u8 = 0x08;
const RESERVATION_CONFLICT: u8 = 0x18;
const TASK_SET_FULL: u8 = 0x28;
const TASK_ABORTED: u8 = 0x40;

impl Problem {
    /// The status that comes with sense data.
    pub(crate) const CHECK_CONDITION: u8 = 0x02;

    /// What is wrong with a completion; `None` when it did what was asked.
    pub fn of(completion: &Completion) -> Option<Self> {
        match completion.status {
            GOOD | CONDITION_MET => None,
            Self::CHECK_CONDITION => match Sense::parse(&completion.sense) {
                Some(sense) => Self::of_sense(sense),
                None => Some(Self::Status(Self::CHECK_CONDITION)),
            },
            BUSY | TASK_SET_FULL => Some(Self::Busy),
            RESERVATION_CONFLICT => Some(Self::Reserved),
            TASK_ABORTED => Some(Self::Aborted),
            status => Some(Self::Status(status)),
        }
    }

    fn of_sense(sense: Sense) -> Option<Self> {
        let problem = match (sense.key, sense.asc, sense.ascq) {
            // Told about an earlier command, this one was not carried out: none of ours ends without its status.
            (SenseKey::NoSense | SenseKey::RecoveredError | SenseKey::Completed, ..) => {
                return sense.deferred.then_some(Self::Aborted);
            }
            (SenseKey::UnitAttention, asc, ascq) => Self::Attention(attention(asc, ascq)),
            (SenseKey::NotReady | SenseKey::IllegalRequest, 0x25, _) => Self::NoUnit,
            // Becoming ready, formatting, rebuilding, ALUA in transition, space being allocated.
            (SenseKey::NotReady, 0x04, 0x01 | 0x04..=0x0a | 0x14) => Self::BecomingReady,
            (SenseKey::NotReady, ..) => Self::NotReady,
            (SenseKey::MediumError, ..) => Self::Medium(sense.information),
            (SenseKey::HardwareError, ..) => Self::Hardware,
            (SenseKey::DataProtect, 0x27, 0x07) | (SenseKey::VolumeOverflow, ..) => Self::PoolFull,
            (SenseKey::DataProtect, 0x27, _) => Self::WriteProtected,
            (SenseKey::DataProtect, 0x20, _) => Self::Denied,
            (SenseKey::IllegalRequest, 0x20, 0x00) => Self::UnknownCommand,
            (SenseKey::IllegalRequest, 0x20, _) => Self::Denied,
            (SenseKey::IllegalRequest, 0x21, _) => Self::OutOfRange,
            (SenseKey::IllegalRequest, 0x24 | 0x26 | 0x1a, _) => Self::InvalidField,
            (SenseKey::IllegalRequest, 0x55, _) => Self::Busy,
            (SenseKey::AbortedCommand, ..) => Self::Aborted,
            _ => Self::Sense(sense),
        };
        Some(problem)
    }

    /// The disk does not do this at all, and another way may be taken.
    pub fn is_unsupported(self) -> bool {
        matches!(self, Self::UnknownCommand | Self::InvalidField)
    }
}

const fn attention(asc: u8, ascq: u8) -> Attention {
    match (asc, ascq) {
        // Bus resets, power on, I_T nexus loss; parameters by another initiator; commands cleared.
        (0x29 | 0x2f, _) => Attention::Reset,
        // Capacity data, reported LUNs, inquiry data have changed.
        (0x2a, 0x09) | (0x3f, 0x0e | 0x03) => Attention::Capacity,
        (0x38, 0x07) => Attention::PoolFillsUp,
        _ => Attention::Other,
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Attention(Attention::Reset) => "the target was reset",
            Self::Attention(Attention::Capacity) => "the disk has changed",
            Self::Attention(Attention::PoolFillsUp) => "the pool behind the thin disk is filling up",
            Self::Attention(Attention::Other) => "the target's state has changed",
            Self::Busy => "the target is busy",
            Self::BecomingReady => "the disk is not ready yet",
            Self::Aborted => "the target aborted the command",
            Self::NotReady => "the disk is not ready",
            Self::Medium(Some(block)) => return write!(f, "medium error at block {block}"),
            Self::Medium(None) => "medium error",
            Self::Hardware => "hardware error",
            Self::WriteProtected => "the disk is write-protected",
            Self::PoolFull => "the pool behind the thin disk is full",
            Self::NoUnit => "there is no such logical unit",
            Self::OutOfRange => "the range lies beyond the end of the disk",
            Self::UnknownCommand => "the disk does not know this command",
            Self::InvalidField => "the disk does not take a field of the command",
            Self::Denied => "the target denies access to the disk",
            Self::Reserved => "the disk is reserved by another initiator",
            Self::Sense(sense) => return sense.fmt(f),
            Self::Status(status) => return write!(f, "SCSI status {status:#04x}"),
        };
        f.write_str(text)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn check(key: u8, asc: u8, ascq: u8) -> Option<Problem> {
        let mut sense = vec![0_u8; 18];
        (sense[0], sense[2], sense[12], sense[13]) = (0x70, key, asc, ascq);
        Problem::of(&Completion {
            status: Problem::CHECK_CONDITION,
            sense: sense.into(),
            ..Completion::default()
        })
    }

    #[test]
    fn every_kind_of_sense_has_its_meaning() {
        let cases = [
            ((0, 0, 0), None),
            ((1, 0x17, 1), None),
            ((2, 0x04, 0x01), Some(Problem::BecomingReady)),
            ((2, 0x04, 0x0a), Some(Problem::BecomingReady)),
            ((2, 0x04, 0x14), Some(Problem::BecomingReady)),
            ((2, 0x04, 0x0b), Some(Problem::NotReady)),
            ((2, 0x3a, 0), Some(Problem::NotReady)),
            ((3, 0x11, 0), Some(Problem::Medium(None))),
            ((4, 0x44, 0), Some(Problem::Hardware)),
            ((5, 0x20, 0), Some(Problem::UnknownCommand)),
            ((5, 0x20, 2), Some(Problem::Denied)),
            ((5, 0x21, 0), Some(Problem::OutOfRange)),
            ((5, 0x24, 0), Some(Problem::InvalidField)),
            ((5, 0x25, 0), Some(Problem::NoUnit)),
            ((5, 0x55, 3), Some(Problem::Busy)),
            ((6, 0x29, 0), Some(Problem::Attention(Attention::Reset))),
            ((6, 0x29, 7), Some(Problem::Attention(Attention::Reset))),
            ((6, 0x2a, 0x09), Some(Problem::Attention(Attention::Capacity))),
            ((6, 0x3f, 0x0e), Some(Problem::Attention(Attention::Capacity))),
            ((6, 0x38, 0x07), Some(Problem::Attention(Attention::PoolFillsUp))),
            ((6, 0x2a, 0x06), Some(Problem::Attention(Attention::Other))),
            ((7, 0x27, 0), Some(Problem::WriteProtected)),
            ((7, 0x27, 7), Some(Problem::PoolFull)),
            ((0xb, 0x47, 0), Some(Problem::Aborted)),
            ((0xd, 0, 0), Some(Problem::PoolFull)),
        ];
        for ((key, asc, ascq), problem) in cases {
            assert_eq!(check(key, asc, ascq), problem, "{key:x} {asc:02x}/{ascq:02x}");
        }
        assert!(matches!(check(9, 1, 2), Some(Problem::Sense(_))));
    }

    #[test]
    fn every_status_has_its_meaning() {
        let of = |status| Problem::of(&Completion { status, ..Completion::default() });
        assert_eq!(of(0), None);
        assert_eq!(of(0x02), Some(Problem::Status(2)));
        assert_eq!(of(0x04), None);
        assert_eq!(of(0x08), Some(Problem::Busy));
        assert_eq!(of(0x18), Some(Problem::Reserved));
        assert_eq!(of(0x28), Some(Problem::Busy));
        assert_eq!(of(0x30), Some(Problem::Status(0x30)));
        assert_eq!(of(0x40), Some(Problem::Aborted));
        let odd = Completion { status: 2, sense: Bytes::from_static(&[0xff; 4]), ..Completion::default() };
        assert_eq!(Problem::of(&odd), Some(Problem::Status(2)));
    }
}
