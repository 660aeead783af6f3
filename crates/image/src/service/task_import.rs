// SPDX-License-Identifier: Apache-2.0
//! `POST /v2/tasks` of type `import`: an image made and filled by a task.

use chrono::{SubsecRound, Utc};
use scurry_jobs::NewJob;
use scurry_types::{ImageId, JobId, TaskStatus};
use serde_json::Value;

use super::jobs::{IMPORT, ImportPayload, Source, TaskImage};
use super::{Answer, ImageService};
use crate::caller::Caller;
use crate::error::ImageError;
use crate::image::NewImage;
use crate::task::Task;

/// A task of type `import` as it was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportTask {
    /// `import_from`.
    pub from: Option<String>,
    /// The image, or what is wrong with the input: Glance accepts such a task, and lets it fail.
    pub image: Result<NewImage, String>,
    /// The whole input, to be shown.
    pub input: Value,
}

impl ImageService {
    /// Accepts a task that makes an image from an address.
    pub async fn import_task(&self, caller: &Caller, asked: ImportTask) -> Answer<Task> {
        let core = &self.core;
        let url = address(asked.from.as_deref())?;
        let text = format!("URI for legacy import task does not pass filtering: {url}");
        core.check_address(&url, text).await?;
        let now = Utc::now().trunc_subsecs(6);
        let mut task = Task {
            id: JobId::random(),
            kind: "import".to_owned(),
            status: TaskStatus::Pending,
            owner: caller.project.clone(),
            image_id: None,
            request_id: Some(caller.request_id.chars().take(64).collect()),
            user_id: caller.user.clone(),
            input: Some(asked.input),
            result: None,
            message: String::new(),
            expires_at: None,
            created_at: now,
            updated_at: now,
        };
        let new = match asked.image {
            Ok(new) => new,
            Err(reason) => {
                let failed = core.task_state(TaskStatus::Failure, reason);
                (task.status, task.message, task.expires_at) =
                    (failed.status, failed.message, failed.expires_at);
                core.images.add_task(&task, None).await?;
                return Ok(task);
            }
        };
        let payload = ImportPayload {
            source: Source::Url { url },
            stores: vec![core.stores.default_id().clone()],
            must_succeed: true,
            project: caller.project.clone(),
            inject: core.settings.import_plugins.properties(&caller.roles),
            makes: Some(Box::new(TaskImage {
                project: caller.project.clone(),
                user: caller.user.clone(),
                request_id: caller.request_id.clone(),
                new: NewImage { id: None, ..new.clone() },
            })),
        };
        let job = NewJob {
            id: task.id.clone(),
            kind: IMPORT.to_owned(),
            image_id: Some(new.id.unwrap_or_else(ImageId::random)),
            payload: payload.to_json(),
            claimed: None,
            kept_for: None,
        };
        core.images.add_task(&task, Some(&job)).await?;
        core.crash.pass("import.accepted").await;
        self.engine.wake();
        Ok(task)
    }
}

/// The address of `import_from`, with Glance's words for what is none.
fn address(from: Option<&str>) -> Answer<String> {
    let refuse = |text: String| Err(ImageError::Invalid(text));
    let lower = from.unwrap_or_default().to_ascii_lowercase();
    match from {
        None => refuse("Invalid location: None".to_owned()),
        Some("") => refuse("Invalid location: ".to_owned()),
        Some(url) if lower.starts_with("http://") || lower.starts_with("https://") => Ok(url.to_owned()),
        Some(_) if lower.starts_with("file:///") || lower.starts_with("filesystem:///") => refuse(
            "File based imports are not allowed. Please use a non-local source of image data.".to_owned(),
        ),
        Some(_) => refuse(
            "The given uri is not valid. Please specify a valid uri from the following list of supported uri \
             ['http']"
                .to_owned(),
        ),
    }
}
