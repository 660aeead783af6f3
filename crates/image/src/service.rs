// SPDX-License-Identifier: Apache-2.0
//! The use cases, one file each.

use std::sync::Arc;

use scurry_jobs::JobRepository;
use scurry_store::Registry;
use scurry_types::{ImageId, JobId, MemberStatus, StoreId};

use crate::body::{Body, ByteRange, Download, Upload};
use crate::caller::Caller;
use crate::error::ImageError;
use crate::image::{Image, ImageLocation, NewImage, ValidationData};
use crate::import::ImportRequest;
use crate::member::Member;
use crate::patch::{PatchOp, PatchRights};
use crate::ports::{ImageRepository, Limits};
use crate::query::ListQuery;
use crate::settings::ImageSettings;
use crate::task::{Task, TaskQuery};

/// What the service is made of.
#[derive(Debug)]
pub struct ServiceParts {
    /// The images' database.
    pub images: Arc<dyn ImageRepository>,
    /// The jobs' database (the same one).
    pub jobs: Arc<dyn JobRepository>,
    /// The stores.
    pub stores: Registry,
    /// Project limits; `None` when `use_keystone_limits` is off.
    pub limits: Option<Arc<dyn Limits>>,
    /// Options.
    pub settings: ImageSettings,
}

/// One line of `/v2/info/usage`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// `image_size_total`, …
    pub resource: &'static str,
    /// MiB or a count.
    pub usage: i64,
    /// The same unit.
    pub limit: i64,
}

/// The image service. Clones share everything.
#[derive(Debug, Clone)]
pub struct ImageService {
    inner: Arc<ServiceParts>,
}

type Answer<T> = Result<T, ImageError>;

fn later<T>() -> Answer<T> {
    Err(ImageError::Unavailable { text: "not there yet".to_owned(), retry_after: None })
}

impl ImageService {
    /// Puts the service together. Nothing runs before [`ImageService::start`].
    #[must_use]
    pub fn new(parts: ServiceParts) -> Self {
        Self { inner: Arc::new(parts) }
    }
    /// Clears up what an earlier life of this node left unfinished, then begins to work on jobs. To be
    /// awaited before the first request is served.
    pub async fn start(&self) -> Answer<()> {
        later()
    }
    /// Lets uploads and jobs come to a stop; returns when they have.
    pub async fn shutdown(&self) {}
    /// Creates an image.
    pub async fn create(&self, _caller: &Caller, _new: NewImage) -> Answer<Image> {
        later()
    }
    /// An image the caller may see; `NotFound` otherwise.
    pub async fn get(&self, _caller: &Caller, _id: &ImageId) -> Answer<Image> {
        later()
    }
    /// A page of images the caller may see.
    pub async fn list(&self, _caller: &Caller, _query: &ListQuery) -> Answer<Vec<Image>> {
        later()
    }
    /// Applies a PATCH: all operations or none.
    pub async fn update(
        &self,
        _caller: &Caller,
        _id: &ImageId,
        _ops: &[PatchOp],
        _rights: &PatchRights,
    ) -> Answer<Image> {
        later()
    }
    /// Deletes an image and its data.
    pub async fn delete(&self, _caller: &Caller, _id: &ImageId) -> Answer<()> {
        later()
    }
    /// Takes an image's bytes into a store.
    pub async fn upload(&self, _caller: &Caller, _id: &ImageId, _upload: Upload, _body: Body) -> Answer<()> {
        later()
    }
    /// Takes an image's bytes into the staging area.
    pub async fn stage(
        &self,
        _caller: &Caller,
        _id: &ImageId,
        _declared_len: Option<u64>,
        _body: Body,
    ) -> Answer<()> {
        later()
    }
    /// Opens an image's bytes; `None` when it has none (204). Stores in `prefer` are tried first.
    pub async fn download(
        &self,
        _caller: &Caller,
        _id: &ImageId,
        _range: Option<ByteRange>,
        _prefer: &[StoreId],
    ) -> Answer<Option<Download>> {
        later()
    }
    /// Accepts an import; the id is of the task that does it (`None`: nothing is left to do).
    pub async fn import(
        &self,
        _caller: &Caller,
        _id: &ImageId,
        _request: ImportRequest,
    ) -> Answer<Option<JobId>> {
        later()
    }
    /// Tasks of an image, newest first.
    pub async fn tasks_of(&self, _caller: &Caller, _id: &ImageId) -> Answer<Vec<Task>> {
        later()
    }
    /// A task.
    pub async fn task(&self, _caller: &Caller, _id: &JobId) -> Answer<Task> {
        later()
    }
    /// A page of tasks.
    pub async fn tasks(&self, _caller: &Caller, _query: &TaskQuery) -> Answer<Vec<Task>> {
        later()
    }
    /// Adds a tag.
    pub async fn add_tag(&self, _caller: &Caller, _id: &ImageId, _tag: &str) -> Answer<()> {
        later()
    }
    /// Removes a tag.
    pub async fn remove_tag(&self, _caller: &Caller, _id: &ImageId, _tag: &str) -> Answer<()> {
        later()
    }
    /// Shares an image with a project.
    pub async fn add_member(&self, _caller: &Caller, _id: &ImageId, _member: &str) -> Answer<Member> {
        later()
    }
    /// Projects an image is shared with; a member sees only itself.
    pub async fn members(&self, _caller: &Caller, _id: &ImageId) -> Answer<Vec<Member>> {
        later()
    }
    /// One project an image is shared with.
    pub async fn member(&self, _caller: &Caller, _id: &ImageId, _member: &str) -> Answer<Member> {
        later()
    }
    /// A project's answer to an image shared with it.
    pub async fn set_member_status(
        &self,
        _caller: &Caller,
        _id: &ImageId,
        _member: &str,
        _status: MemberStatus,
    ) -> Answer<Member> {
        later()
    }
    /// Stops sharing an image with a project.
    pub async fn remove_member(&self, _caller: &Caller, _id: &ImageId, _member: &str) -> Answer<()> {
        later()
    }
    /// Keeps everybody but administrators from an image's bytes.
    pub async fn deactivate(&self, _caller: &Caller, _id: &ImageId) -> Answer<()> {
        later()
    }
    /// Takes that back.
    pub async fn reactivate(&self, _caller: &Caller, _id: &ImageId) -> Answer<()> {
        later()
    }
    /// An image's locations.
    pub async fn locations(&self, _caller: &Caller, _id: &ImageId) -> Answer<Vec<ImageLocation>> {
        later()
    }
    /// Registers bytes that are in a store already.
    pub async fn add_location(
        &self,
        _caller: &Caller,
        _id: &ImageId,
        _url: &str,
        _validation: Option<ValidationData>,
    ) -> Answer<()> {
        later()
    }
    /// Removes an image from one of its stores.
    pub async fn delete_from_store(&self, _caller: &Caller, _store: &StoreId, _id: &ImageId) -> Answer<()> {
        later()
    }
    /// The stores, in the operator's order.
    #[must_use]
    pub fn stores(&self) -> &Registry {
        &self.inner.stores
    }
    /// What the caller's project holds, and its limits; empty when limits are off.
    pub async fn usage(&self, _caller: &Caller) -> Answer<Vec<Usage>> {
        later()
    }
    /// The options in force.
    #[must_use]
    pub fn settings(&self) -> &ImageSettings {
        &self.inner.settings
    }
}
