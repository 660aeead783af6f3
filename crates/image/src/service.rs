// SPDX-License-Identifier: Apache-2.0
//! The use cases, one file each.

mod activation;
mod cache;
mod copy_plan;
mod core;
mod crash;
mod create;
mod delete;
mod download;
mod import;
mod intake;
mod jobs;
mod leftovers;
mod locations;
mod members;
mod nodes;
mod placing;
mod quota;
mod read;
mod recover;
mod scrub;
mod signature;
mod stage;
mod staging;
mod tags;
mod task_import;
mod tasks;
mod update;
mod upload;
mod upload_session;

use std::sync::Arc;

use scurry_jobs::{Engine, EngineSettings, Handler, JobRepository};
use scurry_store::Registry;
use tokio_util::task::TaskTracker;

pub use self::cache::{CachePart, Pruned};
pub use self::copy_plan::CopyOutlook;
use self::core::Core;
#[cfg(any(test, feature = "crash-points"))]
pub use self::crash::CrashPoints;
#[cfg(not(any(test, feature = "crash-points")))]
use self::crash::CrashPoints;
use self::placing::Ask;
pub use self::quota::Usage;
pub use self::recover::Orphan;
pub use self::scrub::Scrubbed;
pub use self::task_import::ImportTask;
use crate::error::ImageError;
use crate::metadef::Metadefs;
use crate::ports::{ImageRepository, Limits, MetadefRepository, Outbound};
use crate::settings::ImageSettings;

type Answer<T> = Result<T, ImageError>;

/// What the service is made of.
#[derive(Debug)]
pub struct ServiceParts {
    /// The images' database.
    pub images: Arc<dyn ImageRepository>,
    /// The jobs' database (the same one).
    pub jobs: Arc<dyn JobRepository>,
    /// The metadata definitions' database (the same one).
    pub metadefs: Arc<dyn MetadefRepository>,
    /// The stores.
    pub stores: Registry,
    /// Project limits; `None` when `use_keystone_limits` is off.
    pub limits: Option<Arc<dyn Limits>>,
    /// Addresses that clients name; without it nothing is imported from them.
    pub outbound: Option<Arc<dyn Outbound>>,
    /// Options.
    pub settings: ImageSettings,
}

/// The image service. Clones share everything.
#[derive(Debug, Clone)]
pub struct ImageService {
    core: Arc<Core>,
    metadefs: Metadefs,
    engine: Engine,
    /// Uploads that outlive their requests.
    tracker: TaskTracker,
}

impl ImageService {
    /// Puts the service together. Nothing runs before [`ImageService::start`].
    #[must_use]
    pub fn new(parts: ServiceParts) -> Self {
        let metadefs = Metadefs::new(Arc::clone(&parts.metadefs));
        let core = Arc::new(Core::new(parts));
        let handlers: [Arc<dyn Handler>; 6] = [
            Arc::new(jobs::CopyJob::new(Arc::clone(&core))),
            Arc::new(jobs::ImportJob::new(Arc::clone(&core))),
            Arc::new(jobs::DeleteJob::new(Arc::clone(&core))),
            Arc::new(jobs::HashJob::new(Arc::clone(&core))),
            Arc::new(jobs::ClearJob::new(Arc::clone(&core))),
            Arc::new(jobs::OwnerJob::new(Arc::clone(&core))),
        ];
        let settings = EngineSettings {
            owner: core.settings.node_id.clone(),
            concurrent: core.settings.concurrent_jobs,
            back_off: core.settings.job_back_off,
            ..EngineSettings::default()
        };
        let engine = Engine::new(Arc::clone(&core.jobs), settings, handlers);
        Self { core, metadefs, engine, tracker: TaskTracker::new() }
    }

    /// Clears up what an earlier life of this node left unfinished, then begins to work on jobs. To be
    /// awaited before the first request is served.
    pub async fn start(&self) -> Answer<()> {
        self.recover().await?;
        if let Some(cache) = &self.core.cache {
            cache.prepare().await?;
            self.tracker.spawn(Arc::clone(&self.core).tend_cache());
        }
        self.engine.start().await?;
        self.place_volumes_in_background();
        self.look_after_nodes();
        self.scrub_in_background();
        self.expire_tasks_in_background();
        self.expire_uploads_in_background();
        Ok(())
    }

    /// Asks block storage for the stores of volumes whose locations name none.
    fn place_volumes_in_background(&self) {
        let core = Arc::clone(&self.core);
        self.tracker.spawn(async move {
            let stopped = core.stopping.clone();
            tokio::select! {
                () = stopped.cancelled() => {}
                placed = core.place_locations(Ask::Volumes) => if let Err(error) = placed {
                    tracing::warn!(error = error.reason(), "the stores of some locations were not found");
                }
            }
        });
    }

    /// Lets uploads and jobs come to a stop; returns when they have. Interrupted uploads leave their images
    /// `queued`, or can be gone on with; interrupted jobs are resumed at the next start.
    pub async fn shutdown(&self) {
        self.core.stopping.cancel();
        self.tracker.close();
        self.tracker.wait().await;
        self.engine.shutdown().await;
    }

    /// The stores, in the operator's order.
    #[must_use]
    pub fn stores(&self) -> &Registry {
        &self.core.stores
    }

    /// The metadata definitions.
    #[must_use]
    pub fn metadefs(&self) -> &Metadefs {
        &self.metadefs
    }

    /// The options in force.
    #[must_use]
    pub fn settings(&self) -> &ImageSettings {
        &self.core.settings
    }

    /// Where tests stop the service.
    #[cfg(any(test, feature = "crash-points"))]
    #[must_use]
    pub fn crash_points(&self) -> &CrashPoints {
        &self.core.crash
    }

    /// Runs a use case in a task of its own: the client may go away half way, the use case may not.
    async fn outlive<T: Send + 'static>(
        &self,
        work: impl Future<Output = Answer<T>> + Send + 'static,
    ) -> Answer<T> {
        match self.tracker.spawn(work).await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::error!(%error, "a use case ended abruptly");
                Err(ImageError::Unavailable {
                    text: "the request was interrupted".to_owned(),
                    retry_after: None,
                })
            }
        }
    }
}
