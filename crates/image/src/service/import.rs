// SPDX-License-Identifier: Apache-2.0
//! `POST …/import`: checks, takes hold of the image, and leaves the work to a job.

use std::sync::PoisonError;

use chrono::{SubsecRound, Utc};
use scurry_jobs::{JobState, NewJob};
use scurry_types::{ImageId, ImageStatus, JobId, StoreId, TaskStatus};
use serde_json::json;

use super::core::Core;
use super::jobs::{COPY, IMPORT, ImportPayload, Remote, Source, claimed};
use super::quota::Resource;
use super::{Answer, ImageService};
use crate::caller::Caller;
use crate::error::ImageError;
use crate::image::{Image, reserved};
use crate::import::{ImportMethod, ImportRequest, RemoteImage};
use crate::ports::{Change, Guard, Outcome};
use crate::task::Task;

fn conflict<T>(text: impl Into<String>) -> Answer<T> {
    Err(ImageError::Conflict(text.into()))
}

impl ImageService {
    /// Accepts an import; the id is of the task that does it (`None`: nothing is left to do).
    pub async fn import(
        &self,
        caller: &Caller,
        id: &ImageId,
        request: ImportRequest,
    ) -> Answer<Option<JobId>> {
        let method = request.method.as_str();
        if !self.core.settings.enabled_import_methods.iter().any(|one| one == method) {
            return Err(ImageError::Invalid(format!("Unknown import method name '{method}'.")));
        }
        self.core.enforce(caller.project.as_ref(), Resource::SizeTotal, 0).await?;
        // Policy may let others than the owner copy an image they see.
        let image = match request.method {
            ImportMethod::CopyImage => self.core.visible(caller, id).await?,
            _ => self.core.own(caller, id, "modify_image").await?,
        };
        check_state(&image, &request.method)?;
        let stores = self.target_stores(&image, &request)?;
        if stores.is_empty() {
            return Ok(None);
        }
        let source = self.source(&request.method).await?;
        let task = new_task(caller, id, &request, &stores);
        let mut job = NewJob {
            id: task.id.clone(),
            kind: if request.method == ImportMethod::CopyImage { COPY } else { IMPORT }.to_owned(),
            image_id: Some(id.clone()),
            payload: ImportPayload {
                source,
                makes: None,
                stores: stores.clone(),
                must_succeed: request.all_stores_must_succeed,
                project: caller.project.clone(),
                inject: self.core.settings.import_plugins.properties(&caller.roles),
            }
            .to_json(),
            claimed: None,
            kept_for: None,
        };
        if request.method == ImportMethod::GlanceDirect {
            // Only that node has the bytes, unless the staging directory is shared.
            let node = self.core.images.staged_on(id).await?;
            job.kept_for = node.map(|node| (node, self.engine.keep_end()));
        }
        let here = matches!(request.method, ImportMethod::GlanceDownload(_));
        if here {
            // Only this node has the user's token.
            job.claimed = Some((self.engine.owner().to_owned(), self.engine.lease_end()));
        }
        let task_id = task.id.clone();
        if let ImportMethod::GlanceDownload(remote) = &request.method {
            let mut tokens = self.core.tokens.lock().unwrap_or_else(PoisonError::into_inner);
            tokens.insert(task_id.clone(), remote.token.clone());
        }
        if let Err(error) = self.accept(&image, &request.method, &stores, task, job.clone()).await {
            self.core.tokens.lock().unwrap_or_else(PoisonError::into_inner).remove(&task_id);
            return Err(error);
        }
        self.core.crash.pass("import.accepted").await;
        if here {
            let engine = self.engine.clone();
            tokio::spawn(async move { engine.run_claimed(claimed(job)).await });
        } else {
            self.engine.wake();
        }
        Ok(Some(task_id))
    }

