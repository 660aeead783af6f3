// SPDX-License-Identifier: Apache-2.0
//! What others are told: Glance's notifications, their names and what they say.
//!
//! Which change of an image tells what is derived from the change itself ([`told`]), in one place, so that no use case
//! can forget it; whoever makes the change keeps the events in the same transaction.

mod metadef;
mod payload;

use scurry_types::{ImageStatus, StoreId};
use serde_json::Value;

pub use metadef::{ItemEvent, item_event, namespace_event};
pub use payload::{deletion, image_event, image_sent, kind_of_state, member_event, task_event};

use crate::ports::{Change, Purpose};

/// How urgent an event is: the last part of its routing key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// Something happened.
    Info,
    /// Something went wrong.
    Error,
}

impl Priority {
    /// The word in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Error => "ERROR",
        }
    }
}

/// One notification.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// `image.create`, …
    pub kind: &'static str,
    /// How urgent.
    pub priority: Priority,
    /// What it says.
    pub payload: Value,
}

impl Event {
    pub(crate) const fn info(kind: &'static str, payload: Value) -> Self {
        Self { kind, priority: Priority::Info, payload }
    }
}

/// What a change of an image tells; the image itself is filled in by whoever made the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told<'a> {
    /// `image.update`.
    Updated,
    /// `image.prepare`: data is about to be stored there.
    Prepared(Option<&'a StoreId>),
    /// `image.upload`: data was stored.
    Uploaded,
    /// `image.activate`.
    Activated,
    /// `image.delete`, and the state the image is in then.
    Deleted(ImageStatus),
    /// `image.upload` as an error.
    Failed(&'a str),
}

/// What these changes of an image tell, in Glance's order.
#[must_use]
pub fn told(changes: &[Change]) -> Vec<Told<'_>> {
    let failures = changes.iter().filter_map(|change| match change {
        Change::UploadFailed(reason) => Some(Told::Failed(reason)),
        _ => None,
    });
    let mut all: Vec<_> = failures.collect();
    let deleted = changes.iter().find_map(|change| match change {
        Change::Delete => Some(ImageStatus::Deleted),
        Change::DeletePending => Some(ImageStatus::PendingDelete),
        _ => None,
    });
    if let Some(status) = deleted {
        all.push(Told::Deleted(status));
        return all;
    }
    let prepared = changes.iter().filter_map(|change| match change {
        Change::Journal(row) if matches!(row.purpose, Purpose::Upload | Purpose::Import) => {
            Some(Told::Prepared(row.store.as_ref()))
        }
        _ => None,
    });
    // A location that is entered before its write is cleared is new data's; others are put back, or a client's.
    let cleared = changes.iter().rposition(|change| matches!(change, Change::JournalClear(_))).unwrap_or(0);
    let uploads = changes[..cleared].iter().filter(|change| matches!(change, Change::AddLocation(_)));
    let uploads: Vec<_> = uploads.map(|_| Told::Uploaded).collect();
    let activated = !uploads.is_empty() && changes.contains(&Change::Status(ImageStatus::Active));
    let updated = changes.iter().any(shows);
    let prepared: Vec<_> = prepared.collect();
    if prepared.is_empty() {
        all.extend(uploads);
        all.extend(activated.then_some(Told::Activated));
        all.extend(updated.then_some(Told::Updated));
    } else {
        all.extend(updated.then_some(Told::Updated));
        all.extend(prepared);
    }
    all
}

/// Whether clients see a change: what Glance would have saved the image for.
fn shows(change: &Change) -> bool {
    match change {
        Change::Status(_)
        | Change::Base(_)
        | Change::Formats { .. }
        | Change::Sizes { .. }
        | Change::Hashes { .. }
        | Change::ClaimProperty(..)
        | Change::SetProperty(..)
        | Change::RemoveProperty(_)
        | Change::ListProperty { .. }
        | Change::Properties(_)
        | Change::Tags(_)
        | Change::AddTag(_)
        | Change::RemoveTag(_)
        | Change::AddLocation(_)
        | Change::RemoveLocation(_)
        | Change::Locations(_)
        | Change::Restore(_)
        | Change::Undelete(..) => true,
        Change::BlockHashes(_)
        | Change::Journal(_)
        | Change::JournalClear(_)
        | Change::Staged(_)
        | Change::ClaimObject(_)
        | Change::OpenSession(_)
        | Change::CloseSession(_)
        | Change::CompleteSession(..)
        | Change::Enqueue(_)
        | Change::CancelJobs(_)
        | Change::AddTask(_)
        | Change::Task(..)
        | Change::UploadFailed(_)
        | Change::Delete
        | Change::DeletePending
        | Change::PendingLocation { .. } => false,
    }
}

#[cfg(test)]
mod tests;
