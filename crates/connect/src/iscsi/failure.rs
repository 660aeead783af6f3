// SPDX-License-Identifier: Apache-2.0
//! Why a volume behind iSCSI cannot be had, in one line that names protocol, target and portal.

use std::error::Error;

use scurry_iscsi::{DiskError, IscsiError, Problem};
use scurry_store::StoreErrorKind;
use scurry_types::with_causes;

use crate::ConnectError;

/// A failure of a session or of the disk behind it. No secret is in it.
#[derive(Debug, thiserror::Error)]
#[error("iSCSI {place}: {words}")]
pub struct IscsiFailure {
    place: String,
    words: String,
    kind: StoreErrorKind,
    #[source]
    source: Box<dyn Error + Send + Sync>,
}

impl IscsiFailure {
    pub(super) fn session(place: &str, error: IscsiError) -> ConnectError {
        Self::error(place, of_session(&error), error)
    }

    pub(super) fn disk(place: &str, error: DiskError) -> ConnectError {
        Self::error(place, of_disk(&error), error)
    }

    fn error(place: &str, kind: StoreErrorKind, error: impl Error + Send + Sync + 'static) -> ConnectError {
        ConnectError::Iscsi(Self {
            place: place.to_owned(),
            words: with_causes(&error),
            kind,
            source: error.into(),
        })
    }

    /// What the failure means to the user of an image store.
    pub(crate) fn store_kind(&self) -> StoreErrorKind {
        self.kind
    }
}

fn of_session(error: &IscsiError) -> StoreErrorKind {
    match error {
        error if error.is_authentication() => StoreErrorKind::Denied,
        IscsiError::Invalid(_) => StoreErrorKind::Invalid,
        IscsiError::NoPath { last: Some(last), .. } | IscsiError::Shared(last) => of_session(last),
        IscsiError::NoIdentity { source, .. } => of_disk(source),
        IscsiError::OtherUnit { .. } => StoreErrorKind::Corrupt,
        _ => StoreErrorKind::Unavailable,
    }
}

fn of_disk(error: &DiskError) -> StoreErrorKind {
    match error {
        DiskError::Transport { source, .. } => of_session(source),
        DiskError::NoDisk { .. } => StoreErrorKind::Invalid,
        error => error.problem().map_or(StoreErrorKind::Other, of_problem),
    }
}

fn of_problem(problem: Problem) -> StoreErrorKind {
    match problem {
        Problem::PoolFull => StoreErrorKind::Full,
        Problem::WriteProtected | Problem::Denied => StoreErrorKind::Denied,
        Problem::Reserved => StoreErrorKind::InUse,
        Problem::Medium(_) | Problem::OutOfRange => StoreErrorKind::Corrupt,
        Problem::NoUnit => StoreErrorKind::NotFound,
        Problem::Attention(_)
        | Problem::Busy
        | Problem::BecomingReady
        | Problem::Aborted
        | Problem::NotReady
        | Problem::Hardware => StoreErrorKind::Unavailable,
        _ => StoreErrorKind::Other,
    }
}
