// SPDX-License-Identifier: Apache-2.0
//! Patches.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::TestApi;

#[tokio::test]
async fn all_operations_apply_in_order() {
    let api = TestApi::new().await;
    let id = api.create("alice", json!({"name": "a", "old": "x"})).await;
    let answer = api
        .patch(
            "alice",
            &id,
            json!([
                {"op": "replace", "path": "/name", "value": "b"},
                {"op": "add", "path": "/a~1b", "value": "slash"},
                {"op": "remove", "path": "/old"},
                {"op": "replace", "path": "/tags", "value": ["t"]},
            ]),
        )
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let image = answer.json();
    assert_eq!(
        (&image["name"], &image["a/b"], &image["tags"]),
        (&json!("b"), &json!("slash"), &json!(["t"]))
    );
    assert!(image.get("old").is_none());
    assert_eq!(api.get("alice", &format!("/v2/images/{id}")).await.json(), image);
}

#[tokio::test]
async fn one_bad_operation_undoes_all() {
    let api = TestApi::new().await;
    let id = api.create("alice", json!({"name": "a"})).await;
    let ops = json!([
        {"op": "replace", "path": "/name", "value": "b"},
        {"op": "remove", "path": "/nope"},
    ]);
    api.patch("alice", &id, ops).await.refuses(409, "Property nope does not exist.");
    assert_eq!(api.get("alice", &format!("/v2/images/{id}")).await.json()["name"], "a");
}

#[tokio::test]
async fn the_old_dialect_does_not_overwrite() {
    let api = TestApi::new().await;
    let id = api.create("alice", json!({"foo": "1"})).await;
    let call = api.call("alice", "PATCH", &format!("/v2/images/{id}"));
    let call = call.header("content-type", "application/openstack-images-v2.0-json-patch");
    let answer = call.json(&json!([{"add": "/foo", "value": "2"}])).await;
    answer.refuses(409, "Property foo already present.");
}

#[tokio::test]
async fn other_patches_are_told_which_are_taken() {
    let api = TestApi::new().await;
    let id = api.create("alice", json!({})).await;
    let call = api.call("alice", "PATCH", &format!("/v2/images/{id}"));
    let answer = call.header("content-type", "application/json-patch+json").json(&json!([])).await;
    assert_eq!(answer.status, 415);
    assert_eq!(
        answer.header("accept-patch"),
        Some("application/openstack-images-v2.0-json-patch, application/openstack-images-v2.1-json-patch")
    );
}

#[rstest]
#[case("alice", json!([{"op": "replace", "path": "/visibility", "value": "public"}]), 403, "publicize_image")]
#[case("alice", json!([{"op": "replace", "path": "/owner", "value": "bob"}]), 403,
    "Owner can't be updated by non admin.")]
#[case("alice", json!([{"op": "remove", "path": "/name"}]), 403, "Property name may not be removed.")]
#[case("alice", json!([{"op": "replace", "path": "/id", "value": "x"}]), 403, "Attribute 'id' is read-only.")]
#[case("alice", json!([{"op": "add", "path": "/tags/-", "value": "x"}]), 400,
    "Invalid JSON pointer for this resource: '/tags/-'")]
#[case("alice-reader", json!([{"op": "replace", "path": "/name", "value": "x"}]), 403, "modify_image")]
#[tokio::test]
async fn refused_patches(#[case] user: &str, #[case] ops: Value, #[case] status: u16, #[case] text: &str) {
    let api = TestApi::new().await;
    let id = api.create("alice", json!({"name": "a"})).await;
    let before = api.get("alice", &format!("/v2/images/{id}")).await.json();
    api.patch(user, &id, ops).await.refuses(status, text);
    assert_eq!(api.get("alice", &format!("/v2/images/{id}")).await.json(), before);
}

#[tokio::test]
async fn an_administrator_gives_an_image_away_and_makes_it_public() {
    let api = TestApi::new().await;
    let id = api.create("alice", json!({})).await;
    let ops = json!([
        {"op": "replace", "path": "/owner", "value": "bob"},
        {"op": "replace", "path": "/visibility", "value": "public"},
    ]);
    let image = api.patch("admin", &id, ops).await.json();
    assert_eq!((&image["owner"], &image["visibility"]), (&json!("bob"), &json!("public")));
}

#[tokio::test]
async fn formats_are_fixed_once_there_is_data() {
    let api = TestApi::new().await;
    let id = api.active("alice", b"data").await;
    let ops = json!([{"op": "replace", "path": "/disk_format", "value": "qcow2"}]);
    api.patch("alice", &id, ops)
        .await
        .refuses(403, "Attribute disk_format can be only replaced for a queued image.");
}