    /// What the job will read. An address must pass the filter now, and again when it is connected to.
    async fn source(&self, method: &ImportMethod) -> Answer<Source> {
        match method {
            ImportMethod::GlanceDirect | ImportMethod::CopyImage => Ok(Source::Staged),
            ImportMethod::WebDownload { uri } => {
                let text = format!("URI for web-download does not pass filtering: {uri}");
                self.core.check_address(uri, text).await?;
                Ok(Source::Url { url: uri.clone() })
            }
            ImportMethod::GlanceDownload(remote) => Ok(Source::Remote(asked(remote)?)),
        }
    }

    pub(super) fn target_stores(&self, image: &Image, request: &ImportRequest) -> Answer<Vec<StoreId>> {
        let registry = &self.core.stores;
        let mut stores: Vec<StoreId> = Vec::new();
        if request.all_stores {
            let writable = registry.iter().filter(|store| store.capability().write);
            stores.extend(writable.map(|store| store.facts().id.clone()));
        } else if request.stores.is_empty() {
            stores.push(registry.default_id().clone());
        }
        for store in request.stores.iter().filter(|_| !request.all_stores) {
            match registry.get(store.as_str()) {
                None => return conflict(format!("Store for identifier {store} not found")),
                Some(found) if !found.capability().write => {
                    return Err(ImageError::Invalid(format!("Store {store} is read-only")));
                }
                Some(_) if stores.contains(store) => {}
                Some(_) => stores.push(store.clone()),
            }
        }
        if request.method != ImportMethod::CopyImage {
            return Ok(stores);
        }
        if request.all_stores {
            stores.retain(|store| image.location_in(store.as_str()).is_none());
        } else if let Some(there) = stores.iter().find(|store| image.location_in(store.as_str()).is_some()) {
            return Err(ImageError::Invalid(format!("Image is already present at store '{there}'")));
        }
        Ok(stores)
    }

    /// Takes hold of the image and enqueues the job, in one transaction.
    async fn accept(
        &self,
        image: &Image,
        method: &ImportMethod,
        stores: &[StoreId],
        task: Task,
        job: NewJob,
    ) -> Answer<()> {
        let id = &image.id;
        let names: Vec<&str> = stores.iter().map(StoreId::as_str).collect();
        let mut changes =
            vec![Change::ClaimProperty(reserved::IMPORT_TASK.to_owned(), task.id.as_str().to_owned())];
        let mut guard = Guard::states(&[ImageStatus::Active]);
        if *method != ImportMethod::CopyImage {
            let from = if *method == ImportMethod::GlanceDirect {
                ImageStatus::Uploading
            } else {
                ImageStatus::Queued
            };
            guard = Guard::states(&[from]);
            changes.push(Change::Status(ImageStatus::Importing));
            changes.extend(image.refused_locations());
        }
        changes.extend([
            Change::SetProperty(reserved::IMPORTING_TO.to_owned(), names.join(",")),
            Change::SetProperty(reserved::FAILED_IMPORT.to_owned(), String::new()),
            Change::AddTask(task),
            Change::Enqueue(job),
        ]);
        // A second round only after the hold of a dead task was taken away.
        for _ in 0..2 {
            match self.core.images.change(id, &guard, &changes).await? {
                Outcome::Done => return Ok(()),
                Outcome::Refused => {
                    let image = self.core.images.get(id).await?.ok_or_else(|| ImageError::no_image(id))?;
                    check_state(&image, method)?;
                    return conflict("Image has active task");
                }
                Outcome::Taken => self.drop_dead_hold(id).await?,
            }
        }
        conflict("Image has active task")
    }

    /// Takes away the hold of a task that no job works on (Glance left it behind). Refuses for a live one.
    async fn drop_dead_hold(&self, id: &ImageId) -> Answer<()> {
        let core = &self.core;
        let image = core.images.get(id).await?.ok_or_else(|| ImageError::no_image(id))?;
        let Some(holder) = image.held_by().map(JobId::from) else { return Ok(()) };
        let job = core.jobs.get(&holder).await?;
        if job.is_some_and(|job| matches!(job.state, JobState::Pending | JobState::Running)) {
            return conflict("Image has active task");
        }
        tracing::warn!(image.id = %id, job.id = %holder, "the hold of a task nobody works on is dropped");
        let steps = [Change::RemoveProperty(reserved::IMPORT_TASK.to_owned())];
        let guard = Guard::default().held_by(&holder);
        let _ = core.images.change(id, &guard, &steps).await?;
        Ok(())
    }
}

