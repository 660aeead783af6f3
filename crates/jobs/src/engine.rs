// SPDX-License-Identifier: Apache-2.0
//! The engine that claims jobs, keeps their leases alive and runs their handlers.

mod worker;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use scurry_types::{ImageId, JobId};
use serde_json::Value;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::job::Job;
use crate::repository::{JobRepository, JobStoreError};

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The job is done.
    Done,
    /// The job failed for good; the handler has undone what had to be undone.
    Failed(String),
    /// Worth another attempt after a while; after the last attempt [`Handler::give_up`] is asked.
    Retry(String),
    /// Stopped because it was told to; begun again by whoever claims the job next.
    Interrupted,
    /// That node has what the job needs: it is kept for it for a while.
    Elsewhere(String),
}

/// Works on jobs of one kind.
#[async_trait]
pub trait Handler: fmt::Debug + Send + Sync + 'static {
    /// The kind of jobs it takes.
    fn kind(&self) -> &'static str;

    /// Attempts before [`Handler::give_up`]; `None` never gives up.
    fn max_attempts(&self) -> Option<u32>;

    /// Does the work, from wherever an earlier attempt left it.
    async fn run(&self, job: &Job, context: &JobContext) -> Outcome;

    /// Undoes a job whose attempts are used up.
    async fn give_up(&self, job: &Job, context: &JobContext, reason: &str);
}

/// What a running handler can ask of the engine.
#[derive(Debug, Clone)]
pub struct JobContext {
    /// Cancelled when the work should stop: shutdown, a lost lease, or a cancelled job.
    pub stop: CancellationToken,
    pub(crate) id: JobId,
    pub(crate) owner: String,
    pub(crate) jobs: Arc<dyn JobRepository>,
}

impl JobContext {
    /// Keeps how far the work is; `false` when the job is no longer ours.
    pub async fn checkpoint(&self, value: &Value) -> Result<bool, JobStoreError> {
        self.jobs.checkpoint(&self.id, &self.owner, value).await
    }
}

/// How the engine behaves.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// Name of this node in leases.
    pub owner: String,
    /// How long a lease holds without a heartbeat; heartbeats come three times as often at least.
    pub lease: Duration,
    /// How long a job is kept for the node it was handed over to before others look at it again.
    pub keep: Duration,
    /// How often due jobs are looked for when nobody announces one.
    pub poll: Duration,
    /// Jobs worked on at the same time.
    pub concurrent: usize,
    /// Pause after the first failed attempt; doubled after each further one.
    pub back_off: Duration,
    /// Longest pause.
    pub back_off_max: Duration,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            owner: "local".to_owned(),
            lease: Duration::from_secs(60),
            keep: Duration::from_secs(30),
            poll: Duration::from_secs(2),
            concurrent: 16,
            back_off: Duration::from_secs(2),
            back_off_max: Duration::from_secs(300),
        }
    }
}

/// Runs jobs on this node.
#[derive(Debug, Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    jobs: Arc<dyn JobRepository>,
    settings: EngineSettings,
    handlers: HashMap<&'static str, Arc<dyn Handler>>,
    wake: Notify,
    slots: Arc<Semaphore>,
    tracker: TaskTracker,
    /// Cancelled when the node goes down.
    shutdown: CancellationToken,
    running: Mutex<HashMap<JobId, Running>>,
}

#[derive(Debug)]
struct Running {
    image: Option<ImageId>,
    stop: CancellationToken,
}

impl Engine {
    /// An engine that does nothing until [`Engine::start`].
    pub fn new(
        jobs: Arc<dyn JobRepository>,
        settings: EngineSettings,
        handlers: impl IntoIterator<Item = Arc<dyn Handler>>,
    ) -> Self {
        let handlers = handlers.into_iter().map(|handler| (handler.kind(), handler)).collect();
        let slots = Arc::new(Semaphore::new(settings.concurrent.max(1)));
        Self {
            inner: Arc::new(Inner {
                jobs,
                settings,
                handlers,
                wake: Notify::new(),
                slots,
                tracker: TaskTracker::new(),
                shutdown: CancellationToken::new(),
                running: Mutex::new(HashMap::new()),
            }),
        }
    }

    /// Name of this node in leases.
    #[must_use]
    pub fn owner(&self) -> &str {
        &self.inner.settings.owner
    }

    /// Until when a lease taken now holds.
    #[must_use]
    pub fn lease_end(&self) -> DateTime<Utc> {
        self.inner.jobs.now() + delta(self.inner.settings.lease)
    }

    /// Until when a job enqueued now is kept for one node.
    #[must_use]
    pub fn keep_end(&self) -> DateTime<Utc> {
        self.inner.jobs.now() + delta(self.inner.settings.keep)
    }

    /// Begins to claim and run jobs, those an earlier life of this node left behind first.
    pub async fn start(&self) -> Result<(), JobStoreError> {
        let left = self.inner.jobs.drop_leases(&self.inner.settings.owner).await?;
        if left > 0 {
            tracing::info!(jobs = left, "jobs of an earlier life of this node are resumed");
        }
        let engine = self.clone();
        self.inner.tracker.spawn(async move { engine.claim_until_shutdown().await });
        Ok(())
    }

    /// Says that a job was enqueued, so that it need not wait for the next look.
    pub fn wake(&self) {
        self.inner.wake.notify_one();
    }

    /// Stops what this node does for an image; the handlers see [`JobContext::stop`].
    pub fn stop_image(&self, image: &ImageId) {
        for running in self.running().values() {
            if running.image.as_ref() == Some(image) {
                running.stop.cancel();
            }
        }
    }

    /// Runs a job whose lease the caller took when it enqueued it, and says how it ended.
    pub async fn run_claimed(&self, job: Job) -> Outcome {
        // In a task of its own: the one who asked may go away, the job may not.
        let engine = self.clone();
        let task = self.inner.tracker.spawn(async move { engine.work(job).await });
        task.await.unwrap_or_else(|error| Outcome::Retry(format!("the attempt ended abruptly: {error}")))
    }

    /// Stops claiming, lets handlers come to a stop and returns when they have.
    pub async fn shutdown(&self) {
        self.inner.shutdown.cancel();
        for running in self.running().values() {
            running.stop.cancel();
        }
        self.inner.tracker.close();
        self.inner.tracker.wait().await;
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<JobId, Running>> {
        self.inner.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A duration for adding to points in time; the longest there is when it does not fit.
fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}
