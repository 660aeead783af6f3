// SPDX-License-Identifier: Apache-2.0
//! What the use cases need of the outside: the database and the project limits.

mod cache;
mod change;
mod journal;
mod metadef;
mod outbound;
mod placing;
mod uploads;

use std::error::Error;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use scurry_jobs::NewJob;
use scurry_types::{BlockHashes, ImageId, ImageStatus, JobId, MemberStatus, ProjectId};

pub use cache::{CacheRecords, CachedImage, Hits};
pub use change::{BaseFields, Change, Guard, Outcome, TaskChange};
pub use journal::{Purpose, WriteRow};
pub use metadef::{Existing, Loaded, MetadefOutcome, MetadefRepository};
pub use outbound::{Outbound, OutboundBody, OutboundError, OutboundRequest, OutboundResume};
pub use placing::{Placed, PlacingRecords, Unplaced};
pub use uploads::{Claim, Hold, Holder, Renewal, UploadSession, UploadSessions};

use crate::image::{Image, ImageLocation};
use crate::member::Member;
use crate::notice::Event;
use crate::query::{ListQuery, MemberStatusFilter};
use crate::task::{Task, TaskQuery};

/// The database cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} in the database")]
pub struct RepositoryError {
    /// What was tried: "read an image", "list tasks", …
    pub action: &'static str,
    /// Why it failed.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

/// What a [`RepositoryError`] has for its source when a text holds what the database has no place for: a NUL in
/// PostgreSQL, more than the column holds.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("a text holds characters that cannot be stored, or too many")]
pub struct Unstorable;

/// Whose eyes a query looks through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Viewer<'a> {
    /// Sees everything.
    Admin {
        /// The administrator's own project: whose memberships `visibility=shared` means.
        project: Option<&'a ProjectId>,
    },
    /// Sees what its project may see.
    Project(Option<&'a ProjectId>),
}

/// What a project holds, for the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Bytes of all copies: size times live locations.
    StoredBytes,
    /// Bytes staged or being copied.
    StagedBytes,
    /// Images.
    Images,
    /// Images whose data is on its way.
    Uploading,
}

/// A process of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSeen {
    /// Its name.
    pub name: String,
    /// How long it was not heard of, by the database's clock.
    pub silent_for: Duration,
}

