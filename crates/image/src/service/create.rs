// SPDX-License-Identifier: Apache-2.0
//! Creating an image.

use chrono::{SubsecRound, Utc};
use scurry_types::{ImageId, ImageStatus};

use super::core::Core;
use super::quota::Resource;
use super::{Answer, ImageService};
use crate::caller::Caller;
use crate::error::ImageError;
use crate::image::{Image, NewImage, reserved};
use crate::ports::Outcome;

impl ImageService {
    /// Creates an image. The caller's policy rights (`add_image`, `publicize_image`, …) are checked before.
    pub async fn create(&self, caller: &Caller, new: NewImage) -> Answer<Image> {
        let core = &self.core;
        let _turn = core.reservations.turn(caller.project.as_ref()).await;
        let image = core.draft(caller, new).await?;
        match core.images.create(&image).await? {
            Outcome::Done => Ok(image),
            Outcome::Taken | Outcome::Refused => {
                Err(ImageError::Conflict(format!("Image ID {} already exists!", image.id)))
            }
        }
    }
}

impl Core {
    /// An image as it may be created, within the limits. Only for whoever has the project's turn.
    pub(super) async fn draft(&self, caller: &Caller, new: NewImage) -> Answer<Image> {
        self.enforce(caller.project.as_ref(), Resource::CountTotal, 1).await?;
        let quotas = &self.settings.quotas;
        Core::at_most("properties", new.properties.len(), quotas.properties)?;
        Core::at_most("tags", new.tags.len(), quotas.tags)?;
        if let Some(name) = new.properties.keys().find(|name| name.starts_with(reserved::PREFIX)) {
            return Err(ImageError::Forbidden(format!("Attribute '{name}' is reserved.")));
        }
        let owner = new.owner.or_else(|| caller.project.clone());
        if !caller.is_admin && owner != caller.project {
            let owner = owner.map(|owner| owner.to_string()).unwrap_or_default();
            return Err(ImageError::Forbidden(format!(
                "You are not permitted to create images owned by '{owner}'"
            )));
        }
        let now = Utc::now().trunc_subsecs(6);
        Ok(Image {
            id: new.id.unwrap_or_else(ImageId::random),
            name: new.name,
            status: ImageStatus::Queued,
            visibility: new.visibility,
            protected: new.protected,
            os_hidden: new.os_hidden,
            owner,
            container_format: new.container_format,
            disk_format: new.disk_format,
            min_disk: new.min_disk,
            min_ram: new.min_ram,
            size: None,
            virtual_size: None,
            checksum: None,
            os_hash_algo: None,
            os_hash_value: None,
            created_at: now,
            updated_at: now,
            properties: new.properties,
            tags: new.tags,
            locations: Vec::new(),
        })
    }
}
