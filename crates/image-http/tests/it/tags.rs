// SPDX-License-Identifier: Apache-2.0
//! Tags, one at a time.

use serde_json::json;

use crate::support::TestApi;

#[tokio::test]
async fn tags_come_and_go() {
    let api = TestApi::new().await;
    let id = api.create("alice", json!({})).await;
    let path = format!("/v2/images/{id}/tags");
    for tag in ["a%2Fb", "%C3%A9t%C3%A9", "a%2Fb"] {
        assert_eq!(api.call("alice", "PUT", &format!("{path}/{tag}")).send().await.status, 204);
    }
    let image = api.get("alice", &format!("/v2/images/{id}")).await.json();
    assert_eq!(image["tags"], json!(["a/b", "été"]));
    assert_eq!(api.call("alice", "DELETE", &format!("{path}/a%2Fb")).send().await.status, 204);
    assert_eq!(api.call("alice", "DELETE", &format!("{path}/a%2Fb")).send().await.status, 404);
}

#[tokio::test]
async fn tags_that_fit_nowhere_are_refused() {
    let api = TestApi::new().await;
    let id = api.create("alice", json!({})).await;
    for tag in ["x".repeat(256), "%F0%9F%98%80".to_owned()] {
        let answer = api.call("alice", "PUT", &format!("/v2/images/{id}/tags/{tag}")).send().await;
        assert_eq!(answer.status, 400, "{}", answer.text());
    }
}
