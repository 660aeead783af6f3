// SPDX-License-Identifier: Apache-2.0
//! Project limits, word for word as Glance and Keystone's limit library say them.

use std::sync::Arc;

use async_trait::async_trait;
use scurry_image::ports::{Limits, LimitsError};
use scurry_types::ProjectId;
use serde_json::json;

use crate::support::TestApi;

/// One limit for all: images, 1 MiB of everything else.
#[derive(Debug)]
struct Fixed {
    images: i64,
}

#[async_trait]
impl Limits for Fixed {
    async fn limit(&self, _project: &ProjectId, resource: &str) -> Result<i64, LimitsError> {
        Ok(if resource == "image_count_total" { self.images } else { 1 })
    }
}

async fn limited(images: i64) -> TestApi {
    TestApi::with(|options| options.limits = Some(Arc::new(Fixed { images }))).await
}

#[tokio::test]
async fn an_image_too_many_is_413_in_both_shapes() {
    let api = limited(0).await;
    let text = "The request returned a 413 Request Entity Too Large. This generally means that rate limiting or a \
                quota threshold was breached.\n\nThe response body:\nProject alice is over a limit for [Resource \
                image_count_total is over limit of 0 due to current usage 0 and delta 1]";
    let html = api.call("alice", "POST", "/v2/images").json(&json!({})).await;
    html.refuses(413, &format!("  <h1>413 Request Entity Too Large</h1>\n  {text}<br /><br />"));
    let call = api.call("alice", "POST", "/v2/images").header("accept", "application/json");
    let answer = call.json(&json!({})).await;
    assert_eq!(
        answer.json(),
        json!({
            "message": format!("{text}<br /><br />\n\n\n"),
            "code": "413 Request Entity Too Large",
            "title": "Request Entity Too Large",
        })
    );
}

#[tokio::test]
async fn an_upload_over_the_limit_leaves_nothing() {
    let api = limited(5).await;
    let id = api.create("alice", json!({"disk_format": "raw", "container_format": "bare"})).await;
    static DATA: [u8; 3 << 20] = [7; 3 << 20];
    let answer = api.call("alice", "PUT", &format!("/v2/images/{id}/file")).octets(&DATA).await;
    let text = "Project alice is over a limit for [Resource image_size_total is over limit of 1 due to current usage \
                0 and delta 3]";
    answer.refuses(413, text);
    assert!(api.fast.urls().is_empty());
    assert_eq!(api.get("alice", &format!("/v2/images/{id}")).await.json()["status"], "queued");
}

#[tokio::test]
async fn usage_is_shown_with_its_limits() {
    let api = limited(5).await;
    api.create("alice", json!({})).await;
    let usage = api.get("alice", "/v2/info/usage").await.json();
    assert_eq!(usage["usage"]["image_count_total"], json!({"usage": 1, "limit": 5}));
    assert_eq!(usage["usage"]["image_size_total"], json!({"usage": 0, "limit": 1}));
}

static MEBIBYTE: [u8; 1 << 20] = [7; 1 << 20];

/// `user_storage_quota` of that many MiB.
async fn quota(mebibytes: u64) -> TestApi {
    TestApi::with(|options| options.image.user_storage_quota = Some(mebibytes << 20)).await
}

async fn raw(api: &TestApi, user: &str) -> String {
    api.create(user, json!({"disk_format": "raw", "container_format": "bare"})).await
}

