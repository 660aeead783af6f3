// SPDX-License-Identifier: Apache-2.0
//! Withholding an image's bytes, and giving them free again.

use scurry_types::{ImageId, ImageStatus};

use super::{Answer, ImageService};
use crate::caller::Caller;
use crate::error::ImageError;
use crate::ports::{Change, Guard, Outcome};

impl ImageService {
    /// Keeps everybody but administrators from an image's bytes. Done twice, it changes nothing.
    pub async fn deactivate(&self, caller: &Caller, id: &ImageId) -> Answer<()> {
        self.switch(caller, id, "deactivate", ImageStatus::Active, ImageStatus::Deactivated).await
    }

    /// Takes that back. Done twice, it changes nothing.
    pub async fn reactivate(&self, caller: &Caller, id: &ImageId) -> Answer<()> {
        self.switch(caller, id, "reactivate", ImageStatus::Deactivated, ImageStatus::Active).await
    }

    async fn switch(
        &self,
        caller: &Caller,
        id: &ImageId,
        action: &str,
        from: ImageStatus,
        to: ImageStatus,
    ) -> Answer<()> {
        let image = self.core.own(caller, id, action).await?;
        if image.status == to {
            return Ok(());
        }
        if image.status == from {
            let guard = Guard::states(&[from, to]);
            if self.core.images.change(id, &guard, &[Change::Status(to)]).await? == Outcome::Done {
                if to == ImageStatus::Deactivated {
                    self.core.drop_cached(id).await;
                }
                return Ok(());
            }
        }
        let now = self.core.visible(caller, id).await?;
        Err(ImageError::Forbidden(format!("Not allowed to {action} image in status '{}'", now.status)))
    }
}
