// SPDX-License-Identifier: Apache-2.0
//! Leases, and the engine over the real table.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{TimeDelta, Utc};
use scurry_image_db::Database;
use scurry_jobs::{
    Engine, EngineSettings, Handler, Job, JobContext, JobRepository, JobState, NewJob, Outcome,
};
use scurry_types::{ImageId, JobId};
use serde_json::{Value, json};

use scurry_testkit::DatabaseKind;

use crate::{database, on_every_database};

fn job(payload: Value) -> NewJob {
    NewJob {
        id: JobId::random(),
        kind: "test".to_owned(),
        image_id: Some(ImageId::random()),
        payload,
        claimed: None,
        kept_for: None,
    }
}

/// Does what the payload says: fails that often, then waits to be stopped or ends.
#[derive(Debug, Default)]
struct Worker {
    runs: Mutex<HashMap<String, u32>>,
    given_up: AtomicU32,
}

#[async_trait]
impl Handler for Worker {
    fn kind(&self) -> &'static str {
        "test"
    }

    fn max_attempts(&self) -> Option<u32> {
        Some(3)
    }

    async fn run(&self, job: &Job, context: &JobContext) -> Outcome {
        let run = {
            let mut runs = self.runs.lock().unwrap();
            let run = runs.entry(job.id.to_string()).or_default();
            *run += 1;
            *run
        };
        assert!(context.checkpoint(&json!(run)).await.unwrap());
        if job.payload["wait"] == true {
            context.stop.cancelled().await;
            return Outcome::Interrupted;
        }
        if u64::from(run) <= job.payload["failures"].as_u64().unwrap_or(0) {
            return Outcome::Retry(format!("failure {run}"));
        }
        Outcome::Done
    }

    async fn give_up(&self, _job: &Job, _context: &JobContext, _reason: &str) {
        self.given_up.fetch_add(1, Ordering::SeqCst);
    }
}

fn engine(db: &Database, worker: &Arc<Worker>) -> Engine {
    let settings = EngineSettings {
        owner: "here".to_owned(),
        poll: Duration::from_millis(3),
        back_off: Duration::from_millis(1),
        ..EngineSettings::default()
    };
    Engine::new(Arc::new(db.clone()), settings, [Arc::clone(worker) as Arc<dyn Handler>])
}

async fn until(db: &Database, id: &JobId, state: JobState) -> Job {
    loop {
        let job = JobRepository::get(db, id).await.unwrap().unwrap();
        if job.state == state {
            return job;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn a_job_is_retried_and_given_up_when_its_attempts_are_used_up(kind: DatabaseKind) {
    let (_dir, db) = database(kind).await;
    let worker = Arc::new(Worker::default());
    let engine = engine(&db, &worker);
    engine.start().await.unwrap();
    let (good, bad) = (job(json!({"failures": 2})), job(json!({"failures": 9})));
    db.enqueue(&good).await.unwrap();
    db.enqueue(&bad).await.unwrap();
    engine.wake();
    let done = until(&db, &good.id, JobState::Succeeded).await;
    assert_eq!((done.attempts, done.checkpoint), (3, json!(3)));
    let failed = until(&db, &bad.id, JobState::Failed).await;
    assert_eq!(failed.last_error.as_deref(), Some("failure 3"));
    assert_eq!(worker.given_up.load(Ordering::SeqCst), 1);
    engine.shutdown().await;
}

async fn an_interrupted_job_is_resumed_by_the_next_life(kind: DatabaseKind) {
    let (_dir, db) = database(kind).await;
    let worker = Arc::new(Worker::default());
    let first = engine(&db, &worker);
    first.start().await.unwrap();
    let waiting = job(json!({"wait": true}));
    db.enqueue(&waiting).await.unwrap();
    first.wake();
    until(&db, &waiting.id, JobState::Running).await;
    first.shutdown().await;
    let left = JobRepository::get(&db, &waiting.id).await.unwrap().unwrap();
    assert_eq!((left.state, left.attempts), (JobState::Pending, 0));
    let second = engine(&db, &worker);
    second.start().await.unwrap();
    until(&db, &waiting.id, JobState::Running).await;
    second.stop_image(waiting.image_id.as_ref().unwrap());
    second.shutdown().await;
}

async fn a_lease_belongs_to_one_until_it_runs_out(kind: DatabaseKind) {
    let (_dir, db) = database(kind).await;
    let new = job(Value::Null);
    db.enqueue(&new).await.unwrap();
    let kinds = ["test".to_owned()];
    let now = Utc::now();
    let until = now + TimeDelta::seconds(60);
    let claims: Vec<_> = ["a", "b", "c", "d"]
        .map(|owner| {
            let (db, kinds) = (db.clone(), kinds.clone());
            tokio::spawn(async move { db.claim(owner, &kinds, now, until).await.unwrap() })
        })
        .into();
    let mut won = Vec::new();
    for claim in claims {
        won.extend(claim.await.unwrap());
    }
    assert_eq!(won.len(), 1);
    let owner = won[0].lease_owner.clone().unwrap();
    assert!(db.heartbeat(&new.id, &owner, until).await.unwrap());
    assert!(!db.heartbeat(&new.id, "other", until).await.unwrap());
    assert!(db.claim("other", &kinds, until - TimeDelta::seconds(1), until).await.unwrap().is_none());
    let taken = db.claim("other", &kinds, until, until + TimeDelta::seconds(60)).await.unwrap().unwrap();
    assert_eq!(taken.attempts, 2);
    assert!(!db.finish(&new.id, &owner, JobState::Succeeded, None).await.unwrap());
    assert!(db.put_back(&new.id, "other", until, Some("later"), true).await.unwrap());
    assert!(db.claim("other", &kinds, now, until).await.unwrap().is_none(), "it is not due yet");
    let again = db.claim("here", &kinds, until, until).await.unwrap().unwrap();
    assert_eq!(again.last_error.as_deref(), Some("later"));
    assert_eq!(db.drop_leases("here").await.unwrap(), 1);
    assert_eq!(JobRepository::get(&db, &new.id).await.unwrap().unwrap().state, JobState::Pending);
}

async fn a_job_is_kept_for_the_node_that_has_what_it_needs(kind: DatabaseKind) {
    let (_dir, db) = database(kind).await;
    let (now, kinds) = (Utc::now(), ["test".to_owned()]);
    let until = now + TimeDelta::seconds(60);
    let new = NewJob { kept_for: Some(("b".to_owned(), until)), ..job(Value::Null) };
    db.enqueue(&new).await.unwrap();
    assert!(db.claim("a", &kinds, now, until).await.unwrap().is_none());
    assert_eq!(db.claim("a", &kinds, until, until).await.unwrap().unwrap().attempts, 1, "not forever");
    assert!(db.hand_over(&new.id, "a", "b", until + TimeDelta::seconds(60)).await.unwrap());
    assert!(!db.hand_over(&new.id, "a", "a", until).await.unwrap());
    assert!(db.claim("a", &kinds, until, until).await.unwrap().is_none());
    let taken = db.claim("b", &kinds, now, until).await.unwrap().unwrap();
    assert_eq!((taken.attempts, taken.lease_owner.as_deref()), (1, Some("b")));
    assert!(db.claim("b", &kinds, now, until).await.unwrap().is_none(), "it is leased");
}

on_every_database!(
    a_job_is_kept_for_the_node_that_has_what_it_needs,
    a_job_is_retried_and_given_up_when_its_attempts_are_used_up,
    an_interrupted_job_is_resumed_by_the_next_life,
    a_lease_belongs_to_one_until_it_runs_out,
);
