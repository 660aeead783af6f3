// SPDX-License-Identifier: Apache-2.0
//! The jobs: what goes on after a request was accepted.

mod clear;
mod copy;
mod copy_begin;
mod copy_clone;
mod copy_kept;
mod copy_step;
mod delete;
mod hash;
mod import;
mod origin;
mod owner;
mod plugins;
mod staged;
mod task_image;

use std::collections::BTreeMap;

use chrono::{SubsecRound, Utc};
use scurry_jobs::{Job, JobState, NewJob};
use scurry_types::{ImageId, JobId, ProjectId, StoreId, TaskStatus};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(super) use self::clear::ClearJob;
pub(super) use self::copy::CopyJob;
pub(super) use self::copy_kept::Kept;
pub(super) use self::delete::{DeleteJob, DeletePayload, Doomed};
pub(super) use self::hash::HashJob;
pub(super) use self::import::ImportJob;
pub(super) use self::origin::{Remote, Source};
pub(super) use self::owner::{OwnerJob, owner_job};
pub(super) use self::task_image::TaskImage;
use super::Answer;
use super::core::Core;
use crate::image::{Image, reserved};
use crate::ports::{Change, Guard, Outcome, TaskChange};

pub(super) const COPY: &str = "image.copy";
pub(super) const IMPORT: &str = "image.import";
pub(super) const DELETE: &str = "image.delete";
pub(super) const HASH: &str = "image.hash";
pub(super) const CLEAR: &str = "image.clear";
pub(super) const OWNER: &str = "image.owner";

/// What an import or copy is to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ImportPayload {
    /// Where the bytes come from.
    #[serde(default)]
    pub(super) source: Source,
    /// Stores to write.
    pub(super) stores: Vec<StoreId>,
    /// One failing store undoes the rest.
    pub(super) must_succeed: bool,
    /// The image a task of the old kind makes; it is deleted again when the import fails.
    #[serde(default)]
    pub(super) makes: Option<Box<TaskImage>>,
    /// Whose limits count.
    pub(super) project: Option<ProjectId>,
    /// Properties the operator puts on the image.
    #[serde(default)]
    pub(super) inject: BTreeMap<String, String>,
}

impl ImportPayload {
    pub(super) fn to_json(&self) -> Value {
        json!(self)
    }
}

/// Whether jobs of that kind go on with an image after a crash, clearing up what they left themselves.
pub(super) fn resumes(kind: &str) -> bool {
    matches!(kind, COPY | IMPORT | HASH)
}

/// The row of a job that this node has leased when it enqueued it.
pub(super) fn claimed(job: NewJob) -> Job {
    let now = Utc::now();
    Job {
        id: job.id,
        kind: job.kind,
        image_id: job.image_id,
        state: JobState::Running,
        payload: job.payload,
        checkpoint: Value::Null,
        attempts: 1,
        last_error: None,
        lease_owner: job.claimed.as_ref().map(|(owner, _)| owner.clone()),
        lease_expires_at: job.claimed.map(|(_, until)| until),
        created_at: now,
        updated_at: now,
    }
}

/// A store that did not get the image, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Loss {
    pub(super) store: StoreId,
    pub(super) reason: String,
    /// Whether another attempt may help.
    pub(super) later: bool,
}

/// The losses in one sentence, for a task's message.
pub(super) fn sentence(losses: &[Loss]) -> String {
    let parts: Vec<_> = losses.iter().map(|loss| format!("{}: {}", loss.store, loss.reason)).collect();
    parts.join("; ")
}

impl Core {
    /// A task's new state, and when its row may go if it ended.
    pub(super) fn task_state(&self, status: TaskStatus, message: String) -> TaskChange {
        let ended = matches!(status, TaskStatus::Success | TaskStatus::Failure);
        let kept = chrono::TimeDelta::from_std(self.settings.task_time_to_live).ok();
        let expires_at =
            kept.filter(|_| ended).and_then(|kept| Utc::now().trunc_subsecs(6).checked_add_signed(kept));
        TaskChange { status, message, result: None, expires_at }
    }

    /// Steps that let go of an image and say how its import went.
    pub(super) fn release(
        &self,
        task: &JobId,
        image: &ImageId,
        status: TaskStatus,
        message: String,
        lost: &[Loss],
    ) -> Vec<Change> {
        let failed: Vec<&str> = lost.iter().map(|loss| loss.store.as_str()).collect();
        let mut state = self.task_state(status, message);
        state.result = (status == TaskStatus::Success).then(|| json!({"image_id": image}));
        let told = lost.iter().map(|loss| Change::UploadFailed(format!("{}: {}", loss.store, loss.reason)));
        let mut changes: Vec<_> = told.collect();
        changes.extend([
            Change::SetProperty(reserved::IMPORTING_TO.to_owned(), String::new()),
            Change::SetProperty(reserved::FAILED_IMPORT.to_owned(), failed.join(",")),
            Change::RemoveProperty(reserved::IMPORT_TASK.to_owned()),
            Change::Task(task.clone(), state),
        ]);
        changes
    }

    /// The image a job works on, if the job still holds it.
    pub(super) async fn held(&self, id: &ImageId, task: &JobId) -> Answer<Option<Image>> {
        let image = self.images.get(id).await?;
        Ok(image.filter(|image| image.held_by() == Some(task.as_str())))
    }

    /// Ends a task whose image was taken from under it.
    pub(super) async fn task_lost(&self, task: &JobId) -> Answer<()> {
        let text = "The image was deleted, or another task took it over".to_owned();
        Ok(self.images.change_task(task, &self.task_state(TaskStatus::Failure, text)).await?)
    }

    pub(super) async fn change_held(
        &self,
        image: &ImageId,
        guard: Guard,
        task: &JobId,
        changes: &[Change],
    ) -> Answer<Outcome> {
        Ok(self.images.change(image, &guard.held_by(task), changes).await?)
    }
}
