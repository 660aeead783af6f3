// SPDX-License-Identifier: Apache-2.0
//! An iSCSI initiator in user space (RFC 7143): no kernel modules, no privileges, no daemon.
//!
//! [`discover`] lists targets. [`Session`] is one connection to one of them; [`Paths`] is what a user of a volume wants:
//! several portals, each logged in anew when its connection is lost, and commands sent again; [`Sessions`] lets
//! volumes of one target share a login. All carry SCSI commands
//! ([`Execute`]). Errors are [`IscsiError`]; a SCSI status other than GOOD is no error here: it is in
//! [`Completion`]. [`Disk`] reads and writes a logical unit by bytes over anything that executes commands.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod command;
mod discover;
mod disk;
mod error;
mod link;
mod login;
mod lun;
mod paths;
mod pdu;
mod scsi;
mod secret;
mod session;
mod sessions;
mod target;
mod text;
mod wire;

pub use command::{Command, Completion, Execute, Transfer};
pub use discover::{DiscoveredPortal, DiscoveredTarget, discover};
pub use disk::{Disk, DiskError, DiskExtent, Patience};
pub use error::{Fault, IscsiError, LoginFailure, RejectReason};
pub use lun::{Addressing, Lun, LunError};
pub use paths::{PathHealth, PathTo, Paths, PathsOptions};
pub use scsi::{Asleep, Attention, Identity, Inquiry, Problem, Sense, SenseKey};
pub use secret::Secret;
pub use session::Session;
pub use sessions::Sessions;
pub use target::{AddressError, ChapAlgorithm, ChapCredentials, Digest, LoginOptions, Portal, Target};
