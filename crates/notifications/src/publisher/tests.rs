// SPDX-License-Identifier: Apache-2.0
//! The publisher without a broker.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use scurry_config::{RabbitSettings, TransportUrl};
use serde_json::json;

use super::*;

#[derive(Debug, Default)]
struct Kept {
    events: Mutex<Vec<Waiting>>,
    taken_by_another: AtomicBool,
}

#[async_trait]
impl Outbox for Kept {
    async fn lease(&self, _owner: &str, _until: DateTime<Utc>) -> Result<bool, OutboxError> {
        Ok(!self.taken_by_another.load(Ordering::Relaxed))
    }

    async fn release(&self, _owner: &str) -> Result<(), OutboxError> {
        Ok(())
    }

    async fn oldest(&self, most: u64) -> Result<Vec<Waiting>, OutboxError> {
        Ok(self.events.lock().unwrap().iter().take(usize::try_from(most).unwrap()).cloned().collect())
    }

    async fn remove(&self, ids: &[i64]) -> Result<(), OutboxError> {
        self.events.lock().unwrap().retain(|event| !ids.contains(&event.id));
        Ok(())
    }

    async fn trim(&self, _most: u64, _before: DateTime<Utc>) -> Result<u64, OutboxError> {
        Ok(0)
    }

    async fn added(&self) {
        std::future::pending::<()>().await;
    }
}

fn work(outbox: Arc<Kept>, drivers: &[Driver], retry: Option<u32>) -> Work {
    // Nobody listens on the port of nothing.
    let transport = TransportUrl::parse("rabbit://u:p@127.0.0.1:1/").unwrap();
    let settings = Notifications {
        drivers: drivers.to_vec(),
        topics: vec!["notifications".to_owned(), "billing".to_owned()],
        retry,
        disabled: Vec::new(),
        publisher_id: "image.h".to_owned(),
        exchange: "glance".to_owned(),
        transport,
        rabbit: RabbitSettings::default(),
        max_waiting: 10,
        max_age: Duration::from_secs(60),
    };
    Work {
        outbox,
        settings,
        owner: "n1".to_owned(),
        hosts: vec![0],
        link: None,
        failures: 0,
        logged: i64::MIN,
        leads_until: None,
    }
}

fn kept(count: i64) -> Arc<Kept> {
    let event = |id| Waiting {
        id,
        message_id: format!("m{id}"),
        event_type: "image.update".to_owned(),
        priority: "INFO".to_owned(),
        payload: json!({}),
        created_at: Utc::now(),
    };
    Arc::new(Kept { events: Mutex::new((1..=count).map(event).collect()), ..Kept::default() })
}

#[tokio::test]
async fn what_only_the_log_wants_is_gone_after_a_round() {
    let outbox = kept(250);
    let mut work = work(Arc::clone(&outbox), &[Driver::Log], None);
    assert_eq!(work.work(&CancellationToken::new()).await, Duration::ZERO);
    assert!(outbox.events.lock().unwrap().is_empty());
    assert_eq!(work.logged, 250);
}

#[tokio::test]
async fn without_a_broker_everything_waits_and_pauses_grow() {
    let outbox = kept(3);
    let mut work = work(Arc::clone(&outbox), &[Driver::MessagingV2], None);
    let stop = CancellationToken::new();
    let pauses = [work.work(&stop).await, work.work(&stop).await, work.work(&stop).await];
    assert_eq!(pauses, [1, 3, 5].map(Duration::from_secs));
    assert_eq!(outbox.events.lock().unwrap().len(), 3);
    work.failures = 1000;
    assert_eq!(work.work(&stop).await, Duration::from_secs(30));
}

#[tokio::test]
async fn a_bounded_retry_gives_up() {
    let outbox = kept(3);
    let mut work = work(Arc::clone(&outbox), &[Driver::MessagingV2], Some(1));
    let stop = CancellationToken::new();
    work.work(&stop).await;
    assert_eq!(outbox.events.lock().unwrap().len(), 3);
    work.work(&stop).await;
    assert!(outbox.events.lock().unwrap().is_empty());
}

#[tokio::test]
async fn who_may_not_publish_leaves_everything() {
    let outbox = kept(3);
    outbox.taken_by_another.store(true, Ordering::Relaxed);
    let mut work = work(Arc::clone(&outbox), &[Driver::Log], None);
    assert_eq!(work.work(&CancellationToken::new()).await, Duration::ZERO);
    assert_eq!(outbox.events.lock().unwrap().len(), 3);
}

#[test]
fn each_topic_and_each_format_is_a_message() {
    let outbox = kept(2);
    let work = work(Arc::clone(&outbox), &[Driver::Log, Driver::MessagingV2, Driver::Messaging], None);
    let waiting = outbox.events.lock().unwrap().clone();
    let keys: Vec<_> = outgoing(&work.settings, &waiting).into_iter().map(|one| one.routing_key).collect();
    let each = ["notifications.info", "billing.info", "notifications.info", "billing.info"];
    assert_eq!(keys, [each, each].concat());
}
