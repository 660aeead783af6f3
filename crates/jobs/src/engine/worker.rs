// SPDX-License-Identifier: Apache-2.0
//! From a claimed job to its end: heartbeats, the handler, retries.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::{Engine, JobContext, Outcome, Running, delta};
use crate::job::{Job, JobState};
use crate::repository::JobStoreError;

/// Longest time until a node hears that a job is not its own any more, because its image was deleted for example.
const BEAT: Duration = Duration::from_secs(3);

impl Engine {
    /// Claims due jobs while there are free slots.
    pub(super) async fn claim_until_shutdown(&self) {
        let inner = &self.inner;
        let kinds: Vec<String> = inner.handlers.keys().map(|&kind| kind.to_owned()).collect();
        loop {
            let slot = tokio::select! {
                () = inner.shutdown.cancelled() => return,
                slot = Arc::clone(&inner.slots).acquire_owned() => slot,
            };
            let Ok(slot) = slot else { return };
            match inner.jobs.claim(&inner.settings.owner, &kinds, inner.jobs.now(), self.lease_end()).await {
                Ok(Some(job)) => {
                    let engine = self.clone();
                    inner.tracker.spawn(async move {
                        engine.work(job).await;
                        drop(slot);
                    });
                    continue;
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(error = %with_cause(&error), "no jobs can be claimed"),
            }
            drop(slot);
            tokio::select! {
                () = inner.shutdown.cancelled() => return,
                () = inner.wake.notified() => {}
                () = tokio::time::sleep(inner.settings.poll) => {}
            }
        }
    }

    /// One attempt at a job this node has leased.
    pub(super) async fn work(&self, job: Job) -> Outcome {
        let inner = &self.inner;
        let Some(handler) = inner.handlers.get(job.kind.as_str()).cloned() else {
            return Outcome::Retry(format!("no handler for jobs of kind {}", job.kind));
        };
        let stop = inner.shutdown.child_token();
        self.running().insert(job.id.clone(), Running { image: job.image_id.clone(), stop: stop.clone() });
        let context = JobContext {
            stop: stop.clone(),
            id: job.id.clone(),
            owner: inner.settings.owner.clone(),
            jobs: Arc::clone(&inner.jobs),
        };
        let ended = CancellationToken::new();
        let beating = self.beat(&job, &stop, &ended);
        let running = async {
            let mut outcome = handler.run(&job, &context).await;
            let used_up = handler.max_attempts().is_some_and(|most| job.attempts >= most);
            if let (Outcome::Retry(reason), true) = (&outcome, used_up) {
                handler.give_up(&job, &context, reason).await;
                outcome = Outcome::Failed(reason.clone());
            }
            let closed = self.close(&job, &outcome).await;
            ended.cancel();
            if let Err(error) = closed {
                tracing::warn!(job = %job.id, error = %with_cause(&error), "the end of a job cannot be noted");
            }
            outcome
        };
        let (outcome, ()) = tokio::join!(running, beating);
        self.running().remove(&job.id);
        outcome
    }

    async fn close(&self, job: &Job, outcome: &Outcome) -> Result<(), JobStoreError> {
        let (jobs, owner) = (&self.inner.jobs, self.inner.settings.owner.as_str());
        let still_ours = match outcome {
            Outcome::Done => jobs.finish(&job.id, owner, JobState::Succeeded, None).await?,
            Outcome::Failed(reason) => jobs.finish(&job.id, owner, JobState::Failed, Some(reason)).await?,
            Outcome::Retry(reason) => {
                let pause = self.pause_after(job.attempts);
                tracing::warn!(job = %job.id, kind = %job.kind, attempt = job.attempts, ?pause, reason, "a job is tried again later");
                jobs.put_back(&job.id, owner, jobs.now() + delta(pause), Some(reason), true).await?
            }
            Outcome::Elsewhere(node) => jobs.hand_over(&job.id, owner, node, self.keep_end()).await?,
            Outcome::Interrupted => jobs.put_back(&job.id, owner, jobs.now(), None, false).await?,
        };
        if !still_ours {
            tracing::info!(job = %job.id, kind = %job.kind, "a job ended that was no longer leased here");
        }
        Ok(())
    }

    fn pause_after(&self, attempts: u32) -> Duration {
        let settings = &self.inner.settings;
        let factor = 2_u32.saturating_pow(attempts.saturating_sub(1));
        settings.back_off.saturating_mul(factor).min(settings.back_off_max)
    }

    /// Keeps the lease; a lost one stops the handler, and so does one that could not be renewed before it ran out:
    /// another node may have the job by then.
    async fn beat(&self, job: &Job, stop: &CancellationToken, ended: &CancellationToken) {
        let inner = &self.inner;
        let lease = inner.settings.lease;
        let pause = (lease / 3).clamp(Duration::from_millis(1), BEAT);
        let mut renewed = Instant::now();
        loop {
            tokio::select! {
                () = ended.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            let asked = Instant::now();
            match inner.jobs.heartbeat(&job.id, &inner.settings.owner, self.lease_end()).await {
                Ok(true) => renewed = asked,
                Ok(false) => {
                    stop.cancel();
                    ended.cancelled().await;
                    return;
                }
                Err(error) => {
                    tracing::warn!(job = %job.id, error = %with_cause(&error), "a lease cannot be prolonged");
                    if renewed.elapsed() >= lease {
                        stop.cancel();
                    }
                }
            }
        }
    }
}

fn with_cause(error: &JobStoreError) -> String {
    format!("{error}: {}", error.source)
}
