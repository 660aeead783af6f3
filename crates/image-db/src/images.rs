// SPDX-License-Identifier: Apache-2.0
//! The image crate's port on top of the tables.

mod cache;
mod change;
mod children;
mod delete;
mod journal;
pub(crate) mod list;
mod members;
mod nodes;
mod pending;
mod placing;
pub(crate) mod read;
pub(crate) mod tasks;
mod uploads;
mod usage;
pub(crate) mod whole;

use std::error::Error;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use scurry_image::notice::Event;
use scurry_image::ports::{
    Change, Counted, Guard, ImageRepository, NodeSeen, Outcome, RepositoryError, TaskChange, Unstorable,
    Viewer, WriteRow,
};
use scurry_image::{Image, ImageLocation, ListQuery, Member, Task, TaskQuery};
use scurry_jobs::NewJob;
use scurry_types::{BlockHashes, ImageId, ImageStatus, JobId, MemberStatus, ProjectId};
use sea_orm::{DbErr, RuntimeErr};

use crate::connection::Database;
use crate::retry::again;

/// Why a row cannot be used, or the database not be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RowError {
    #[error(transparent)]
    Database(#[from] DbErr),
    #[error("column {column} of a row of {table} holds {value:?}")]
    Content { table: &'static str, column: &'static str, value: String },
}

fn refusal(error: &DbErr) -> Option<&dyn sqlx::error::DatabaseError> {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => {
            error.as_database_error()
        }
        _ => None,
    }
}

fn mysql_number(error: &DbErr) -> Option<u16> {
    Some(refusal(error)?.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>()?.number())
}

/// Whether MySQL refused to compare a text with a column: "illegal mix of collations".
fn is_incomparable(error: &DbErr) -> bool {
    mysql_number(error).is_some_and(|number| [1267, 1270, 1271].contains(&number))
}

/// What the database says to a text it has no place for.
fn is_unstorable(error: &DbErr) -> bool {
    match mysql_number(error) {
        // Incorrect string value, data too long, a sign the character set lacks.
        Some(number) => [1366, 1406, 3854].contains(&number) || is_incomparable(error),
        // Untranslatable character, not in the encoding, too long.
        None => refusal(error)
            .and_then(|error| error.code())
            .is_some_and(|code| ["22P05", "22021", "22001"].contains(&code.as_ref())),
    }
}

pub(crate) fn failed<E: Into<RowError>>(action: &'static str) -> impl FnOnce(E) -> RepositoryError {
    move |error| {
        let error: RowError = error.into();
        let unstorable = matches!(&error, RowError::Database(error) if is_unstorable(error));
        let source: Box<dyn Error + Send + Sync> =
            if unstorable { Box::new(Unstorable) } else { Box::new(error) };
        RepositoryError { action, source }
    }
}

#[async_trait]
impl ImageRepository for Database {
    async fn create(&self, image: &Image) -> Result<Outcome, RepositoryError> {
        again!(change::create(self, image)).map_err(failed("create an image"))
    }

    async fn get(&self, id: &ImageId) -> Result<Option<Image>, RepositoryError> {
        again!(read::image(self, id)).map_err(failed("read an image"))
    }

    async fn status(&self, id: &ImageId) -> Result<Option<ImageStatus>, RepositoryError> {
        again!(read::status(&self.connection, id)).map_err(failed("read an image's status"))
    }

    async fn list(
        &self,
        viewer: Viewer<'_>,
        query: &ListQuery,
    ) -> Result<Option<Vec<Image>>, RepositoryError> {
        again!(list::images(self, viewer, query)).map_err(failed("list images"))
    }

    async fn ids_in(&self, states: &[ImageStatus]) -> Result<Vec<ImageId>, RepositoryError> {
        again!(read::ids_in(&self.connection, states)).map_err(failed("list images by status"))
    }

    async fn ids_held(&self) -> Result<Vec<ImageId>, RepositoryError> {
        again!(read::ids_held(&self.connection)).map_err(failed("list images that tasks hold"))
    }

    async fn change(
        &self,
        id: &ImageId,
        guard: &Guard,
        changes: &[Change],
    ) -> Result<Outcome, RepositoryError> {
        again!(change::change(self, id, guard, changes)).map_err(failed("change an image"))
    }

    async fn usage(&self, project: &ProjectId, what: Counted) -> Result<u64, RepositoryError> {
        again!(usage::of(&self.connection, project, what)).map_err(failed("sum up a project's images"))
    }

    async fn stored_bytes_beside(
        &self,
        project: &ProjectId,
        image: &ImageId,
    ) -> Result<u64, RepositoryError> {
        again!(usage::stored_beside(&self.connection, project, image))
            .map_err(failed("sum up a project's images"))
    }

    async fn block_hashes(&self, id: &ImageId) -> Result<Option<BlockHashes>, RepositoryError> {
        again!(read::block_hashes(&self.connection, id)).map_err(failed("read block hashes"))
    }

    async fn add_member(&self, member: &Member) -> Result<Outcome, RepositoryError> {
        again!(members::add(self, member)).map_err(failed("add a member"))
    }

