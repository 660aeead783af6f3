// SPDX-License-Identifier: Apache-2.0
//! Why a disk could not be opened, read or written.

use std::sync::Arc;

use crate::{IscsiError, Lun, Problem};

/// A failed operation on a disk. Cheap to clone.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DiskError {
    /// The command did not reach the target, or no status came back.
    #[error("{command} to LUN {lun} got no answer")]
    Transport {
        /// The logical unit.
        lun: Lun,
        /// The command's name.
        command: &'static str,
        /// Why.
        #[source]
        source: Arc<IscsiError>,
    },
    /// The target answered that it did not do it.
    #[error("{command} to LUN {lun} failed: {problem}")]
    Refused {
        /// The logical unit.
        lun: Lun,
        /// The command's name.
        command: &'static str,
        /// What is wrong.
        problem: Problem,
    },
    /// The target answered something that makes no sense.
    #[error("LUN {lun} answered {command} with nonsense")]
    Nonsense {
        /// The logical unit.
        lun: Lun,
        /// The command's name.
        command: &'static str,
    },
    /// Under this number there is no logical unit.
    #[error("there is no LUN {0} at the target")]
    NoUnit(Lun),
    /// There is a logical unit, but of another kind.
    #[error("LUN {lun} is no disk but a device of type {device_type:#04x}")]
    NoDisk {
        /// The logical unit.
        lun: Lun,
        /// Peripheral device type.
        device_type: u8,
    },
    /// The target refuses writes.
    #[error("LUN {0} is write-protected")]
    WriteProtected(Lun),
    /// The range does not lie in the disk.
    #[error("{len} bytes at {offset} reach beyond the end of LUN {lun} at {disk_len}")]
    OutOfBounds {
        /// The logical unit.
        lun: Lun,
        /// First byte asked for.
        offset: u64,
        /// Bytes asked for.
        len: u64,
        /// Bytes of the disk.
        disk_len: u64,
    },
}

impl DiskError {
    /// What the target said, if it was the target.
    pub fn problem(&self) -> Option<Problem> {
        match self {
            Self::Refused { problem, .. } => Some(*problem),
            Self::NoUnit(_) => Some(Problem::NoUnit),
            Self::WriteProtected(_) => Some(Problem::WriteProtected),
            Self::OutOfBounds { .. } => Some(Problem::OutOfRange),
            _ => None,
        }
    }
}
