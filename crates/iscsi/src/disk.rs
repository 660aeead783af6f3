// SPDX-License-Identifier: Apache-2.0
//! A disk: a logical unit over anything that carries commands, read and written by bytes.
//!
//! Ranges need not be made of whole blocks. Every command is tried a bounded number of times ([`Patience`]); what
//! cannot be had any more is an error that says why.

mod access;
mod error;
mod extents;
mod probe;
mod retry;
mod unmap;
mod zero;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
    },
};

use tokio::sync::RwLock;

pub(crate) use self::probe::identify;
pub use self::{error::DiskError, extents::DiskExtent, retry::Patience};
use crate::{
    Execute, Identity, Inquiry, Lun,
    scsi::limits::{Limits, Provisioning},
};

/// An open disk.
pub struct Disk {
    unit: Arc<dyn Execute>,
    lun: Lun,
    patience: Patience,
    inquiry: Inquiry,
    identity: Option<Identity>,
    limits: Limits,
    provisioning: Provisioning,
    block_len: u32,
    blocks: AtomicU64,
    write_protected: bool,
    /// The best way to zero that has not failed yet ([`zero::Way`]).
    zeroing: AtomicU8,
    /// GET LBA STATUS is there, as far as we know.
    tells_extents: AtomicBool,
    /// WRITE SAME (16) without deallocation is there, as far as we know.
    knows_write_same: AtomicBool,
    /// Blocks written in part are read first: meanwhile nobody else writes.
    edges: RwLock<()>,
}

impl Disk {
    /// Bytes of the disk, as last heard of.
    #[allow(clippy::len_without_is_empty, reason = "there is no disk without a block")]
    pub fn len(&self) -> u64 {
        self.blocks.load(Ordering::Relaxed) * u64::from(self.block_len)
    }

    /// Bytes of a block.
    pub fn block_len(&self) -> u32 {
        self.block_len
    }

    /// Vendor, product and kind.
    pub fn inquiry(&self) -> &Inquiry {
        &self.inquiry
    }

    /// Its own name, the same on all paths.
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// Whether the target refuses writes.
    pub fn is_write_protected(&self) -> bool {
        self.write_protected
    }

    /// Whether what was never written reads as zeroes: it is thin, and deallocated blocks do.
    pub fn fresh_is_zero(&self) -> bool {
        self.provisioning.thin && self.provisioning.zeroes
    }

    /// Whether ranges can be given back to the pool they come from.
    pub fn deallocates(&self) -> bool {
        self.provisioning.unmap || self.provisioning.write_same
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk")
            .field("lun", &self.lun)
            .field("inquiry", &self.inquiry)
            .field("identity", &self.identity)
            .field("len", &self.len())
            .field("block_len", &self.block_len)
            .field("limits", &self.limits)
            .field("provisioning", &self.provisioning)
            .field("write_protected", &self.write_protected)
            .finish_non_exhaustive()
    }
}
