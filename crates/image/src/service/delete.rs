// SPDX-License-Identifier: Apache-2.0
//! Deleting an image: its rows at once, its objects right after.

use scurry_jobs::{NewJob, Outcome as Ended};
use scurry_types::{ImageId, ImageStatus, JobId, TaskStatus};
use serde_json::json;

use super::jobs::{COPY, DELETE, DeletePayload, Doomed, HASH, IMPORT, claimed, resumes};
use super::{Answer, ImageService};
use crate::caller::Caller;
use crate::error::ImageError;
use crate::image::Image;
use crate::ports::{Change, Guard, Outcome};

fn protected(id: &ImageId) -> ImageError {
    ImageError::Forbidden(format!("Image {id} is protected and cannot be deleted."))
}

impl ImageService {
    /// Deletes an image and its data. Objects that cannot be removed now are removed by a job later; an
    /// object that is in use keeps the image.
    pub async fn delete(&self, caller: &Caller, id: &ImageId) -> Answer<()> {
        // The image may change between reading and deleting it; what is removed must be what it had.
        for _ in 0..10 {
            let image = self.core.own(caller, id, "delete_image").await?;
            if image.protected {
                return Err(protected(id));
            }
            if !image.status.can_go(ImageStatus::Deleted) {
                return Err(ImageError::Invalid(format!(
                    "Image status transition from {} to deleted is not allowed",
                    image.status
                )));
            }
            let upload = self.core.images.upload_session(id).await?;
            let delayed = self.core.delayed(&image);
            let job = self.deletion(&image);
            let guard = Guard {
                states: vec![image.status],
                unprotected: true,
                unchanged_since: Some(image.updated_at),
                ..Guard::default()
            };
            let waits = delayed.is_some();
            let mut changes = delayed.unwrap_or_else(|| vec![Change::Delete, Change::Enqueue(job.clone())]);
            changes.extend([COPY, IMPORT, HASH].map(Change::CancelJobs));
            changes.push(Change::CloseSession(None));
            // A job that waits for its next attempt would never tell.
            for open in self.core.jobs.open_jobs(id).await?.into_iter().filter(|open| resumes(&open.kind)) {
                let text = "The image was deleted".to_owned();
                changes.push(Change::Task(open.id, self.core.task_state(TaskStatus::Failure, text)));
            }
            if self.core.images.change(id, &guard, &changes).await? == Outcome::Done {
                // Whoever still writes for the image clears up after itself when it finds the image gone.
                self.core.stop_upload(id);
                self.engine.stop_image(id);
                self.core.drop_cached(id).await;
                if let Some(upload) = upload {
                    self.core.clear_session(&upload).await?;
                }
                return if waits {
                    self.core.remove_staged(id).await
                } else {
                    self.remove_objects(id, job).await
                };
            }
        }
        Err(ImageError::Conflict(format!("Image {id} is being changed by others, try again")))
    }

    fn deletion(&self, image: &Image) -> NewJob {
        let doomed = image.locations.iter().cloned().map(|location| Doomed { location }).collect();
        let payload = DeletePayload { status: image.status, doomed };
        NewJob {
            id: JobId::random(),
            kind: DELETE.to_owned(),
            image_id: Some(image.id.clone()),
            payload: json!(payload),
            claimed: Some((self.engine.owner().to_owned(), self.engine.lease_end())),
            kept_for: None,
        }
    }

    async fn remove_objects(&self, id: &ImageId, job: NewJob) -> Answer<()> {
        self.core.crash.pass("delete.marked").await;
        match self.engine.run_claimed(claimed(job)).await {
            Ended::Done | Ended::Retry(_) | Ended::Interrupted | Ended::Elsewhere(_) => Ok(()),
            Ended::Failed(reason) => Err(ImageError::Conflict(format!(
                "Image {id} could not be deleted because it is in use: {reason}"
            ))),
        }
    }
}
