// SPDX-License-Identifier: Apache-2.0
//! Locations: registering bytes that are in a store already, showing where they are, and giving one up.

mod ownership;
pub(super) mod url;

pub(super) use self::ownership::not_yours;

use chrono::{SubsecRound, Utc};
use scurry_jobs::NewJob;
use scurry_store::StoreErrorKind;
use scurry_types::{ImageId, ImageStatus, JobId, StoreId, TaskStatus};
use serde_json::{Value, json};

use super::core::Core;
use super::jobs::HASH;
use super::quota::too_large;
use super::upload::missing_formats;
use super::{Answer, ImageService};
use crate::caller::Caller;
use crate::error::ImageError;
use crate::image::{Image, ImageLocation, ValidationData};
use crate::ports::{Change, Guard, Outcome};
use crate::task::Task;

impl ImageService {
    /// An image's locations that are in use.
    pub async fn locations(&self, caller: &Caller, id: &ImageId) -> Answer<Vec<ImageLocation>> {
        let mut locations = self.core.visible(caller, id).await?.locations;
        locations.retain(|location| location.status == "active");
        Ok(locations)
    }

    /// Registers bytes that are in a store already. With `do_secure_hash` a job hashes them: before the image
    /// is `active` when a hash was claimed, afterwards when not.
    pub async fn add_location(
        &self,
        caller: &Caller,
        id: &ImageId,
        url: &str,
        validation: Option<ValidationData>,
    ) -> Answer<()> {
        let core = &self.core;
        // A service registers locations of images it does not own.
        let image = core.visible(caller, id).await?;
        if image.status != ImageStatus::Queued {
            return Err(not_queued(image.status));
        }
        if url::is_web(url) {
            let text = format!("URI for add location does not pass filtering: {url}");
            core.check_address(url, text).await?;
        }
        if let Some(missing) = missing_formats(&image) {
            return Err(ImageError::Invalid(format!("{missing} must be set prior to saving data.")));
        }
        let hint = validation.as_ref().and_then(|data| data.store.as_deref());
        let location = core.locate(url, hint).await?;
        core.check_made_for(caller, id, &location).await?;
        let len = core.len_of(&location).await?;
        let _room = core.room(&image, Some(len), 1).await?;
        if core.settings.image_size_cap < len {
            return Err(too_large());
        }
        let now = Utc::now().trunc_subsecs(6);
        let task = Task {
            id: JobId::random(),
            kind: "location_import".to_owned(),
            status: TaskStatus::Pending,
            owner: caller.project.clone(),
            image_id: Some(id.clone()),
            request_id: Some(caller.request_id.chars().take(64).collect()),
            user_id: caller.user.clone(),
            input: Some(json!({"image_id": id, "loc_url": location.url})),
            result: None,
            message: String::new(),
            expires_at: None,
            created_at: now,
            updated_at: now,
        };
        self.register(&image, location, len, validation.as_ref(), task).await
    }

    async fn register(
        &self,
        image: &Image,
        location: ImageLocation,
        len: u64,
        validation: Option<&ValidationData>,
        task: Task,
    ) -> Answer<()> {
        let core = &self.core;
        let claimed = validation.and_then(|data| Some((data.os_hash_algo?, data.os_hash_value.clone()?)));
        if let Some((algorithm, value)) = &claimed {
            check_hash(algorithm.hex_len(), value)?;
        }
        let hashing = core.settings.do_secure_hash;
        let virtual_size = (image.disk_format.as_deref() == Some("raw")
            && image.container_format.as_deref() == Some("bare"))
        .then_some(len);
        let mut changes = image.refused_locations();
        changes.extend(core.claim_of(&location));
        changes.extend([
            Change::AddLocation(location),
            Change::Sizes { size: Some(len), virtual_size },
            // What is claimed is checked before it is believed.
            Change::Status(if hashing && claimed.is_some() {
                ImageStatus::Importing
            } else {
                ImageStatus::Active
            }),
            Change::Hashes {
                checksum: None,
                // Shown from the start where it is going to be known.
                os_hash_algo: claimed
                    .as_ref()
                    .map(|(algorithm, _)| *algorithm)
                    .or_else(|| hashing.then_some(core.settings.hashing_algorithm))
                    .map(|algorithm| algorithm.to_string()),
                os_hash_value: claimed.as_ref().map(|(_, value)| value.to_lowercase()),
            },
        ]);
        let mut task = task;
        if hashing {
            changes.push(Change::Enqueue(NewJob {
                id: task.id.clone(),
                kind: HASH.to_owned(),
                image_id: Some(image.id.clone()),
                payload: json!({"claimed": claimed}),
                claimed: None,
                kept_for: None,
            }));
        } else {
            task.status = TaskStatus::Success;
        }
        changes.push(Change::AddTask(task));
        let guard = Guard::states(&[ImageStatus::Queued]);
        let outcome = core.images.change(&image.id, &guard, &changes).await?;
        if outcome == Outcome::Taken {
            return Err(not_yours(&image.id));
        }
        if outcome != Outcome::Done {
            let now = core.images.get(&image.id).await?.ok_or_else(|| ImageError::no_image(&image.id))?;
            return Err(not_queued(now.status));
        }
        if hashing {
            self.engine.wake();
        }
        Ok(())
    }

