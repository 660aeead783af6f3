// SPDX-License-Identifier: Apache-2.0
//! Takes events from where they wait to the bus, in their order, one process at a time.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rand::seq::SliceRandom;
use scurry_config::{NotificationDriver as Driver, Notifications};
use scurry_types::with_causes;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::message::{body, notification, routing_key};
use crate::outbox::{Outbox, OutboxError, Waiting};
use crate::rabbit::{Link, LinkError, Outgoing};

/// Events published at once: what is sent again after a crash is no more than what oslo.messaging's consumers remember
/// to have seen.
const BATCH: u64 = 16;
/// Events given up at once where `retry` is spent.
const LOST: u64 = 1000;
/// How long this process may publish; asked for again when half of it is over, which is longer than a batch takes.
const LEASE: TimeDelta = TimeDelta::seconds(60);
/// How often the outbox is looked at without being told: other processes add to it as well.
const LOOK: Duration = Duration::from_secs(1);
/// Longest time it may take to end.
const PARTING: Duration = Duration::from_secs(5);
/// How often what waits too long is looked for.
const TRIM: Duration = Duration::from_secs(60);

/// The task that publishes.
#[derive(Debug)]
pub struct Publisher {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Publisher {
    /// Begins to publish; `owner` is this process among those on the database.
    #[must_use]
    pub fn start(outbox: Arc<dyn Outbox>, settings: Notifications, owner: String) -> Self {
        let stop = CancellationToken::new();
        let mut hosts: Vec<usize> = (0..settings.transport.hosts.len()).collect();
        hosts.shuffle(&mut rand::rng());
        let work = Work {
            outbox,
            settings,
            owner,
            hosts,
            link: None,
            failures: 0,
            logged: i64::MIN,
            leads_until: None,
        };
        let stopped = stop.clone();
        Self { stop, task: tokio::spawn(work.run(stopped)) }
    }

    /// Ends it; what was not published waits for the next start, or another process.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        match tokio::time::timeout(PARTING, &mut self.task).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the publisher of notifications ended badly"),
            Err(_) => self.task.abort(),
        }
    }
}

/// Why a round did not go well.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    #[error(transparent)]
    Link(#[from] LinkError),
}

#[derive(Debug)]
struct Work {
    outbox: Arc<dyn Outbox>,
    settings: Notifications,
    /// Name of this process among those on the database.
    owner: String,
    /// Brokers, the next one to be tried first.
    hosts: Vec<usize>,
    link: Option<Link>,
    /// Rounds that failed since the last one that did not.
    failures: u32,
    /// The last event written into the log.
    logged: i64,
    /// How long this process has the right to publish.
    leads_until: Option<DateTime<Utc>>,
}

