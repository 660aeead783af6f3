// SPDX-License-Identifier: Apache-2.0
//! Changing an image by a PATCH: a draft made in memory and saved if nothing changed meanwhile.

use scurry_types::{ImageId, ImageStatus, StoreId};

use super::core::Core;
use super::jobs::owner_job;
use super::locations::{not_yours, url};
use super::quota::Room;
use super::upload::missing_formats;
use super::{Answer, ImageService};
use crate::caller::Caller;
use crate::error::ImageError;
use crate::image::{Image, ImageLocation, reserved};
use crate::patch::{AskedLocation, Draft, PatchOp, PatchRights, apply, claimed};
use crate::ports::{BaseFields, Change, Guard, Outcome, WriteRow};

impl ImageService {
    /// Applies a PATCH: all operations or none. Concurrent changes of the image are not lost: the operations
    /// are applied again to what the others made of it.
    pub async fn update(
        &self,
        caller: &Caller,
        id: &ImageId,
        ops: &[PatchOp],
        rights: &PatchRights,
    ) -> Answer<Image> {
        for _ in 0..20 {
            let image = self.core.own(caller, id, "modify_image").await?;
            let draft = apply(&image, ops, rights, &self.core.settings)?;
            self.core.check_quotas(&image, &draft)?;
            let plan = self.core.plan(caller, &image, draft).await?;
            if plan.changes.is_empty() {
                return Ok(image);
            }
            let guard = Guard {
                states: vec![image.status],
                free: plan.touches_data,
                unchanged_since: Some(image.updated_at),
                ..Guard::default()
            };
            let outcome = self.core.images.change(id, &guard, &plan.changes).await?;
            if outcome == Outcome::Taken {
                return Err(not_yours(id));
            }
            if outcome == Outcome::Done {
                self.core.clear_writes(&plan.disowned).await;
                if plan.enqueues {
                    self.engine.wake();
                }
                // The new owner may be another project: what was changed is shown all the same.
                let changed = self.core.images.get(id).await?;
                let mut changed = changed.ok_or_else(|| ImageError::no_image(id))?;
                self.core.weigh(&mut changed);
                return Ok(changed);
            }
            if plan.touches_data && image.held_by().is_some() {
                return Err(ImageError::Conflict("Image has active task".to_owned()));
            }
        }
        Err(ImageError::Conflict(format!("Image {id} is being changed by others, try again")))
    }
}

/// What a PATCH does to the database, and to the stores afterwards.
#[derive(Debug, Default)]
struct Plan {
    changes: Vec<Change>,
    disowned: Vec<WriteRow>,
    touches_data: bool,
    /// The change brings a job along.
    enqueues: bool,
    /// Held until the new locations count.
    room: Option<Room>,
}

impl Core {
    fn check_quotas(&self, image: &Image, draft: &Draft) -> Answer<()> {
        let quotas = &self.settings.quotas;
        let own = |name: &&String| !name.starts_with(reserved::PREFIX);
        let (before, after) =
            (image.properties.keys().filter(own).count(), draft.properties.keys().filter(own).count());
        // An image above a limit that was lowered may still shrink.
        if after > before {
            Self::at_most("properties", after, quotas.properties)?;
        }
        if draft.tags.len() > image.tags.len() {
            Self::at_most("tags", draft.tags.len(), quotas.tags)?;
        }
        if let Some(locations) = draft.locations.as_ref().filter(|list| list.len() > image.locations.len()) {
            Self::at_most("locations", locations.len(), quotas.locations)?;
        }
        Ok(())
    }

