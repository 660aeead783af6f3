// SPDX-License-Identifier: Apache-2.0
//! What can go wrong between us and a target; a SCSI status is not among it.

use std::{fmt, io, sync::Arc, time::Duration};

use crate::{Asleep, DiskError, Lun};

/// An error of discovery, login, a command or a path.
#[derive(Debug, thiserror::Error)]
pub enum IscsiError {
    /// No TCP connection.
    #[error("cannot connect to {peer}")]
    Connect {
        /// The portal.
        peer: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The target answered the login with a status other than success.
    #[error("login to {peer} refused: {failure}")]
    LoginRefused {
        /// Target and portal.
        peer: String,
        /// The status.
        failure: LoginFailure,
    },
    /// The target did not prove what mutual CHAP asks of it.
    #[error("{peer} did not authenticate itself: {why}")]
    TargetNotAuthentic {
        /// Target and portal.
        peer: String,
        /// What was missing.
        why: &'static str,
    },
    /// The login broke off: nonsense, silence, or terms we do not take.
    #[error("login to {peer} failed")]
    Login {
        /// Target and portal.
        peer: String,
        /// Why.
        #[source]
        source: Arc<Fault>,
    },
    /// The connection is gone.
    #[error("connection to {peer} lost")]
    ConnectionLost {
        /// Target and portal.
        peer: String,
        /// Whether the target may have seen the command.
        sent: bool,
        /// Why.
        #[source]
        source: Arc<Fault>,
    },
    /// The target refused a PDU of the command.
    #[error("{peer} rejected the command: {reason}")]
    Rejected {
        /// Target and portal.
        peer: String,
        /// The reason of RFC 7143 11.17.1.
        reason: RejectReason,
    },
    /// The target could not carry the command out and gave no SCSI status.
    #[error("{peer} failed to execute the command (response {response:#04x})")]
    TargetFailure {
        /// Target and portal.
        peer: String,
        /// The iSCSI service response.
        response: u8,
    },
    /// No status in time; the command was aborted, by itself or with its logical unit or session.
    #[error("{peer} did not answer a command within {timeout:?}")]
    CommandTimeout {
        /// Target and portal.
        peer: String,
        /// The time it had.
        timeout: Duration,
    },
    /// A task management function that did not succeed.
    #[error("{peer} did not carry out {function}: {why}")]
    Management {
        /// Target and portal.
        peer: String,
        /// The function's name.
        function: &'static str,
        /// The response.
        why: &'static str,
    },
    /// A reset of the logical unit ended the command.
    #[error("{peer} ended the command by a reset of LUN {lun}")]
    Reset {
        /// Target and portal.
        peer: String,
        /// The logical unit.
        lun: Lun,
    },
    /// The target does not do its work over this path now (asymmetric access, SPC-4 5.11).
    #[error("{path} is {state}")]
    Asleep {
        /// Target and portal.
        path: String,
        /// The access state.
        state: Asleep,
    },
    /// Two paths that were meant to lead to one logical unit do not.
    #[error("{path} leads to {found}, but {first} to {unit}: that is not the same disk")]
    OtherUnit {
        /// The path that is refused.
        path: String,
        /// What is there.
        found: String,
        /// The path that was known before.
        first: String,
        /// What is there.
        unit: String,
    },
    /// The logical unit did not say which one it is.
    #[error("{path} does not lead to a usable logical unit")]
    NoIdentity {
        /// The path.
        path: String,
        /// Why.
        #[source]
        source: Box<DiskError>,
    },
    /// What happened to a session that others use as well.
    #[error(transparent)]
    Shared(Arc<IscsiError>),
    /// No path is left, and none came back in time.
    #[error("no path to {target} came back within {waited:?}")]
    NoPath {
        /// The targets.
        target: String,
        /// How long was waited.
        waited: Duration,
        /// Why the last path went.
        #[source]
        last: Option<Arc<IscsiError>>,
    },
    /// Options or a command that cannot work.
    #[error("{0}")]
    Invalid(String),
}

impl IscsiError {
    /// Whether another path, or the same a little later, may do better.
    pub fn is_transport(&self) -> bool {
        matches!(
            self,
            Self::Connect { .. }
                | Self::ConnectionLost { .. }
                | Self::Login { .. }
                | Self::CommandTimeout { .. }
                | Self::Reset { .. }
        ) || matches!(self, Self::Shared(error) if error.is_transport())
    }

    /// Whether the target refused who we are.
    pub fn is_authentication(&self) -> bool {
        matches!(self, Self::Shared(error) if error.is_authentication())
            || matches!(
                self,
                Self::TargetNotAuthentic { .. }
                    | Self::LoginRefused { failure: LoginFailure { class: 2, detail: 1 | 2 }, .. }
            )
    }
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The socket failed.
    #[error("the connection broke")]
    Io(#[from] io::Error),
    /// The target closed the connection.
    #[error("the target closed the connection")]
    Closed,
    /// The target sent what the protocol does not allow.
    #[error("protocol error: {0}")]
    Protocol(&'static str),
    /// A CRC-32C did not match.
    #[error("{0} digest does not match")]
    Digest(&'static str),
    /// A phase took too long.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The target asked us to leave, or said that it leaves.
    #[error("the target ended the session (asynchronous event {event})")]
    Asked {
        /// AsyncEvent of RFC 7143 11.9.1.
        event: u8,
    },
    /// We ended it.
    #[error("the session was closed")]
    LoggedOut,
    /// Neither a command nor its abort nor a reset of the logical unit was answered well.
    #[error("a command, its abort and a reset of the LUN led to nothing")]
    Unanswered,
    /// The target's terms are not ours.
    #[error("{0}")]
    Terms(String),
}

/// Status class and detail of a refused login (RFC 7143 11.13.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginFailure {
    /// 1 redirection, 2 our fault, 3 the target's.
    pub class: u8,
    /// The detail.
    pub detail: u8,
}

impl LoginFailure {
    /// Whether the target says that it may work later.
    pub fn is_temporary(self) -> bool {
        self.class == 3
    }
}

impl fmt::Display for LoginFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match (self.class, self.detail) {
            (1, _) => "redirected too often or to nowhere",
            (2, 1) => "authentication failed",
            (2, 2) => "this initiator is not allowed to use the target",
            (2, 3) => "the target does not exist there",
            (2, 4) => "the target was removed",
            (2, 5) => "the protocol version is not supported",
            (2, 6) => "too many connections",
            (2, 7) => "a parameter is missing",
            (2, 8) => "the target cannot include the session",
            (2, 9) => "the session type is not supported",
            (2, 10) => "the session does not exist",
            (2, 11) => "invalid request during login",
            (2, _) => "initiator error",
            (3, 1) => "the target is not available now",
            (3, 2) => "the target is out of resources",
            (3, _) => "target error",
            _ => "unknown status",
        };
        write!(f, "{text} (status {:02x}{:02x})", self.class, self.detail)
    }
}

/// Why a PDU was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RejectReason(pub u8);

impl RejectReason {
    /// The target takes nothing any more but a logout.
    pub(crate) const WAITING_FOR_LOGOUT: Self = Self(0x0c);
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.0 {
            0x02 => "data digest error",
            0x03 => "SNACK reject",
            0x04 => "protocol error",
            0x05 => "command not supported",
            0x06 => "too many immediate commands",
            0x07 => "task in progress",
            0x08 => "invalid data acknowledgement",
            0x09 => "invalid PDU field",
            0x0a => "out of resources",
            0x0b => "negotiation reset",
            0x0c => "waiting for logout",
            _ => "unknown reason",
        };
        write!(f, "{text} ({:#04x})", self.0)
    }
}