    /// Removes an image from one of its stores; never from the last.
    pub async fn delete_from_store(&self, caller: &Caller, store: &StoreId, id: &ImageId) -> Answer<()> {
        let core = &self.core;
        let image = core.visible(caller, id).await?;
        let Some(backend) = core.stores.get(store.as_str()) else {
            return Err(ImageError::Conflict(format!(
                "The selected store {store} is not available on this node."
            )));
        };
        if image.status != ImageStatus::Active {
            return Err(ImageError::Conflict(
                "It's not allowed to remove image data from store if image \
                 status is not 'active'"
                    .to_owned(),
            ));
        }
        // Wherever the only copy is: which store it is in is asked only where there are several.
        if image.locations.len() == 1 {
            return Err(ImageError::Forbidden(
                "Cannot delete image data from the only store containing it. \
                 Consider deleting the image instead."
                    .to_owned(),
            ));
        }
        let Some(location) = image.location_in(store.as_str()) else {
            return Err(ImageError::NotFound(format!("Image {id} is not stored in store {store}.")));
        };
        if image.held_by().is_some() {
            return Err(ImageError::Conflict("Image has active task".to_owned()));
        }
        let _turn = core.turn(id).lock_owned().await;
        let (row, steps) = core.disown(id, store, &location.url);
        // Nobody may have removed the other locations meanwhile.
        let guard = Guard {
            states: vec![ImageStatus::Active],
            free: true,
            unchanged_since: Some(image.updated_at),
            ..Guard::default()
        };
        if core.images.change(id, &guard, &steps).await? != Outcome::Done {
            return Err(ImageError::Conflict(format!("Image {id} is being changed by others, try again")));
        }
        core.crash.pass("store-delete.disowned").await;
        match Core::remove_object(backend.as_ref(), &location.url).await {
            Ok(()) => Ok(core.images.journal_clear(&row.id).await?),
            Err(error) if error.kind == StoreErrorKind::InUse => {
                // Nothing was removed: the location counts again.
                let back = [Change::JournalClear(row.id.clone()), Change::AddLocation(location.clone())];
                let _ = core.images.change(id, &Guard::default(), &back).await?;
                Err(ImageError::Conflict(format!(
                    "Image {id} could not be deleted because it is in use: {}",
                    error.message
                )))
            }
            Err(error) => {
                tracing::warn!(image.id = %id, store.id = %store, error = %error, "an object is left to a job");
                core.jobs.enqueue(&super::leftovers::clear_job(&row)).await?;
                self.engine.wake();
                Ok(())
            }
        }
    }
}

fn not_queued(status: ImageStatus) -> ImageError {
    ImageError::Conflict(format!("It's not allowed to add locations if image status is {status}."))
}

pub(super) fn check_hash(hex_len: usize, value: &str) -> Answer<()> {
    if value.len() == hex_len && value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(());
    }
    Err(ImageError::Invalid(format!("os_hash_value must be a hexadecimal number of {hex_len} digits")))
}

impl Core {
    /// Length in bytes of what a location names.
    pub(super) async fn len_of(&self, location: &ImageLocation) -> Answer<u64> {
        let reader = self.open(location).await.map_err(|error| match error.kind {
            StoreErrorKind::NotFound | StoreErrorKind::Invalid | StoreErrorKind::Denied => {
                ImageError::Invalid(format!("Invalid location: {}", error.message))
            }
            StoreErrorKind::Unavailable => {
                ImageError::Unavailable { text: error.to_string(), retry_after: None }
            }
            _ => ImageError::Store(error),
        })?;
        let len = reader.len();
        reader.close().await.map_err(ImageError::Store)?;
        Ok(len)
    }

    /// The location a client's url means. A url that names no store means the store that holds the object; which one
    /// that is the stores tell.
    pub(super) async fn locate(&self, url: &str, hint: Option<&str>) -> Answer<ImageLocation> {
        let holder = match hint {
            Some(_) => None,
            None => self.holder(url).await,
        };
        let hint = hint.or(holder.as_ref().map(StoreId::as_str));
        let (store, url) = url::in_store(url, hint, &self.stores)?;
        let mut location = ImageLocation::in_store(&store, url);
        location.metadata.insert("store".to_owned(), Value::from(store.as_str()));
        Ok(location)
    }

    /// The store that holds the object of a url without a store, the default store first. A store that cannot be
    /// asked is passed over: opening the object will say what is wrong with it.
    async fn holder(&self, url: &str) -> Option<StoreId> {
        let (scheme, _) = url.split_once("://").filter(|(_, rest)| !rest.contains('/'))?;
        let default = self.stores.get(self.stores.default_id().as_str());
        for store in default.into_iter().chain(self.stores.iter()) {
            if !store.facts().kind.eq_ignore_ascii_case(scheme) {
                continue;
            }
            if store.holds(url).await.unwrap_or_default() {
                return Some(store.facts().id.clone());
            }
        }
        None
    }
}
