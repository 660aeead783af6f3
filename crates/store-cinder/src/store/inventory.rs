// SPDX-License-Identifier: Apache-2.0
//! Which volumes are this store's, and what an earlier life of this node left on them.

use scurry_openstack_client::block::Volume;
use scurry_store::StoreErrorKind;
use scurry_types::ImageId;

use super::Shared;
use crate::attachments::Holding;
use crate::cinder::{IMAGE_ID, IMAGE_OWNER, STORE, WRITING, passing};
use crate::creation::{is_marked_by, volume_name};
use crate::failure::Failure;
use crate::location::VolumeLocation;
use crate::removal::host_of;

impl Shared {
    /// Volumes of an image, complete or not, made by this store, by Glance or by Cinder.
    pub(super) async fn find(&self, image: &ImageId) -> Result<Vec<String>, Failure> {
        let client = &self.cinder.client;
        let cannot_list =
            |error| Failure::call(format_args!("cannot list the volumes of image {image}"), error);
        let mut volumes = client.volumes_by_metadata(IMAGE_ID, image.as_str()).await.map_err(cannot_list)?;
        let named = client.volumes_by_name(&volume_name(image.as_str())).await.map_err(cannot_list)?;
        volumes.extend(named);
        volumes.sort_by(|one, other| one.id.cmp(&other.id));
        volumes.dedup_by(|one, other| one.id == other.id);
        let mut urls = Vec::new();
        for volume in volumes {
            if is_of(&volume, image) && volume.status != "deleting" && self.is_ours(&volume).await? {
                urls.push(VolumeLocation::url(&self.config.id, &volume.id));
            }
        }
        Ok(urls)
    }

    /// By the store's name on it; volumes that Glance or Cinder made have none and count by their type.
    async fn is_ours(&self, volume: &Volume) -> Result<bool, Failure> {
        if let Some(store) = volume.metadata.get(STORE) {
            return Ok(store == self.config.id.as_str());
        }
        let cannot_see = |error| Failure::call("cannot see the store's volume type", error);
        Ok(volume.volume_type.as_deref() == Some(self.type_name().await.map_err(cannot_see)?))
    }

    /// Whether a volume may be an image of this store.
    pub(super) async fn holds(&self, id: &str) -> Result<bool, Failure> {
        match self.image_volume(id).await {
            Ok(volume) => self.is_ours(&volume).await,
            Err(failure) if failure.kind == StoreErrorKind::NotFound => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// Deletes attachments of this node that no living reader or writer holds.
    pub(super) async fn recover(&self) -> Result<(), Failure> {
        let volumes = self.cinder.client.volumes(&[]).await;
        let volumes = volumes.map_err(|error| Failure::call("cannot list volumes", error))?;
        let mut left = Vec::new();
        for volume in volumes {
            if !volume.metadata.contains_key(IMAGE_ID) || !self.is_ours(&volume).await? {
                continue;
            }
            if let Err(failure) = self.release_leftovers(&volume).await {
                left.push(failure.message);
            }
        }
        if left.is_empty() {
            return Ok(());
        }
        Err(Failure::new(StoreErrorKind::Unavailable, format!("left behind: {}", left.join("; "))))
    }

    async fn release_leftovers(&self, volume: &Volume) -> Result<(), Failure> {
        let (id, host) = (volume.id.as_str(), self.attachments.host());
        let wrote = volume.metadata.get(WRITING).is_some_and(|mark| is_marked_by(mark, host));
        let mut leftovers: Vec<String> = Vec::new();
        if wrote {
            // Nobody else attaches a volume that is being written; half-made attachments are listed only here.
            let attachments =
                self.cinder.client.attachments(Some(id)).await.map_err(|error| {
                    Failure::call(format_args!("cannot see who holds volume {id}"), error)
                })?;
            let of_no_server = attachments.into_iter().filter(|attachment| attachment.instance.is_none());
            leftovers.extend(of_no_server.map(|attachment| attachment.id));
        } else {
            let shown = volume.attachments.iter();
            let ids = shown.filter_map(|each| each.get("attachment_id")?.as_str());
            leftovers.extend(ids.filter(|id| host_of(volume, id) == Some(host)).map(str::to_owned));
            if passing(&volume.status) {
                // What was never completed is not shown on the volume.
                leftovers.extend(self.attachments.half_made(id).await?);
            }
        }
        for attachment in leftovers {
            if self.attachments.holding(&attachment).await == Holding::Nobody {
                tracing::info!(
                    store.id = %self.config.id, volume.id = id, attachment.id = attachment,
                    "deleting an attachment of an earlier life"
                );
                self.attachments.detach(&attachment, id).await?;
            }
        }
        Ok(())
    }
}

/// By the image's id on it; a clone that Cinder has made and not registered yet has the owner alone, and the name. Cinder's
/// cache of images has volumes of that name with neither.
fn is_of(volume: &Volume, image: &ImageId) -> bool {
    match volume.metadata.get(IMAGE_ID) {
        Some(id) => id == image.as_str(),
        None => volume.metadata.contains_key(IMAGE_OWNER),
    }
}
