// SPDX-License-Identifier: Apache-2.0
//! Adding and removing a tag.

use scurry_types::ImageId;

use super::core::Core;
use super::{Answer, ImageService};
use crate::caller::Caller;
use crate::error::ImageError;
use crate::ports::{Change, Guard, Outcome};

impl ImageService {
    /// Adds a tag; one that is there already stays.
    pub async fn add_tag(&self, caller: &Caller, id: &ImageId, tag: &str) -> Answer<()> {
        let image = self.core.own(caller, id, "modify_image").await?;
        if image.tags.contains(tag) {
            return Ok(());
        }
        Core::at_most("tags", image.tags.len() + 1, self.core.settings.quotas.tags)?;
        let change = [Change::AddTag(tag.to_owned())];
        match self.core.images.change(id, &Guard::default(), &change).await? {
            Outcome::Done => Ok(()),
            Outcome::Refused | Outcome::Taken => Err(ImageError::no_image(id)),
        }
    }

    /// Removes a tag.
    pub async fn remove_tag(&self, caller: &Caller, id: &ImageId, tag: &str) -> Answer<()> {
        self.core.own(caller, id, "modify_image").await?;
        let change = [Change::RemoveTag(tag.to_owned())];
        match self.core.images.change(id, &Guard::default(), &change).await? {
            Outcome::Done => Ok(()),
            Outcome::Refused | Outcome::Taken => {
                Err(ImageError::NotFound("The resource could not be found.".to_owned()))
            }
        }
    }
}
