// SPDX-License-Identifier: Apache-2.0
//! An iSCSI initiator in user space (RFC 7143): no kernel modules, no privileges, no daemon.
//!
//! Commands go through [`Execute`]. Errors are [`IscsiError`]; a SCSI status other than GOOD is no error here: it is in
//! [`Completion`].

mod command;
mod error;
mod lun;
mod secret;
mod target;

pub use command::{Command, Completion, Execute, Transfer};
pub use error::{Fault, IscsiError, LoginFailure, RejectReason};
pub use lun::{Addressing, Lun, LunError};
pub use secret::Secret;
pub use target::{AddressError, ChapAlgorithm, ChapCredentials, Digest, LoginOptions, Portal, Target};
