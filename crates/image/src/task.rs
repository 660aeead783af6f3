// SPDX-License-Identifier: Apache-2.0
//! Tasks: how clients watch what goes on after an import was accepted.

use chrono::{DateTime, Utc};
use scurry_types::{ImageId, JobId, ProjectId, TaskStatus, UserId};
use serde_json::Value;

use crate::query::Direction;

/// A row of `/v2/tasks` or `/v2/images/{id}/tasks`.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Also the id of the job that does the work.
    pub id: JobId,
    /// `api_image_import` or `location_import`.
    pub kind: String,
    /// How far it is.
    pub status: TaskStatus,
    /// Project that asked.
    pub owner: Option<ProjectId>,
    /// The image worked on.
    pub image_id: Option<ImageId>,
    /// Request that asked.
    pub request_id: Option<String>,
    /// User that asked.
    pub user_id: Option<UserId>,
    /// What was asked, as JSON.
    pub input: Option<Value>,
    /// What came of it, as JSON.
    pub result: Option<Value>,
    /// The state in words; the real reason when it failed.
    pub message: String,
    /// When the row may go.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was asked.
    pub created_at: DateTime<Utc>,
    /// When something changed last.
    pub updated_at: DateTime<Utc>,
}

/// What the task list is ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum TaskSortKey {
    Id,
    Kind,
    Status,
    CreatedAt,
    UpdatedAt,
    ExpiresAt,
}

/// Query of `/v2/tasks`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskQuery {
    /// Only tasks in that state.
    pub status: Option<TaskStatus>,
    /// Only tasks of that type.
    pub kind: Option<String>,
    /// Order; ties are broken by creation and id.
    pub sort: (TaskSortKey, Direction),
    /// Last task of the page before.
    pub marker: Option<JobId>,
    /// Longest page.
    pub limit: u32,
}
