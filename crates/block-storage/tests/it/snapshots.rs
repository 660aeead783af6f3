// SPDX-License-Identifier: Apache-2.0
//! Snapshots.

use http::Method;
use serde_json::json;

use crate::lab::{Lab, alice, bob};

#[tokio::test]
async fn a_snapshot_keeps_what_was() {
    let lab = Lab::new().await;
    let id = lab.make(json!({ "size": 1, "volume_type": "pure" })).await;
    lab.write(&id, 0, b"then").await;
    let body = json!({ "snapshot": { "volume_id": id, "name": "s", "metadata": { "a": "b" } } });
    let (status, body) = lab.post("/v3/snapshots", body).await;
    assert_eq!(status, 202, "{body}");
    let snapshot = body["snapshot"]["id"].as_str().unwrap().to_owned();
    lab.wait("snapshots", &snapshot, "available").await;
    lab.write(&id, 0, b"now!").await;
    let restored = lab.make(json!({ "snapshot_id": snapshot, "size": 2 })).await;
    assert_eq!(lab.read(&restored, 0, 4).await, b"then");
    assert_eq!(lab.read(&id, 0, 4).await, b"now!");

    let (_, body) = lab.get(&format!("/v3/snapshots/detail?volume_id={id}")).await;
    let seen = &body["snapshots"][0];
    assert_eq!(seen["os-extended-snapshot-attributes:progress"], "100%");
    assert_eq!((seen["metadata"]["a"].as_str(), seen["size"].as_i64()), (Some("b"), Some(1)));
    let path = format!("/v3/snapshots/{snapshot}");
    assert_eq!(lab.call(Method::GET, &path, &bob(), 71, None).await.0, 404);

    assert_eq!(lab.delete(&format!("/v3/volumes/{id}")).await.0, 400);
    let body = json!({ "snapshot": { "name": "t" } });
    let (_, body) = lab.call(Method::PUT, &path, &alice(), 71, Some(body)).await;
    assert_eq!(body["snapshot"]["name"], "t");
    assert_eq!(lab.delete(&path).await.0, 202);
    lab.wait_gone("snapshots", &snapshot).await;
    assert_eq!(lab.delete(&format!("/v3/volumes/{id}")).await.0, 202);
    lab.wait_gone("volumes", &id).await;
    assert_eq!(lab.read(&restored, 0, 4).await, b"then");
}

#[tokio::test]
async fn cascade_takes_the_snapshots_along() {
    let lab = Lab::new().await;
    let id = lab.make(json!({ "size": 1, "volume_type": "pure" })).await;
    let (_, body) = lab.post("/v3/snapshots", json!({ "snapshot": { "volume_id": id } })).await;
    let snapshot = body["snapshot"]["id"].as_str().unwrap().to_owned();
    lab.wait("snapshots", &snapshot, "available").await;
    assert_eq!(lab.delete(&format!("/v3/volumes/{id}?cascade=True")).await.0, 202);
    lab.wait_gone("volumes", &id).await;
    lab.wait_gone("snapshots", &snapshot).await;
    assert!(lab.files("puredriver-1").is_empty());
}

#[tokio::test]
async fn a_volume_in_use_needs_force_before_3_66() {
    let lab = Lab::new().await;
    let id = lab.make(json!({ "size": 1 })).await;
    let attachment = lab.attach(&id, "ro").await;
    let complete = format!("/v3/attachments/{}/action", attachment["id"].as_str().unwrap());
    lab.post(&complete, json!({ "os-complete": {} })).await;
    let ask = |minor: u16, force: Option<bool>| {
        let mut body = json!({ "snapshot": { "volume_id": id } });
        if let Some(force) = force {
            body["snapshot"]["force"] = force.into();
        }
        let lab = &lab;
        async move { lab.call(Method::POST, "/v3/snapshots", &alice(), minor, Some(body)).await.0.as_u16() }
    };
    assert_eq!(ask(65, None).await, 400);
    assert_eq!(ask(65, Some(true)).await, 202);
    assert_eq!(ask(66, None).await, 202);
    assert_eq!(ask(66, Some(false)).await, 400);
}

#[tokio::test]
async fn a_snapshot_of_a_replicated_volume_lies_on_the_first_copy_only() {
    let lab = Lab::new().await;
    let id = lab.make(json!({ "size": 1, "volume_type": "replicated" })).await;
    lab.write(&id, 0, b"both").await;
    let (_, body) = lab.post("/v3/snapshots", json!({ "snapshot": { "volume_id": id } })).await;
    let snapshot = body["snapshot"]["id"].as_str().unwrap().to_owned();
    lab.wait("snapshots", &snapshot, "available").await;
    let names = |backend: &str, part: &str| lab.files(backend).iter().any(|name| name.contains(part));
    assert!(names("puredriver-3", &snapshot) && !names("puredriver-2", &snapshot));
    let of_snapshot = lab.make(json!({ "snapshot_id": snapshot })).await;
    assert!(names("puredriver-3", &of_snapshot) && names("puredriver-2", &of_snapshot));
    assert_eq!(lab.read(&of_snapshot, 0, 4).await, b"both");
}
