// SPDX-License-Identifier: Apache-2.0
//! Showing tasks.

use std::time::Duration;

use chrono::Utc;
use scurry_types::{ImageId, JobId};

use super::core::Core;
use super::{Answer, ImageService};
use crate::caller::Caller;
use crate::error::ImageError;
use crate::task::{Task, TaskQuery};

fn no_task(id: &JobId) -> ImageError {
    ImageError::NotFound(format!("No task found with ID {id}"))
}

/// Pause between two looks for tasks whose time has run out.
const EXPIRY: Duration = Duration::from_secs(600);

impl ImageService {
    /// Removes tasks whose time has run out, now and then.
    pub(super) fn expire_tasks_in_background(&self) {
        let core = std::sync::Arc::clone(&self.core);
        self.tracker.spawn(async move {
            loop {
                if let Err(error) = core.expire_tasks().await {
                    tracing::warn!(error = error.reason(), "expired tasks cannot be removed now");
                }
                tokio::select! {
                    () = tokio::time::sleep(EXPIRY) => {}
                    () = core.stopping.cancelled() => return,
                }
            }
        });
    }

    /// Tasks of an image, newest first; its owner's and administrators' business.
    pub async fn tasks_of(&self, caller: &Caller, id: &ImageId) -> Answer<Vec<Task>> {
        let image = self.core.visible(caller, id).await?;
        let mut tasks = self.core.images.tasks_of(id).await?;
        tasks.retain(|task| caller.owns(&image) || sees(caller, task));
        Ok(tasks)
    }

    /// A task.
    pub async fn task(&self, caller: &Caller, id: &JobId) -> Answer<Task> {
        let task = self.core.images.task(id).await?.ok_or_else(|| no_task(id))?;
        if sees(caller, &task) { Ok(task) } else { Err(no_task(id)) }
    }

    /// A page of tasks: all of them for administrators, else the project's own.
    pub async fn tasks(&self, caller: &Caller, query: &TaskQuery) -> Answer<Vec<Task>> {
        let owner = match (&caller.project, caller.is_admin) {
            (_, true) => None,
            (Some(project), false) => Some(project),
            (None, false) => return Ok(Vec::new()),
        };
        self.core.expire_tasks().await?;
        let page = self.core.images.tasks(owner, query).await?;
        page.ok_or_else(|| {
            let marker = query.marker.as_ref().map(ToString::to_string).unwrap_or_default();
            ImageError::Invalid(format!("No task found with ID {marker}"))
        })
    }
}

impl Core {
    async fn expire_tasks(&self) -> Answer<()> {
        if self.leads().await? {
            self.images.expire_tasks(Utc::now()).await?;
        }
        Ok(())
    }
}

fn sees(caller: &Caller, task: &Task) -> bool {
    caller.is_admin || (caller.project.is_some() && caller.project == task.owner)
}
