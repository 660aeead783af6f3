// SPDX-License-Identifier: Apache-2.0
//! Whose an object is that a client wants to register as an image's data.

use scurry_types::{ImageId, StoreId};

use crate::caller::Caller;
use crate::error::ImageError;
use crate::image::ImageLocation;
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

    /// An object is the data of one image: with the first of two images it would be lost to both, and the second
    /// one's owner could read the first one's data. Held until the change is made, the lock given to
    /// [`Core::registering`] keeps two images from taking the same object at once.
    pub(in crate::service) async fn check_unclaimed(
        &self,
        image: &ImageId,
        location: &ImageLocation,
    ) -> Answer<()> {
        let store = location.store().unwrap_or_default().into();
        let only_read =
            |store: &StoreId| self.stores.get(store.as_str()).is_some_and(|store| !store.capability().write);
        if only_read(&store) {
            return Ok(());
        }
        let written = self.images.journal(None, None).await?;
        let others = self.images.is_anothers(&location.url, image).await?
            || written
                .iter()
                .any(|row| row.image != *image && row.url.as_deref() == Some(location.url.as_str()));
        if others { Err(not_yours(image)) } else { Ok(()) }
    }
}

/// Says the same whatever the reason: a client learns nothing of other images.
fn not_yours(image: &ImageId) -> ImageError {
    ImageError::Invalid(format!(
        "Invalid location: the object is not marked as made for image {image} (a volume has metadata \
         glance_image_id={image}), or belongs to another one"
    ))
}