impl Core {
    /// Refuses an address that the filter does not let pass, with the text the client is to see.
    pub(super) async fn check_address(&self, url: &str, text: String) -> Answer<()> {
        let Some(outbound) = &self.outbound else { return Err(ImageError::Invalid(text)) };
        outbound.check(url).await.map_err(|error| {
            tracing::info!(reason = %error, "an address does not pass the filter");
            ImageError::Invalid(text)
        })
    }
}

fn asked(remote: &RemoteImage) -> Answer<Remote> {
    let needed = |name: &str, value: &Option<String>| {
        value.clone().ok_or_else(|| {
            let text = format!("'{name}' needs to be set for glance-download import method");
            ImageError::Invalid(text)
        })
    };
    let region = needed("glance_region", &remote.region)?;
    let image = needed("glance_image_id", &remote.image)?;
    if uuid::Uuid::try_parse(&image).is_err() {
        return Err(ImageError::Invalid(format!("Remote image id does not look like a UUID: {image}")));
    }
    Ok(Remote { image, region, interface: remote.interface.clone(), endpoint: remote.endpoint.clone() })
}

pub(super) fn check_state(image: &Image, method: &ImportMethod) -> Answer<()> {
    match (method, image.status) {
        (ImportMethod::CopyImage, ImageStatus::Active) => {}
        (ImportMethod::CopyImage, _) => {
            return conflict("Only images with status active can be targeted for copying");
        }
        (_, ImageStatus::Active) => {
            return conflict("Image with status active cannot be target for import");
        }
        (ImportMethod::GlanceDirect, ImageStatus::Uploading) if image.size.is_some() => {}
        (ImportMethod::GlanceDirect, _) => {
            return conflict("Image needs to be staged before 'glance-direct' method can be used");
        }
        (_, ImageStatus::Queued) => {}
        (other, _) => {
            let name = other.as_str();
            return conflict(format!("Image needs to be in 'queued' state to use '{name}' method"));
        }
    }
    for (name, format) in [("container_format", &image.container_format), ("disk_format", &image.disk_format)]
    {
        if format.is_none() {
            return conflict(format!("'{name}' needs to be set before import"));
        }
    }
    Ok(())
}

fn new_task(caller: &Caller, id: &ImageId, request: &ImportRequest, stores: &[StoreId]) -> Task {
    let now = Utc::now().trunc_subsecs(6);
    let mut method = json!({"name": request.method.as_str()});
    if let ImportMethod::WebDownload { uri } = &request.method {
        method["uri"] = json!(uri);
    }
    if let ImportMethod::GlanceDownload(remote) = &request.method {
        method["glance_region"] = json!(remote.region);
        method["glance_image_id"] = json!(remote.image);
        method["glance_service_interface"] = json!(remote.interface);
    }
    let mut asked = json!({"method": method});
    if !request.stores.is_empty() {
        asked["stores"] = json!(request.stores);
    }
    if request.all_stores {
        asked["all_stores"] = json!(true);
    }
    if !request.all_stores_must_succeed {
        asked["all_stores_must_succeed"] = json!(false);
    }
    let input = json!({"image_id": id, "import_req": asked, "backend": stores});
    Task {
        id: JobId::random(),
        kind: "api_image_import".to_owned(),
        status: TaskStatus::Pending,
        owner: caller.project.clone(),
        image_id: Some(id.clone()),
        request_id: Some(caller.request_id.chars().take(64).collect()),
        user_id: caller.user.clone(),
        input: Some(input),
        result: None,
        message: String::new(),
        expires_at: None,
        created_at: now,
        updated_at: now,
    }
}
