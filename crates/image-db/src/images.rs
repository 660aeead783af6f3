// SPDX-License-Identifier: Apache-2.0
//! The image crate's port on top of the tables.

mod cache;
mod change;
mod children;
mod delete;
mod journal;
pub(crate) mod list;
mod members;
mod pending;
mod read;
mod tasks;
mod uploads;
mod usage;
mod whole;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use scurry_image::ports::{
    Change, Counted, Guard, ImageRepository, Outcome, RepositoryError, TaskChange, Viewer, WriteRow,
};
use scurry_image::{Image, ImageLocation, ListQuery, Member, Task, TaskQuery};
use scurry_jobs::NewJob;
use scurry_types::{BlockHashes, ImageId, ImageStatus, JobId, MemberStatus, ProjectId};
use sea_orm::DbErr;

use crate::connection::Database;

/// Why a row cannot be used, or the database not be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RowError {
    #[error(transparent)]
    Database(#[from] DbErr),
    #[error("column {column} of a row of {table} holds {value:?}")]
    Content { table: &'static str, column: &'static str, value: String },
}

pub(crate) fn failed<E: Into<RowError>>(action: &'static str) -> impl FnOnce(E) -> RepositoryError {
    move |error| RepositoryError { action, source: Box::new(error.into()) }
}

#[async_trait]
impl ImageRepository for Database {
    async fn create(&self, image: &Image) -> Result<Outcome, RepositoryError> {
        change::create(self, image).await.map_err(failed("create an image"))
    }

    async fn get(&self, id: &ImageId) -> Result<Option<Image>, RepositoryError> {
        read::image(&self.readers, id).await.map_err(failed("read an image"))
    }

    async fn status(&self, id: &ImageId) -> Result<Option<ImageStatus>, RepositoryError> {
        read::status(&self.connection, id).await.map_err(failed("read an image's status"))
    }

    async fn list(
        &self,
        viewer: Viewer<'_>,
        query: &ListQuery,
    ) -> Result<Option<Vec<Image>>, RepositoryError> {
        list::images(self, viewer, query).await.map_err(failed("list images"))
    }

    async fn ids_in(&self, states: &[ImageStatus]) -> Result<Vec<ImageId>, RepositoryError> {
        read::ids_in(&self.connection, states).await.map_err(failed("list images by status"))
    }

    async fn ids_held(&self) -> Result<Vec<ImageId>, RepositoryError> {
        read::ids_held(&self.connection).await.map_err(failed("list images that tasks hold"))
    }

    async fn change(
        &self,
        id: &ImageId,
        guard: &Guard,
        changes: &[Change],
    ) -> Result<Outcome, RepositoryError> {
        change::change(self, id, guard, changes).await.map_err(failed("change an image"))
    }

    async fn usage(&self, project: &ProjectId, what: Counted) -> Result<u64, RepositoryError> {
        usage::of(&self.connection, project, what).await.map_err(failed("sum up a project's images"))
    }

    async fn stored_bytes_beside(
        &self,
        project: &ProjectId,
        image: &ImageId,
    ) -> Result<u64, RepositoryError> {
        usage::stored_beside(&self.connection, project, image)
            .await
            .map_err(failed("sum up a project's images"))
    }

    async fn block_hashes(&self, id: &ImageId) -> Result<Option<BlockHashes>, RepositoryError> {
        read::block_hashes(&self.connection, id).await.map_err(failed("read block hashes"))
    }

    async fn add_member(&self, member: &Member) -> Result<Outcome, RepositoryError> {
        members::add(self, member).await.map_err(failed("add a member"))
    }

    async fn members(&self, id: &ImageId) -> Result<Vec<Member>, RepositoryError> {
        members::all(&self.connection, id).await.map_err(failed("read members"))
    }

    async fn membership(&self, id: &ImageId, member: &str) -> Result<Option<Member>, RepositoryError> {
        members::one(&self.connection, id, member).await.map_err(failed("read a member"))
    }

    async fn set_member_status(
        &self,
        id: &ImageId,
        member: &str,
        status: MemberStatus,
    ) -> Result<bool, RepositoryError> {
        members::set_status(self, id, member, status).await.map_err(failed("change a member"))
    }

    async fn remove_member(&self, id: &ImageId, member: &str) -> Result<bool, RepositoryError> {
        members::remove(self, id, member).await.map_err(failed("remove a member"))
    }

    async fn journal_write(&self, row: &WriteRow) -> Result<(), RepositoryError> {
        journal::add_alone(self, row).await.map_err(failed("note a write"))
    }

    async fn journal_url(&self, id: &str, url: &str) -> Result<(), RepositoryError> {
        journal::set_url(self, id, url).await.map_err(failed("note a write"))
    }

    async fn journal_clear(&self, id: &str) -> Result<(), RepositoryError> {
        journal::clear_alone(self, id).await.map_err(failed("clear a write"))
    }

    async fn journal(
        &self,
        image: Option<&ImageId>,
        node: Option<&str>,
    ) -> Result<Vec<WriteRow>, RepositoryError> {
        journal::rows(&self.connection, image, node).await.map_err(failed("read the journal of writes"))
    }

    async fn task(&self, id: &JobId) -> Result<Option<Task>, RepositoryError> {
        tasks::one(&self.connection, id).await.map_err(failed("read a task"))
    }

    async fn tasks(
        &self,
        owner: Option<&ProjectId>,
        query: &TaskQuery,
    ) -> Result<Option<Vec<Task>>, RepositoryError> {
        tasks::page(&self.connection, owner, query).await.map_err(failed("list tasks"))
    }

    async fn tasks_of(&self, id: &ImageId) -> Result<Vec<Task>, RepositoryError> {
        tasks::of_image(&self.connection, id).await.map_err(failed("list an image's tasks"))
    }

    async fn add_task(&self, task: &Task, job: Option<&NewJob>) -> Result<(), RepositoryError> {
        tasks::add_alone(self, task, job).await.map_err(failed("add a task"))
    }

    async fn change_task(&self, id: &JobId, change: &TaskChange) -> Result<(), RepositoryError> {
        tasks::change_alone(self, id, change).await.map_err(failed("change a task"))
    }

    async fn node_heartbeat(&self, node: &str) -> Result<(), RepositoryError> {
        journal::node_heartbeat(self, node).await.map_err(failed("note a node"))
    }

    async fn is_anothers(&self, url: &str, own: &ImageId) -> Result<bool, RepositoryError> {
        pending::is_anothers(&self.connection, url, own).await.map_err(failed("look for a location"))
    }

    async fn pending_deletes(&self, until: DateTime<Utc>) -> Result<Vec<ImageId>, RepositoryError> {
        pending::ids(&self.connection, until).await.map_err(failed("list images to be scrubbed"))
    }

    async fn pending_locations(&self, id: &ImageId) -> Result<Vec<ImageLocation>, RepositoryError> {
        pending::locations(&self.connection, id)
            .await
            .map_err(failed("read the locations of a deleted image"))
    }

    async fn deleted_property(&self, id: &ImageId, name: &str) -> Result<Option<String>, RepositoryError> {
        children::deleted_property(&self.connection, id, name)
            .await
            .map_err(failed("read a property of a deleted image"))
    }

    async fn expire_tasks(&self, now: DateTime<Utc>) -> Result<u64, RepositoryError> {
        tasks::expire(self, now).await.map_err(failed("remove expired tasks"))
    }
}
