// SPDX-License-Identifier: Apache-2.0
//! Where the data is.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::TestApi;

#[tokio::test]
async fn locations_are_for_services() {
    let api = TestApi::new().await;
    let id = api.create(
        "alice",
        json!({"disk_format": "raw", "container_format": "bare", "visibility": "community"}),
    );
    let id = id.await;
    let path = format!("/v2/images/{id}/locations");
    let upload = api.call("alice", "PUT", &format!("/v2/images/{id}/file")).octets(b"data").await;
    assert_eq!(upload.status, 204);
    let expected = json!([{"url": api.fast.urls()[0], "metadata": {"store": "fast"}}]);
    assert_eq!(api.get("admin", &path).await.json(), expected);
    assert_eq!(api.get("alice", &path).await.status, 403);
}

#[rstest]
#[case(json!({}), "Provided object does not match schema 'location': 'url' is a required property")]
#[case(json!({"url": 5}), "5 is not of type 'string' (property url)")]
#[case(json!({"url": "cinder://a/b", "validation_data": {"os_hash_algo": "crc", "os_hash_value": "x"}}),
    "'crc' is not one of")]
#[case(json!({"url": "cinder://a/b", "validation_data": {"os_hash_value": "x"}}), "given together")]
#[case(json!({"url": "cinder://a/b", "validation_data": {"store": 7}}), "7 is not of type 'string'")]
#[case(json!({"url": "cinder://a/b", "validation_data": {"stores": "a"}}), "Additional properties are not allowed")]
#[tokio::test]
async fn refused_locations(#[case] body: Value, #[case] text: &str) {
    let api = TestApi::new().await;
    let id = api.create("alice", json!({"disk_format": "raw", "container_format": "bare"})).await;
    api.call("alice", "POST", &format!("/v2/images/{id}/locations")).json(&body).await.refuses(400, text);
}

#[tokio::test]
async fn an_image_leaves_one_of_its_stores() {
    let api = TestApi::new().await;
    let id = api.active("alice", b"data").await;
    let copy = json!({"method": {"name": "copy-image"}, "stores": ["slow"]});
    let answer = api.call("admin", "POST", &format!("/v2/images/{id}/import")).json(&copy).await;
    assert_eq!(answer.status, 202);
    api.settled(&id).await;
    let delete = async |user: &str, store: &str| {
        api.call(user, "DELETE", &format!("/v2/stores/{store}/{id}")).send().await
    };
    delete("alice", "fast").await.refuses(403, "delete_image_location");
    delete("admin", "zz").await.refuses(409, "The selected store zz is not available on this node.");
    assert_eq!(delete("admin", "fast").await.status, 204);
    assert!(api.fast.urls().is_empty());
    assert_eq!(delete("admin", "slow").await.status, 403);
    // Where only one copy is left, that is said of every store.
    delete("admin", "fast").await.refuses(403, "Cannot delete image data from the only store containing it.");
    assert_eq!(api.get("alice", &format!("/v2/images/{id}")).await.json()["stores"], "slow");
    api.shutdown().await;
}