impl Work {
    async fn run(mut self, stop: CancellationToken) {
        let mut trim = tokio::time::interval(TRIM);
        trim.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let outbox = Arc::clone(&self.outbox);
        let mut pause = Duration::ZERO;
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = trim.tick() => self.trim().await,
                () = wait(&*outbox, pause) => pause = self.work(&stop).await,
            }
        }
        if self.failures == 0 {
            // What the last requests told; a bus that cannot be reached is not waited for.
            self.work(&CancellationToken::new()).await;
        }
        if let Some(link) = self.link.take() {
            link.close().await;
        }
        self.step_back().await;
    }

    /// Publishes all there is; how long to rest before the next round (zero: until there is something).
    async fn work(&mut self, stop: &CancellationToken) -> Duration {
        loop {
            match self.round().await {
                Ok(true) if !stop.is_cancelled() => {}
                Ok(_) => return Duration::ZERO,
                Err(problem) => return self.failed(&problem).await,
            }
        }
    }

    /// Publishes some; `false` when nothing is left that this process may publish.
    async fn round(&mut self) -> Result<bool, Problem> {
        if self.outbox.oldest(1).await?.is_empty() {
            self.failures = 0;
            return Ok(false);
        }
        let used_before = self.link.is_some();
        // Who cannot reach a broker leaves it to those that can.
        let link = self.connected().await?;
        if !self.lead().await? {
            self.link = link;
            return Ok(false);
        }
        let waiting = self.outbox.oldest(BATCH).await?;
        self.log(&waiting);
        if let Some(mut link) = link {
            match link.publish(&self.settings, &outgoing(&self.settings, &waiting)).await {
                Ok(()) => self.link = Some(link),
                // The broker may have been away since: a new connection tells.
                Err(error) if used_before => {
                    tracing::info!(
                        error = with_causes(&error),
                        "the connection to the message bus is made anew"
                    );
                    return Ok(true);
                }
                Err(error) => return Err(error.into()),
            }
        }
        let ids: Vec<i64> = waiting.iter().map(|event| event.id).collect();
        self.outbox.remove(&ids).await?;
        self.failures = 0;
        Ok(true)
    }

    /// Takes the right to publish, or renews it in time.
    async fn lead(&mut self) -> Result<bool, OutboxError> {
        if self.leads_until.is_some_and(|until| until - Utc::now() > LEASE / 2) {
            return Ok(true);
        }
        let until = Utc::now() + LEASE;
        let leads = self.outbox.lease(&self.owner, until).await?;
        self.leads_until = leads.then_some(until);
        Ok(leads)
    }

    async fn step_back(&mut self) {
        if self.leads_until.take().is_some()
            && let Err(error) = self.outbox.release(&self.owner).await
        {
            tracing::warn!(%error, "another process cannot publish notifications for a while");
        }
    }

    fn log(&mut self, waiting: &[Waiting]) {
        if !self.settings.drivers.contains(&Driver::Log) {
            return;
        }
        for event in waiting.iter().filter(|event| event.id > self.logged) {
            let text = notification(event, &self.settings.publisher_id);
            if event.priority == "ERROR" {
                tracing::error!(target: "oslo.messaging.notification", event = event.event_type, "{text}");
            } else {
                tracing::info!(target: "oslo.messaging.notification", event = event.event_type, "{text}");
            }
        }
        self.logged = waiting.last().map_or(self.logged, |event| self.logged.max(event.id));
    }

    /// The connection there is, or a new one; `None` where no driver needs a bus.
    async fn connected(&mut self) -> Result<Option<Link>, LinkError> {
        match self.link.take() {
            Some(link) => Ok(Some(link)),
            None if self.settings.drivers.iter().any(|driver| driver.needs_bus()) => {
                self.connect().await.map(Some)
            }
            None => Ok(None),
        }
    }

    async fn connect(&mut self) -> Result<Link, LinkError> {
        let mut last = LinkError::Silent;
        for _ in 0..self.hosts.len() {
            let Some(host) = self.hosts.first().and_then(|at| self.settings.transport.hosts.get(*at)) else {
                break;
            };
            match Link::open(&self.settings, host, &self.owner).await {
                Ok(link) => {
                    tracing::info!(host = host.host, port = host.port, "connected to the message bus");
                    return Ok(link);
                }
                Err(error) => {
                    tracing::warn!(
                        host = host.host,
                        port = host.port,
                        error = with_causes(&error),
                        "a message broker cannot be used"
                    );
                    last = error;
                    self.hosts.rotate_left(1);
                }
            }
        }
        Err(last)
    }

    /// What follows a round that failed: where `retry` has a bound, an end; else a pause, longer each time.
    async fn failed(&mut self, problem: &Problem) -> Duration {
        let rabbit = &self.settings.rabbit;
        let grown = rabbit.retry_backoff.saturating_mul(self.failures);
        let pause = rabbit.retry_interval.saturating_add(grown).min(rabbit.interval_max);
        self.failures = self.failures.saturating_add(1);
        tracing::warn!(
            error = with_causes(problem),
            pause_seconds = pause.as_secs(),
            "notifications wait: they cannot be published"
        );
        if matches!(problem, Problem::Link(_)) && self.settings.retry.is_some_and(|most| self.failures > most)
        {
            self.drop_some().await;
        }
        // Another process may reach a broker.
        self.step_back().await;
        pause.max(Duration::from_millis(100))
    }

    /// `retry` is spent: the events that were to be published are lost, as the operator chose.
    async fn drop_some(&mut self) {
        let dropped = async {
            let waiting = self.outbox.oldest(LOST).await?;
            let ids: Vec<i64> = waiting.iter().map(|event| event.id).collect();
            self.outbox.remove(&ids).await?;
            Ok::<_, OutboxError>(ids.len())
        };
        match dropped.await {
            Ok(count) => tracing::error!(
                count,
                "notifications are lost: [oslo_messaging_notifications] retry is spent"
            ),
            Err(error) => tracing::warn!(error = with_causes(&error), "notifications cannot be removed"),
        }
    }

    async fn trim(&self) {
        let age = TimeDelta::from_std(self.settings.max_age).unwrap_or(TimeDelta::MAX);
        let before = Utc::now().checked_sub_signed(age).unwrap_or_default();
        match self.outbox.trim(self.settings.max_waiting, before).await {
            Ok(0) => {}
            Ok(count) => {
                tracing::warn!(count, "the oldest notifications are lost: too many wait, or too long");
            }
            Err(error) => {
                tracing::warn!(error = with_causes(&error), "the notifications that wait cannot be counted");
            }
        }
    }
}

/// Ends when there may be something to do: after the pause, or as soon as something is added.
async fn wait(outbox: &dyn Outbox, pause: Duration) {
    if pause.is_zero() {
        tokio::select! {
            () = outbox.added() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    } else {
        tokio::time::sleep(pause).await;
    }
}

/// Every message that tells of these events.
fn outgoing(settings: &Notifications, waiting: &[Waiting]) -> Vec<Outgoing> {
    let mut messages = Vec::new();
    for event in waiting {
        for driver in settings.drivers.iter().filter(|driver| driver.needs_bus()) {
            for topic in &settings.topics {
                let routing_key = routing_key(topic, &event.priority);
                let body = body(event, &settings.publisher_id, *driver, &routing_key);
                messages.push(Outgoing { routing_key, body });
            }
        }
    }
    messages
}

#[cfg(test)]
mod tests;