    async fn members(&self, id: &ImageId) -> Result<Vec<Member>, RepositoryError> {
        again!(members::all(&self.connection, id)).map_err(failed("read members"))
    }

    async fn membership(&self, id: &ImageId, member: &str) -> Result<Option<Member>, RepositoryError> {
        again!(members::one(&self.connection, id, member)).map_err(failed("read a member"))
    }

    async fn set_member_status(
        &self,
        id: &ImageId,
        member: &str,
        status: MemberStatus,
    ) -> Result<bool, RepositoryError> {
        again!(members::set_status(self, id, member, status)).map_err(failed("change a member"))
    }

    async fn remove_member(&self, id: &ImageId, member: &str) -> Result<bool, RepositoryError> {
        again!(members::remove(self, id, member)).map_err(failed("remove a member"))
    }

    async fn journal_write(&self, row: &WriteRow) -> Result<(), RepositoryError> {
        again!(journal::add_alone(self, row)).map_err(failed("note a write"))
    }

    async fn journal_url(&self, id: &str, url: &str) -> Result<bool, RepositoryError> {
        again!(journal::set_url(self, id, url)).map_err(failed("note a write"))
    }

    async fn journal_clear(&self, id: &str) -> Result<(), RepositoryError> {
        again!(journal::clear_alone(self, id)).map_err(failed("clear a write"))
    }

    async fn journal(
        &self,
        image: Option<&ImageId>,
        node: Option<&str>,
    ) -> Result<Vec<WriteRow>, RepositoryError> {
        again!(journal::rows(&self.connection, image, node)).map_err(failed("read the journal of writes"))
    }

    async fn task(&self, id: &JobId) -> Result<Option<Task>, RepositoryError> {
        again!(tasks::one(&self.connection, id)).map_err(failed("read a task"))
    }

    async fn tasks(
        &self,
        owner: Option<&ProjectId>,
        query: &TaskQuery,
    ) -> Result<Option<Vec<Task>>, RepositoryError> {
        again!(tasks::page(&self.connection, owner, query)).map_err(failed("list tasks"))
    }

    async fn tasks_of(&self, id: &ImageId) -> Result<Vec<Task>, RepositoryError> {
        again!(tasks::of_image(&self.connection, id)).map_err(failed("list an image's tasks"))
    }

    async fn add_task(&self, task: &Task, job: Option<&NewJob>) -> Result<(), RepositoryError> {
        again!(tasks::add_alone(self, task, job)).map_err(failed("add a task"))
    }

    async fn change_task(&self, id: &JobId, change: &TaskChange) -> Result<(), RepositoryError> {
        again!(tasks::change_alone(self, id, change)).map_err(failed("change a task"))
    }

    async fn node_heartbeat(&self, node: &str) -> Result<(), RepositoryError> {
        again!(nodes::heartbeat(self, node)).map_err(failed("note a node"))
    }

    async fn nodes(&self) -> Result<Vec<NodeSeen>, RepositoryError> {
        again!(nodes::all(self)).map_err(failed("list nodes"))
    }

    async fn forget_node(&self, node: &str, silent_for: Duration) -> Result<bool, RepositoryError> {
        let since = self.clock.now() - TimeDelta::from_std(silent_for).unwrap_or(TimeDelta::MAX);
        again!(nodes::forget(self, node, since.into())).map_err(failed("forget a node"))
    }

    async fn staged_on(&self, id: &ImageId) -> Result<Option<String>, RepositoryError> {
        again!(nodes::staged_on(&self.connection, id)).map_err(failed("see where an image is staged"))
    }

    async fn is_anothers(&self, url: &str, own: &ImageId) -> Result<bool, RepositoryError> {
        again!(pending::is_anothers(&self.connection, url, own)).map_err(failed("look for a location"))
    }

    async fn pending_deletes(&self, until: DateTime<Utc>) -> Result<Vec<ImageId>, RepositoryError> {
        again!(pending::ids(&self.connection, until)).map_err(failed("list images to be scrubbed"))
    }

    async fn pending_locations(&self, id: &ImageId) -> Result<Vec<ImageLocation>, RepositoryError> {
        again!(pending::locations(&self.connection, id))
            .map_err(failed("read the locations of a deleted image"))
    }

    async fn deleted_property(&self, id: &ImageId, name: &str) -> Result<Option<String>, RepositoryError> {
        again!(children::deleted_property(&self.connection, id, name))
            .map_err(failed("read a property of a deleted image"))
    }

    fn tells(&self, kind: &str) -> bool {
        self.events.as_deref().is_some_and(|events| events.tells(kind))
    }

    async fn tell(&self, event: &Event) -> Result<(), RepositoryError> {
        again!(self.tell_alone(event)).map_err(failed("keep a notification"))
    }

    async fn expire_tasks(&self, now: DateTime<Utc>) -> Result<u64, RepositoryError> {
        again!(tasks::expire(self, now)).map_err(failed("remove expired tasks"))
    }
}
