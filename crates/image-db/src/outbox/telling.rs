// SPDX-License-Identifier: Apache-2.0
//! What a change of an image or a task tells, kept in the change's own transaction.

use scurry_image::notice::{Told, image_event, kind_of_state, task_event, told};
use scurry_image::ports::Change;
use scurry_image::{Image, Task};
use scurry_types::{ImageId, JobId, TaskStatus};
use sea_orm::ConnectionTrait;

use super::Events;
use crate::connection::Database;
use crate::images::{RowError, read, tasks};

/// A change under way that somebody listens to.
#[derive(Debug)]
pub(crate) struct Telling<'a> {
    events: &'a Events,
    told: Vec<Told<'a>>,
    /// The image before it is deleted.
    before: Option<Image>,
    /// Tasks that are changed, as they were.
    tasks: Vec<Task>,
}

impl<'a> Telling<'a> {
    /// To be called before the changes are made; `None` when nobody listens.
    pub(crate) async fn begin<C: ConnectionTrait>(
        database: &'a Database,
        db: &C,
        id: &ImageId,
        changes: &'a [Change],
    ) -> Result<Option<Self>, RowError> {
        let Some(events) = database.events.as_deref() else { return Ok(None) };
        let told = told(changes);
        let before = if told.iter().any(|one| matches!(one, Told::Deleted(_))) {
            read::image_within(db, id).await?
        } else {
            None
        };
        let mut old = Vec::new();
        for change in changes {
            if let Change::Task(task, _) = change {
                old.extend(tasks::one(db, task).await?);
            }
        }
        Ok(Some(Self { events, told, before, tasks: old }))
    }

    /// To be called after the changes were made, in the same transaction.
    pub(crate) async fn end<C: ConnectionTrait>(
        self,
        db: &C,
        id: &ImageId,
        changes: &[Change],
    ) -> Result<(), RowError> {
        for change in changes {
            if let Change::AddTask(task) = change {
                task_added(self.events, db, task).await?;
            }
        }
        if !self.told.is_empty() {
            let image = if self.before.is_some() { self.before } else { read::image_within(db, id).await? };
            // An image that waits for the scrubber is nobody's any more.
            if let Some(image) = image {
                for told in self.told {
                    self.events.keep(db, &image_event(told, &image)).await?;
                }
            }
        }
        for old in &self.tasks {
            task_changed(self.events, db, &old.id, old.status).await?;
        }
        Ok(())
    }
}

/// Tells of a new task. One that is to be worked on is running as far as Glance's clients know.
pub(crate) async fn task_added<C: ConnectionTrait>(
    events: &Events,
    db: &C,
    task: &Task,
) -> Result<(), RowError> {
    events.keep(db, &task_event("task.create", task)).await?;
    let next = kind_of_state(task.status).unwrap_or("task.run");
    events.keep(db, &task_event(next, task)).await
}

/// Tells of a task that has come into another state.
pub(crate) async fn task_changed<C: ConnectionTrait>(
    events: &Events,
    db: &C,
    id: &JobId,
    before: TaskStatus,
) -> Result<(), RowError> {
    let Some(task) = tasks::one(db, id).await?.filter(|task| task.status != before) else { return Ok(()) };
    match kind_of_state(task.status) {
        Some(kind) => events.keep(db, &task_event(kind, &task)).await,
        None => Ok(()),
    }
}