#[tokio::test]
async fn the_storage_quota_counts_every_copy() {
    let api = quota(3).await;
    let full = async |id: &str| {
        let path = format!("/v2/images/{id}/file");
        api.call("alice", "PUT", &path).octets(&MEBIBYTE).await
    };
    let first = raw(&api, "alice").await;
    assert_eq!(full(&first).await.status, 204);
    let copy = json!({"method": {"name": "copy-image"}, "stores": ["slow"]});
    let answer = api.call("admin", "POST", &format!("/v2/images/{first}/import")).json(&copy).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert_eq!(api.settled(&first).await["stores"], "fast,slow");
    let second = raw(&api, "alice").await;
    assert_eq!(full(&second).await.status, 204);

    let third = raw(&api, "alice").await;
    full(&third).await.refuses(
        413,
        "Image exceeds the storage quota: The size of the data 1048576 will exceed the limit. 0 bytes remaining.",
    );
    assert_eq!(api.fast.urls().len(), 2);
    assert_eq!(api.get("alice", &format!("/v2/images/{third}")).await.json()["status"], "queued");
    // Another project has its own; an administrator uses up the owner's.
    let bobs = raw(&api, "bob").await;
    let path = format!("/v2/images/{bobs}/file");
    assert_eq!(api.call("bob", "PUT", &path).octets(&MEBIBYTE).await.status, 204);
    let path = format!("/v2/images/{third}/file");
    assert_eq!(api.call("admin", "PUT", &path).octets(&MEBIBYTE).await.status, 413);

    // A copy that does not fit fails as a task, and changes nothing.
    let copy = json!({"method": {"name": "copy-image"}, "stores": ["slow"]});
    let answer = api.call("admin", "POST", &format!("/v2/images/{second}/import")).json(&copy).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert_eq!(api.settled(&second).await["stores"], "fast");
    let tasks = api.get("admin", &format!("/v2/images/{second}/tasks")).await.json();
    let message = tasks["tasks"][0]["message"].as_str().unwrap();
    assert!(message.contains("The size of the data 2097152 will exceed the limit"), "{message}");

    // What is deleted makes room.
    assert_eq!(api.call("alice", "DELETE", &format!("/v2/images/{first}")).send().await.status, 204);
    assert_eq!(full(&third).await.status, 204);
}

#[tokio::test]
async fn an_upload_of_unknown_length_ends_at_the_quota() {
    let api = quota(2).await;
    let id = raw(&api, "alice").await;
    let chunks = futures::stream::iter((0..3).map(|_| Ok::<_, std::io::Error>(&MEBIBYTE[..])));
    let call = api.call("alice", "PUT", &format!("/v2/images/{id}/file"));
    let call = call.header("content-type", "application/octet-stream");
    let answer = call.stream(axum::body::Body::from_stream(chunks)).await;
    answer.refuses(413, "Image exceeds the storage quota: The size of the data ");
    assert!(api.fast.urls().is_empty());
    assert_eq!(api.get("alice", &format!("/v2/images/{id}")).await.json()["status"], "queued");
}

#[tokio::test]
async fn limits_of_one_image_have_glances_words() {
    let api = TestApi::with(|options| {
        options.image.quotas = scurry_image::Quotas { members: 1, properties: 1, tags: 1, locations: 1 };
        options.image.image_size_cap = 4;
    })
    .await;
    let create = async |body| api.call("alice", "POST", "/v2/images").json(&body).await;
    let text = "The limit has been exceeded on the number of allowed image";
    create(json!({"a": "1", "b": "2"}))
        .await
        .refuses(413, &format!("{text} properties. Attempted: 2, Maximum: 1"));
    create(json!({"tags": ["a", "b"]})).await.refuses(413, &format!("{text} tags. Attempted: 2, Maximum: 1"));
    let id = raw(&api, "alice").await;
    let members = format!("/v2/images/{id}/members");
    assert_eq!(api.call("alice", "POST", &members).json(&json!({"member": "bob"})).await.status, 200);
    let answer = api.call("alice", "POST", &members).json(&json!({"member": "carol"})).await;
    answer.refuses(413, &format!("{text} members for this image. Attempted: 2, Maximum: 1"));
    let answer = api.call("alice", "PUT", &format!("/v2/images/{id}/file")).octets(b"12345").await;
    answer.refuses(413, "The incoming image is too large: The provided image is too large.");
}

#[tokio::test]
async fn data_whose_signature_cannot_be_verified_is_refused() {
    let api = TestApi::new().await;
    let mut body = json!({"disk_format": "raw", "container_format": "bare"});
    let names = ["", "_hash_method", "_key_type", "_certificate_uuid"];
    for name in names {
        body[format!("img_signature{name}")] = json!("x");
    }
    let id = api.create("alice", body).await;
    let upload = async || api.call("alice", "PUT", &format!("/v2/images/{id}/file")).octets(b"bytes").await;
    upload().await.refuses(400, "cannot verify image signatures");
    assert!(api.fast.urls().is_empty());
    let stage = api.call("alice", "PUT", &format!("/v2/images/{id}/stage")).octets(b"bytes").await;
    assert_eq!(stage.status, 204);
    let direct = json!({"method": {"name": "glance-direct"}});
    let answer = api.call("alice", "POST", &format!("/v2/images/{id}/import")).json(&direct).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert_eq!(api.settled(&id).await["status"], "queued");
    assert!(api.fast.urls().is_empty());
    let ops = json!([{"op": "remove", "path": "/img_signature_key_type"}]);
    assert_eq!(api.patch("alice", &id, ops).await.status, 200);
    assert_eq!(upload().await.status, 204);
}