    async fn plan(&self, caller: &Caller, image: &Image, draft: Draft) -> Answer<Plan> {
        let mut plan = Plan::default();
        if draft.fields != fields(image) {
            plan.changes.push(Change::Base(draft.fields.clone()));
            if draft.fields.owner != image.owner && !image.locations.is_empty() {
                plan.changes.push(Change::Enqueue(owner_job(&image.id)));
                plan.enqueues = true;
            }
        }
        if draft.properties != image.properties {
            plan.changes.push(Change::Properties(draft.properties));
        }
        if draft.tags != image.tags {
            plan.changes.push(Change::Tags(draft.tags));
        }
        if let Some(locations) = draft.locations {
            self.plan_locations(caller, image, &draft.fields, locations, &mut plan).await?;
        }
        Ok(plan)
    }

    async fn plan_locations(
        &self,
        caller: &Caller,
        image: &Image,
        fields: &BaseFields,
        asked: Vec<AskedLocation>,
        plan: &mut Plan,
    ) -> Answer<()> {
        let claims = claimed(image, &asked, self.settings.hashing_algorithm)?;
        let mut wanted: Vec<ImageLocation> = Vec::new();
        let mut first_new = None;
        for one in asked {
            if one.known {
                let old = image.locations.iter().find(|old| old.url == one.url);
                let status = old.map_or("active", |old| old.status.as_str());
                // What was refused as a queued image's data does not become it by being left in a list.
                if image.status != ImageStatus::Queued || status == "active" {
                    wanted.push(ImageLocation {
                        url: one.url,
                        metadata: one.metadata,
                        status: status.to_owned(),
                    });
                }
                continue;
            }
            if url::is_web(&one.url) {
                self.check_address(&one.url, "Invalid location".to_owned()).await?;
            }
            let hint = one.metadata.get("store").and_then(serde_json::Value::as_str);
            let mut location = self.locate(&one.url, hint).await?;
            self.check_made_for(caller, &image.id, &location).await?;
            let len = self.len_of(&location).await?;
            if image.size.is_some_and(|size| size != len) {
                return Err(ImageError::Invalid(format!(
                    "Invalid location: it holds {len} bytes, the image has another size"
                )));
            }
            for (name, value) in one.metadata {
                location.metadata.entry(name).or_insert(value);
            }
            first_new.get_or_insert(len);
            wanted.push(location);
        }
        if first_new.is_some() {
            plan.changes.extend(wanted.iter().filter_map(|location| self.claim_of(location)));
        }
        if wanted.len() > image.locations.len()
            && let Some(size) = image.size.or(first_new)
        {
            plan.room = self.room(image, Some(size), wanted.len()).await?;
        }
        plan.touches_data = true;
        for gone in image.locations.iter().filter(|old| !wanted.iter().any(|new| new.url == old.url)) {
            if let Some(store) = gone.store().filter(|store| self.stores.get(store).is_some()) {
                let (row, [_, journal]) = self.disown(&image.id, &StoreId::from(store), &gone.url);
                plan.changes.push(journal);
                plan.disowned.push(row);
            }
        }
        plan.changes.push(Change::Locations(wanted));
        if image.status == ImageStatus::Queued
            && let Some(len) = first_new
        {
            let mut formed = image.clone();
            formed.disk_format.clone_from(&fields.disk_format);
            formed.container_format.clone_from(&fields.container_format);
            if let Some(missing) = missing_formats(&formed) {
                return Err(ImageError::Invalid(format!("{missing} must be set prior to saving data.")));
            }
            plan.changes.push(Change::Sizes { size: Some(len), virtual_size: None });
            let claims = claims.unwrap_or_default();
            plan.changes.push(Change::Hashes {
                checksum: claims.checksum,
                os_hash_algo: claims.os_hash_algo,
                os_hash_value: claims.os_hash_value,
            });
            plan.changes.push(Change::Status(ImageStatus::Active));
        }
        Ok(())
    }
}

fn fields(image: &Image) -> BaseFields {
    BaseFields {
        name: image.name.clone(),
        visibility: image.visibility,
        protected: image.protected,
        os_hidden: image.os_hidden,
        owner: image.owner.clone(),
        container_format: image.container_format.clone(),
        disk_format: image.disk_format.clone(),
        min_disk: image.min_disk,
        min_ram: image.min_ram,
    }
}
