// SPDX-License-Identifier: Apache-2.0
//! Changes of an image, made all together or not at all.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use scurry_jobs::NewJob;
use scurry_types::{BlockHashes, ImageStatus, JobId, ProjectId, StoreId, TaskStatus, Visibility};
use serde_json::Value;

use super::journal::WriteRow;
use super::uploads::{Hold, UploadSession};
use crate::image::ImageLocation;
use crate::task::Task;

/// What must hold for a change to happen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guard {
    /// The image is in one of these states; any state but deleted when empty.
    pub states: Vec<ImageStatus>,
    /// `os_glance_import_task` is this task.
    pub held_by: Option<JobId>,
    /// The image is held by no task.
    pub free: bool,
    /// The image is not protected.
    pub unprotected: bool,
    /// Nothing changed since that point in time (`updated_at` of the image as it was read).
    pub unchanged_since: Option<DateTime<Utc>>,
}

impl Guard {
    /// The image is in one of these states.
    #[must_use]
    pub fn states(states: &[ImageStatus]) -> Self {
        Self { states: states.to_vec(), ..Self::default() }
    }

    /// The image is held by that task too.
    #[must_use]
    pub fn held_by(mut self, task: &JobId) -> Self {
        self.held_by = Some(task.clone());
        self
    }
}

/// How a change ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// It is made.
    Done,
    /// The guard does not hold (or the image is gone): nothing changed.
    Refused,
    /// Something that must be new is there already: nothing changed.
    Taken,
}

/// The fields a PATCH may change, each as it shall be.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct BaseFields {
    pub name: Option<String>,
    pub visibility: Visibility,
    pub protected: bool,
    pub os_hidden: bool,
    pub owner: Option<ProjectId>,
    pub container_format: Option<String>,
    pub disk_format: Option<String>,
    pub min_disk: i64,
    pub min_ram: i64,
}

/// What happens to a task.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskChange {
    /// The task's new state; a task that ended stays as it is.
    pub status: TaskStatus,
    /// Its new message.
    pub message: String,
    /// Its result.
    pub result: Option<Value>,
    /// When the row may go.
    pub expires_at: Option<DateTime<Utc>>,
}

/// One step of a change.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Sets the state.
    Status(ImageStatus),
    /// Sets the fields a PATCH may change.
    Base(BaseFields),
    /// Sets what kind of image it is.
    Formats {
        /// Of the disk.
        disk: Option<String>,
        /// Of what is around it.
        container: Option<String>,
    },
    /// Sets the length in bytes and the virtual size.
    Sizes {
        /// Bytes of the image.
        size: Option<u64>,
        /// Bytes of the disk it describes.
        virtual_size: Option<u64>,
    },
    /// Sets checksum, hash algorithm and hash value.
    Hashes {
        /// MD5.
        checksum: Option<String>,
        /// Algorithm of the secure hash.
        os_hash_algo: Option<String>,
        /// The secure hash.
        os_hash_value: Option<String>,
    },
    /// Keeps the hashes of the image's blocks; `None` forgets them.
    BlockHashes(Option<BlockHashes>),
    /// Adds a property that must not be there: the way a task takes hold of an image.
    ClaimProperty(String, String),
    /// Sets a property.
    SetProperty(String, String),
    /// Removes a property.
    RemoveProperty(String),
    /// Adds a store to a property that lists stores, or takes it out; the others stay.
    ListProperty {
        /// The property.
        name: &'static str,
        /// The store.
        store: StoreId,
        /// Whether it shall be in the list.
        present: bool,
    },
    /// Makes these all of the image's client properties; those of the service stay.
    Properties(BTreeMap<String, String>),
    /// Makes these all of the image's tags.
    Tags(BTreeSet<String>),
    /// Adds one tag.
    AddTag(String),
    /// Removes one tag; [`Outcome::Refused`] when it is not there.
    RemoveTag(String),
    /// Adds a location.
    AddLocation(ImageLocation),
    /// Removes the location of that url.
    RemoveLocation(String),
    /// Makes these all of the image's locations.
    Locations(Vec<ImageLocation>),
    /// Notes that a store is about to be written.
    Journal(WriteRow),
    /// Forgets a write; [`Outcome::Refused`] when that was done before: another node took the object away.
    JournalClear(String),
    /// The image's bytes are in the staging directory of that node. Forgotten with the state.
    Staged(String),
    /// Makes sure that an object is no other image's, until the change is made; else [`Outcome::Taken`].
    ClaimObject(String),
    /// Opens an upload that may come in several requests; an earlier one of the image is forgotten.
    OpenSession(UploadSession),
    /// Forgets the image's; with a hold [`Outcome::Refused`] when that does not hold it any more.
    CloseSession(Option<Hold>),
    /// All its bytes came, so many; [`Outcome::Refused`] when the hold does not hold it any more.
    CompleteSession(Hold, u64),
    /// Enqueues a job.
    Enqueue(NewJob),
    /// Takes back every open job of the image of that kind.
    CancelJobs(&'static str),
    /// Adds a task.
    AddTask(Task),
    /// Changes a task.
    Task(JobId, TaskChange),
    /// Says why the image's data was not kept: others are told, nothing changes.
    UploadFailed(String),
    /// Marks the image and all that belongs to it as deleted.
    Delete,
    /// Marks the image and all that belongs to it as deleted, its objects to be removed by the scrubber.
    DeletePending,
    /// Takes that back: the image is in that state again, with all that belonged to it.
    Restore(ImageStatus),
    /// Hands an object of an image that waits for the scrubber over to be removed, or makes it wait again.
    PendingLocation {
        /// The object.
        url: String,
        /// Whether it waits again.
        waits: bool,
    },
    /// Takes a deletion back: the image is in that state again, with its properties, tags and members, and
    /// with these locations.
    Undelete(ImageStatus, Vec<ImageLocation>),
}
