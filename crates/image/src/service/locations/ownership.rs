// SPDX-License-Identifier: Apache-2.0
//! Whose an object is that a client wants to register as an image's data.

use scurry_types::ImageId;

use crate::caller::Caller;
use crate::error::ImageError;
use crate::image::ImageLocation;
use crate::ports::Change;
use crate::service::Answer;
use crate::service::core::Core;

impl Core {
    /// The service opens objects with its own rights, so a url alone proves nothing: an object that is no
    /// administrator's word must say of itself that it was made for this image. Cinder writes that
    /// (`glance_image_id`) when it makes an image's volume; nobody can write it on other tenants' volumes. A service is
    /// believed as an administrator is: Cinder registers its clones before it marks them.
    pub(in crate::service) async fn check_made_for(
        &self,
        caller: &Caller,
        image: &ImageId,
        location: &ImageLocation,
    ) -> Answer<()> {
        if caller.is_admin || caller.roles.iter().any(|role| role.eq_ignore_ascii_case("service")) {
            return Ok(());
        }
        let Some(store) = location.store().and_then(|store| self.stores.get(store)) else {
            return Err(not_yours(image));
        };
        // What nobody's image is written to is nobody's secret: the filter of addresses decides.
        if !store.capability().write {
            return Ok(());
        }
        let made = store.find(image).await.map_err(ImageError::Store)?;
        if made.contains(&location.url) { Ok(()) } else { Err(not_yours(image)) }
    }

    /// The step that makes sure that an object is the data of one image: with the first of two images it would be lost to
    /// both, and the second one's owner could read the first one's data. The database keeps two images, on whatever
    /// nodes, from taking the same object at once. None for what nothing is written to.
    pub(in crate::service) fn claim_of(&self, location: &ImageLocation) -> Option<Change> {
        let store = location.store().and_then(|store| self.stores.get(store));
        let only_read = store.is_some_and(|store| !store.capability().write);
        (!only_read).then(|| Change::ClaimObject(location.url.clone()))
    }
}

/// Says the same whatever the reason: a client learns nothing of other images.
pub(in crate::service) fn not_yours(image: &ImageId) -> ImageError {
    ImageError::Invalid(format!(
        "Invalid location: the object is not marked as made for image {image} (a volume has metadata \
         glance_image_id={image}), or belongs to another one"
    ))
}