/// Images and what belongs to them. Every method is one transaction.
#[async_trait]
pub trait ImageRepository:
    CacheRecords + PlacingRecords + UploadSessions + fmt::Debug + Send + Sync + 'static
{
    /// Adds an image; [`Outcome::Taken`] when its id was ever used.
    async fn create(&self, image: &Image) -> Result<Outcome, RepositoryError>;

    /// An image that is not deleted, whoever may see it.
    async fn get(&self, id: &ImageId) -> Result<Option<Image>, RepositoryError>;

    /// The state of an image, deleted ones included.
    async fn status(&self, id: &ImageId) -> Result<Option<ImageStatus>, RepositoryError>;

    /// A page of images; `Ok(None)` when the marker is unknown to the viewer.
    async fn list(
        &self,
        viewer: Viewer<'_>,
        query: &ListQuery,
    ) -> Result<Option<Vec<Image>>, RepositoryError>;

    /// Ids of all images in these states.
    async fn ids_in(&self, states: &[ImageStatus]) -> Result<Vec<ImageId>, RepositoryError>;

    /// Ids of all images that a task holds.
    async fn ids_held(&self) -> Result<Vec<ImageId>, RepositoryError>;

    /// Changes an image: all of it when the guard holds, else nothing.
    async fn change(
        &self,
        id: &ImageId,
        guard: &Guard,
        changes: &[Change],
    ) -> Result<Outcome, RepositoryError>;

    /// What a project holds.
    async fn usage(&self, project: &ProjectId, what: Counted) -> Result<u64, RepositoryError>;

    /// Bytes of all copies of a project's images, one image left out.
    async fn stored_bytes_beside(&self, project: &ProjectId, image: &ImageId)
    -> Result<u64, RepositoryError>;

    /// Hashes of an image's blocks, when they are known.
    async fn block_hashes(&self, id: &ImageId) -> Result<Option<BlockHashes>, RepositoryError>;

    /// Adds a member; [`Outcome::Taken`] when the project is one already.
    async fn add_member(&self, member: &Member) -> Result<Outcome, RepositoryError>;

    /// Members of an image, oldest first.
    async fn members(&self, id: &ImageId) -> Result<Vec<Member>, RepositoryError>;

    /// What a project made of an image shared with it; `None` when it is no member.
    async fn membership(&self, id: &ImageId, member: &str) -> Result<Option<Member>, RepositoryError>;

    /// Changes a member's answer; `false` when there is no such member.
    async fn set_member_status(
        &self,
        id: &ImageId,
        member: &str,
        status: MemberStatus,
    ) -> Result<bool, RepositoryError>;

    /// Removes a member; `false` when there is none.
    async fn remove_member(&self, id: &ImageId, member: &str) -> Result<bool, RepositoryError>;

    /// Notes that a store is about to be written.
    async fn journal_write(&self, row: &WriteRow) -> Result<(), RepositoryError>;

    /// Notes the url of an object that is being written; `false` when another node has cleared the write.
    async fn journal_url(&self, id: &str, url: &str) -> Result<bool, RepositoryError>;

    /// Forgets a write: its object is in the image's locations, or gone.
    async fn journal_clear(&self, id: &str) -> Result<(), RepositoryError>;

    /// Writes that have not ended: of one image, or all of a node.
    async fn journal(
        &self,
        image: Option<&ImageId>,
        node: Option<&str>,
    ) -> Result<Vec<WriteRow>, RepositoryError>;

    /// A task.
    async fn task(&self, id: &JobId) -> Result<Option<Task>, RepositoryError>;

    /// A page of tasks of a project (`None`: of everybody); `Ok(None)` when the marker is unknown.
    async fn tasks(
        &self,
        owner: Option<&ProjectId>,
        query: &TaskQuery,
    ) -> Result<Option<Vec<Task>>, RepositoryError>;

    /// Tasks of an image, newest first.
    async fn tasks_of(&self, id: &ImageId) -> Result<Vec<Task>, RepositoryError>;

    /// Adds a task whose image is not there yet, and its job if there is anything to do.
    async fn add_task(&self, task: &Task, job: Option<&NewJob>) -> Result<(), RepositoryError>;

    /// Changes a task without touching its image.
    async fn change_task(&self, id: &JobId, change: &TaskChange) -> Result<(), RepositoryError>;

    /// Says that this node is alive.
    async fn node_heartbeat(&self, node: &str) -> Result<(), RepositoryError>;

    /// All nodes that were ever heard of and not forgotten.
    async fn nodes(&self) -> Result<Vec<NodeSeen>, RepositoryError>;

    /// Forgets a node that was silent that long; `false` when it was not, or another node forgot it.
    async fn forget_node(&self, node: &str, silent_for: Duration) -> Result<bool, RepositoryError>;

    /// The node whose staging directory holds an image's bytes.
    async fn staged_on(&self, id: &ImageId) -> Result<Option<String>, RepositoryError>;

    /// Whether an object belongs to another image, one that waits for the scrubber included.
    async fn is_anothers(&self, url: &str, own: &ImageId) -> Result<bool, RepositoryError>;

    /// Images deleted up to a point in time whose objects wait for the scrubber, the oldest first.
    async fn pending_deletes(&self, until: DateTime<Utc>) -> Result<Vec<ImageId>, RepositoryError>;

    /// Objects of such an image that are still there.
    async fn pending_locations(&self, id: &ImageId) -> Result<Vec<ImageLocation>, RepositoryError>;

    /// A property of an image that is marked as deleted.
    async fn deleted_property(&self, id: &ImageId, name: &str) -> Result<Option<String>, RepositoryError>;

    /// Whether anybody listens to events of that kind.
    fn tells(&self, kind: &str) -> bool;

    /// Keeps an event that comes with no change; those of changes are kept with them.
    async fn tell(&self, event: &Event) -> Result<(), RepositoryError>;

    /// Marks tasks as deleted whose time has run out; how many there were.
    async fn expire_tasks(&self, now: DateTime<Utc>) -> Result<u64, RepositoryError>;

    /// Which shared images' answers a filter means is decided by [`ListQuery`]; this counts members.
    async fn count_members(&self, id: &ImageId) -> Result<u64, RepositoryError> {
        Ok(self.members(id).await?.len() as u64)
    }
}

/// The answer a shared image needs to be listed, when the query does not say.
pub const DEFAULT_MEMBER_STATUS: MemberStatusFilter = MemberStatusFilter::Is(MemberStatus::Accepted);

/// A project's limits cannot be learnt.
#[derive(Debug, thiserror::Error)]
#[error("the limits of project {project} cannot be read from the identity service")]
pub struct LimitsError {
    /// Whose limits.
    pub project: ProjectId,
    /// Why.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

/// Limits of projects, as the identity service keeps them.
#[async_trait]
pub trait Limits: fmt::Debug + Send + Sync + 'static {
    /// The project's limit on a resource (`image_size_total`, …); zero when none is registered, negative
    /// for none at all.
    async fn limit(&self, project: &ProjectId, resource: &str) -> Result<i64, LimitsError>;
}
