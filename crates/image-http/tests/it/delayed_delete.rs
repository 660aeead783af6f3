// SPDX-License-Identifier: Apache-2.0
//! Deletions that wait for the scrubber.

use std::time::Duration;

use scurry_image::DelayedDelete;
use scurry_store::{Operation, StoreErrorKind};
use scurry_types::ImageId;
use serde_json::json;

use crate::support::TestApi;

/// The scrubber runs when the test says so: the one in the background sees nothing that is due.
async fn delaying(scrub_time: Duration) -> TestApi {
    TestApi::with(|options| {
        options.image.delayed_delete = DelayedDelete {
            enabled: true,
            scrub_time,
            wakeup_time: Duration::from_secs(86_400),
            ..DelayedDelete::default()
        };
    })
    .await
}

async fn scrubbed(api: &TestApi) -> (usize, usize) {
    let done = api.service().scrub().await.unwrap();
    (done.images, done.left)
}

fn id_of(id: &str) -> ImageId {
    id.parse().unwrap()
}

#[tokio::test]
async fn data_stays_until_the_scrubber_takes_it() {
    let api = delaying(Duration::ZERO).await;
    let id = api.active("alice", b"bytes").await;
    let path = format!("/v2/images/{id}");
    assert_eq!(api.call("alice", "DELETE", &path).send().await.status, 204);
    assert_eq!(api.get("alice", &path).await.status, 404);
    assert_eq!(api.get("admin", &path).await.status, 404);
    assert!(
        api.get("admin", "/v2/images?visibility=all").await.json()["images"].as_array().unwrap().is_empty()
    );
    assert_eq!(api.call("alice", "DELETE", &path).send().await.status, 404);
    assert_eq!(api.fast.urls().len(), 1);
    let again = api.call("alice", "POST", "/v2/images").json(&json!({"id": id})).await;
    again.refuses(409, "already exists");

    assert_eq!(scrubbed(&api).await, (1, 0));
    assert!(api.fast.urls().is_empty());
    assert_eq!(scrubbed(&api).await, (0, 0));
    let gone = api.service().restore(&id_of(&id)).await.unwrap_err().to_string();
    assert!(gone.contains("cannot restore the image from deleted to active"), "{gone}");
}

#[tokio::test]
async fn nothing_is_taken_before_its_time_and_an_image_without_data_does_not_wait() {
    let api = delaying(Duration::from_secs(3600)).await;
    let id = api.active("alice", b"bytes").await;
    let empty = api.create("alice", json!({})).await;
    for one in [&id, &empty] {
        assert_eq!(api.call("alice", "DELETE", &format!("/v2/images/{one}")).send().await.status, 204);
    }
    assert_eq!(scrubbed(&api).await, (0, 0));
    assert_eq!(api.fast.urls().len(), 1);
    let refused = api.service().restore(&id_of(&empty)).await.unwrap_err().to_string();
    assert!(refused.contains("from deleted to active"), "{refused}");
}

#[tokio::test]
async fn a_restored_image_is_whole_and_as_it_was() {
    let api = delaying(Duration::from_secs(3600)).await;
    let id = api.active("alice", b"bytes").await;
    let path = format!("/v2/images/{id}");
    let ops = json!([{"op": "add", "path": "/colour", "value": "red"}, {"op": "replace", "path": "/tags", "value": ["t"]}]);
    assert_eq!(api.patch("alice", &id, ops).await.status, 200);
    let share = api.call("alice", "POST", &format!("{path}/members")).json(&json!({"member": "bob"})).await;
    assert_eq!(share.status, 200);
    assert_eq!(api.call("admin", "POST", &format!("{path}/actions/deactivate")).send().await.status, 204);
    let before = api.get("alice", &path).await.json();

    // Deactivated images can be deleted too.
    assert_eq!(api.call("alice", "DELETE", &path).send().await.status, 204);
    assert_eq!(api.get("bob", &path).await.status, 404);
    api.service().restore(&id_of(&id)).await.unwrap();
    let mut after = api.get("alice", &path).await.json();
    after["updated_at"] = before["updated_at"].clone();
    assert_eq!(after, before);
    assert_eq!(after["status"], "deactivated");
    assert_eq!(api.get("bob", &path).await.status, 200);
    assert_eq!(api.get("admin", &format!("{path}/file")).await.body, b"bytes");
}

#[tokio::test]
async fn what_cannot_be_removed_is_tried_again() {
    let api = delaying(Duration::ZERO).await;
    let id = api.active("alice", b"bytes").await;
    assert_eq!(api.call("alice", "DELETE", &format!("/v2/images/{id}")).send().await.status, 204);
    api.fast.faults().fail_nth(Operation::Delete, 1, StoreErrorKind::Unavailable);
    assert_eq!(scrubbed(&api).await, (0, 1));
    assert_eq!(api.fast.urls().len(), 1);
    assert_eq!(scrubbed(&api).await, (1, 0));
    assert!(api.fast.urls().is_empty());
}

#[tokio::test]
async fn a_waiting_objects_is_nobody_elses() {
    let api = TestApi::with(|options| {
        options.image.delayed_delete.enabled = true;
        options.image.delayed_delete.scrub_time = Duration::from_secs(3600);
        options.image.show_multiple_locations = true;
    })
    .await;
    let id = api.active("alice", b"bytes").await;
    let url = api.fast.urls().remove(0);
    assert_eq!(api.call("alice", "DELETE", &format!("/v2/images/{id}")).send().await.status, 204);
    let other = api.create("admin", json!({"disk_format": "raw", "container_format": "bare"})).await;
    let ops = json!([{"op": "add", "path": "/locations/-", "value": {"url": url, "metadata": {}}}]);
    let answer = api.patch("admin", &other, ops).await;
    answer.refuses(400, "belongs to another one");
}
