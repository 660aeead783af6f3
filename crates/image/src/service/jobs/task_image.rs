// SPDX-License-Identifier: Apache-2.0
//! The image that a task of type `import` makes before it imports anything.

use scurry_types::{ImageId, ImageStatus, JobId, ProjectId, UserId};
use serde::{Deserialize, Serialize};

use super::{Core, ImportPayload};
use crate::caller::Caller;
use crate::image::{NewImage, reserved};
use crate::ports::Outcome;
use crate::service::Answer;

/// What a task makes, and for whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::service) struct TaskImage {
    pub(in crate::service) new: NewImage,
    pub(in crate::service) project: Option<ProjectId>,
    pub(in crate::service) user: Option<UserId>,
    pub(in crate::service) request_id: String,
}

impl Core {
    /// Makes the task's image, held by the task from its first moment. One that was made before is left alone.
    pub(super) async fn make_task_image(
        &self,
        id: &ImageId,
        job: &JobId,
        payload: &ImportPayload,
    ) -> Answer<()> {
        let Some(makes) = &payload.makes else { return Ok(()) };
        if self.images.status(id).await?.is_some() {
            return Ok(());
        }
        let caller = Caller {
            project: makes.project.clone(),
            user: makes.user.clone(),
            is_admin: true,
            roles: Vec::new(),
            request_id: makes.request_id.clone(),
        };
        let _turn = self.reservations.turn(caller.project.as_ref()).await;
        let mut image = self.draft(&caller, makes.new.clone()).await?;
        image.id = id.clone();
        image.status = ImageStatus::Importing;
        let names: Vec<&str> = payload.stores.iter().map(|store| store.as_str()).collect();
        image.properties.insert(reserved::IMPORT_TASK.to_owned(), job.as_str().to_owned());
        image.properties.insert(reserved::IMPORTING_TO.to_owned(), names.join(","));
        // Taken means that it was made just now, by an attempt that was thought dead.
        let (Outcome::Done | Outcome::Taken | Outcome::Refused) = self.images.create(&image).await?;
        self.crash.pass("import.image-made").await;
        Ok(())
    }
}
