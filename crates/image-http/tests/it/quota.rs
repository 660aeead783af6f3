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
