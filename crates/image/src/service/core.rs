// SPDX-License-Identifier: Apache-2.0
//! What use cases and jobs share: the ports, and the rules of who sees what.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use scurry_jobs::JobRepository;
use scurry_store::{Registry, Store};
use scurry_transfer::MemoryBudget;
use scurry_types::{ImageId, ImageStatus, JobId, Secret, StoreId, Visibility};
use tokio_util::sync::CancellationToken;

use super::quota::Reservations;
use super::{Answer, CrashPoints, ServiceParts};
use crate::cache::Cache;
use crate::caller::Caller;
use crate::error::ImageError;
use crate::image::{Image, ImageLocation};
use crate::ports::{ImageRepository, Limits, Outbound};
use crate::settings::ImageSettings;

/// Import methods there is code for, and whether they read from other addresses.
const METHODS: [(&str, bool); 4] =
    [("glance-direct", false), ("copy-image", false), ("web-download", true), ("glance-download", true)];

#[derive(Debug)]
pub(super) struct Core {
    pub(super) images: Arc<dyn ImageRepository>,
    pub(super) jobs: Arc<dyn JobRepository>,
    pub(super) stores: Registry,
    pub(super) limits: Option<Arc<dyn Limits>>,
    pub(super) outbound: Option<Arc<dyn Outbound>>,
    pub(super) settings: ImageSettings,
    pub(super) budget: MemoryBudget,
    pub(super) crash: CrashPoints,
    /// `None` without `image_cache_dir`.
    pub(super) cache: Option<Arc<Cache>>,
    /// Cancelled when the process goes down.
    pub(super) stopping: CancellationToken,
    pub(super) reservations: Arc<Reservations>,
    /// Tokens for imports from other image services, by their jobs; nowhere else, so a restart forgets them.
    pub(super) tokens: Mutex<HashMap<JobId, Secret>>,
    uploads: Mutex<HashMap<ImageId, CancellationToken>>,
    holds: Mutex<HashMap<ImageId, Arc<tokio::sync::Mutex<()>>>>,
}

/// Takes an upload out of the list when it ends, however it ends.
#[derive(Debug)]
pub(super) struct UploadEntry<'a> {
    core: &'a Core,
    image: ImageId,
    pub(super) cancel: CancellationToken,
}

impl Drop for UploadEntry<'_> {
    fn drop(&mut self) {
        self.core.uploads.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.image);
    }
}

impl Core {
    pub(super) fn new(parts: ServiceParts) -> Self {
        let ServiceParts { images, jobs, metadefs: _, stores, limits, outbound, mut settings } = parts;
        settings.enabled_import_methods.retain(|method| {
            let known =
                METHODS.iter().any(|(name, abroad)| name == method && (!abroad || outbound.is_some()));
            if !known {
                tracing::warn!(method, "enabled_import_methods names a method this service does not have");
            }
            known
        });
        let budget = MemoryBudget::new(settings.max_bytes_in_flight);
        let cache = settings.cache.clone().map(|cache| Arc::new(Cache::new(cache, Arc::clone(&images))));
        Self {
            images,
            jobs,
            stores,
            limits,
            outbound,
            settings,
            budget,
            crash: CrashPoints::default(),
            cache,
            stopping: CancellationToken::new(),
            reservations: Arc::default(),
            tokens: Mutex::default(),
            uploads: Mutex::default(),
            holds: Mutex::default(),
        }
    }

    /// Lets [`Core::stop_upload`] end an upload or a staging of the image.
    pub(super) fn enter_upload(&self, image: &ImageId) -> UploadEntry<'_> {
        let cancel = self.stopping.child_token();
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner).insert(image.clone(), cancel.clone());
        UploadEntry { core: self, image: image.clone(), cancel }
    }

    /// The turn of whoever writes an image's objects, or clears them up: one at a time on this node.
    pub(super) fn turn(&self, image: &ImageId) -> Arc<tokio::sync::Mutex<()>> {
        let mut holds = self.holds.lock().unwrap_or_else(PoisonError::into_inner);
        holds.retain(|_, hold| Arc::strong_count(hold) > 1);
        Arc::clone(holds.entry(image.clone()).or_default())
    }

    pub(super) fn stop_upload(&self, image: &ImageId) {
        if let Some(cancel) = self.uploads.lock().unwrap_or_else(PoisonError::into_inner).get(image) {
            cancel.cancel();
        }
    }

    /// An image the caller may see.
    pub(super) async fn visible(&self, caller: &Caller, id: &ImageId) -> Answer<Image> {
        let mut image = self.images.get(id).await?.ok_or_else(|| ImageError::no_image(id))?;
        self.weigh(&mut image);
        if self.may_see(caller, &image).await? { Ok(image) } else { Err(ImageError::no_image(id)) }
    }

    /// Puts an image's locations in the order they are shown and tried: by the weight of their stores, then as
    /// they came.
    pub(super) fn weigh(&self, image: &mut Image) {
        image.locations.sort_by_key(|location| self.lightness(location));
    }

    /// The heavier a location's store, the smaller.
    pub(super) fn lightness(&self, location: &ImageLocation) -> Reverse<i64> {
        let store = location.store().and_then(|store| self.stores.get(store));
        Reverse(store.map_or(0, |store| store.facts().weight))
    }

    pub(super) async fn may_see(&self, caller: &Caller, image: &Image) -> Answer<bool> {
        if caller.owns(image)
            || image.owner.is_none()
            || matches!(image.visibility, Visibility::Public | Visibility::Community)
        {
            return Ok(true);
        }
        let Some(project) = &caller.project else { return Ok(false) };
        Ok(image.visibility == Visibility::Shared
            && self.images.membership(&image.id, project.as_str()).await?.is_some())
    }

    /// An image the caller may see and change.
    pub(super) async fn own(&self, caller: &Caller, id: &ImageId, action: &str) -> Answer<Image> {
        let image = self.visible(caller, id).await?;
        if caller.owns(&image) {
            Ok(image)
        } else {
            Err(ImageError::Forbidden(format!("You are not authorized to complete {action} action.")))
        }
    }

    /// The store of that name, or the default one.
    pub(super) fn store(&self, id: Option<&StoreId>) -> Option<&Arc<dyn Store>> {
        self.stores.get(id.unwrap_or_else(|| self.stores.default_id()).as_str())
    }

    /// What an image not in the right state answers.
    pub(super) async fn no_transition(&self, id: &ImageId, to: ImageStatus) -> ImageError {
        match self.images.get(id).await {
            Ok(Some(image)) => ImageError::Conflict(format!(
                "Image status transition from {} to {to} is not allowed",
                image.status
            )),
            Ok(None) => ImageError::no_image(id),
            Err(error) => error.into(),
        }
    }
}
