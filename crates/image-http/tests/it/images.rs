// SPDX-License-Identifier: Apache-2.0
//! Creating, showing and deleting images.

use insta::assert_json_snapshot;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::TestApi;

#[tokio::test]
async fn a_new_image_is_shown_as_clients_know_it() {
    let api = TestApi::new().await;
    let body = json!({"name": "Ubuntu", "disk_format": "raw", "container_format": "bare", "tags": ["b", "a"],
                      "hw_disk_bus": "virtio", "min_disk": 2});
    let answer = api.call("alice", "POST", "/v2/images").json(&body).await;
    assert_eq!(answer.status, 201);
    let image = answer.json();
    let id = image["id"].as_str().unwrap();
    assert_eq!(answer.header("location"), Some(format!("http://images.test/v2/images/{id}").as_str()));
    assert_eq!(answer.header("openstack-image-import-methods"), Some("glance-direct,copy-image"));
    assert_eq!(answer.header("openstack-image-store-ids"), Some("fast,slow"));
    let hidden = [".id", ".self", ".file", ".created_at", ".updated_at"];
    let redact = |image: &Value| {
        let mut image = image.clone();
        for field in hidden {
            image[&field[1..]] = json!("[…]");
        }
        image
    };
    assert_json_snapshot!("image", redact(&image));
    assert_eq!(image["self"], format!("/v2/images/{id}"));
    assert_eq!(image["file"], format!("/v2/images/{id}/file"));
    assert_eq!(image["created_at"].as_str().unwrap().len(), "2026-11-22T08:53:50Z".len());
    assert_eq!(api.get("alice", &format!("/v2/images/{id}")).await.json(), image);
}

#[tokio::test]
async fn locations_show_only_where_the_operator_wants_them() {
    let api = TestApi::new().await;
    let id = api.active("alice", b"data").await;
    let image = api.get("alice", &format!("/v2/images/{id}")).await.json();
    assert_eq!(image["stores"], "fast");
    assert!(image.get("locations").is_none() && image.get("direct_url").is_none());

    let api = TestApi::with(|options| {
        options.image.show_multiple_locations = true;
        options.image.show_image_direct_url = true;
    })
    .await;
    let id = api.create("alice", json!({})).await;
    let empty = api.get("alice", &format!("/v2/images/{id}")).await.json();
    assert_eq!(empty["locations"], json!([]));
    assert!(empty.get("direct_url").is_none() && empty.get("stores").is_none());
    let id = api.active("alice", b"data").await;
    let image = api.get("alice", &format!("/v2/images/{id}")).await.json();
    let url = api.fast.urls().remove(0);
    assert_eq!(image["locations"], json!([{"url": url, "metadata": {"store": "fast"}}]));
    assert_eq!(image["direct_url"], url);
}

#[tokio::test]
async fn another_project_neither_sees_nor_touches_a_private_image() {
    let api = TestApi::new().await;
    let id = api.create("alice", json!({"visibility": "private"})).await;
    let path = format!("/v2/images/{id}");
    let missing = format!("No image found with ID {id}");
    for (method, suffix, text) in [
        ("GET", "", missing.as_str()),
        ("DELETE", "", &format!("Failed to find image {id} to delete")),
        ("GET", "/file", &missing),
        ("GET", "/tasks", "The resource could not be found."),
        ("PUT", "/tags/x", &format!("Image {id} not found.")),
    ] {
        let answer = api.call("bob", method, &format!("{path}{suffix}")).send().await;
        answer.refuses(404, text);
    }
    api.patch("bob", &id, json!([{"op": "replace", "path": "/name", "value": "x"}]))
        .await
        .refuses(404, &missing);
    let upload = api.call("bob", "PUT", &format!("{path}/file")).octets(b"x").await;
    upload.refuses(404, &missing);
    assert_eq!(api.get("alice", &path).await.status, 200);
}

#[tokio::test]
async fn who_sees_but_may_not_change_is_told_403() {
    let api = TestApi::new().await;
    let id = api.create("alice", json!({"visibility": "community"})).await;
    let path = format!("/v2/images/{id}");
    assert_eq!(api.get("bob", &path).await.status, 200);
    api.call("bob", "DELETE", &path)
        .send()
        .await
        .refuses(403, "not authorized to complete delete_image action");
    api.call("alice-reader", "DELETE", &path).send().await.refuses(403, "delete_image");
    assert_eq!(api.get("nobody", &path).await.status, 404);
}

#[rstest]
#[case("alice", json!({"owner": "bob"}), 403, "You are not permitted to create images owned by 'bob'")]
#[case("alice", json!({"visibility": "public"}), 403, "publicize_image")]
#[case("alice-reader", json!({}), 403, "add_image")]
#[case("alice", json!({"size": 3}), 403, "Attribute 'size' is read-only.")]
#[case("alice", json!({"locations": []}), 403, "Attribute 'locations' is reserved.")]
#[case("alice", json!({"os_glance_x": ""}), 403, "Attribute 'os_glance_x' is reserved.")]
#[case("alice", json!({"disk_format": "zz"}), 400, "Provided object does not match schema 'image': 'zz' is not one of")]
#[tokio::test]
async fn refused_creations(#[case] user: &str, #[case] body: Value, #[case] status: u16, #[case] text: &str) {
    let api = TestApi::new().await;
    api.call(user, "POST", "/v2/images").json(&body).await.refuses(status, text);
}

#[tokio::test]
async fn an_administrator_creates_for_others_and_for_all() {
    let api = TestApi::new().await;
    let id = api.create("admin", json!({"owner": "bob", "visibility": "public"})).await;
    let image = api.get("alice", &format!("/v2/images/{id}")).await.json();
    assert_eq!((&image["owner"], &image["visibility"]), (&json!("bob"), &json!("public")));
}

#[tokio::test]
async fn an_id_is_used_once_for_ever() {
    let api = TestApi::new().await;
    let id = "3F0E1C9A-5d0b-4f9b-9a53-0f8e4b7f2d11";
    assert_eq!(api.create("alice", json!({"id": id})).await, id);
    let again = api.call("bob", "POST", "/v2/images").json(&json!({"id": id})).await;
    again.refuses(409, &format!("Image ID {id} already exists!"));
    assert_eq!(api.call("alice", "DELETE", &format!("/v2/images/{id}")).send().await.status, 204);
    let after = api.call("bob", "POST", "/v2/images").json(&json!({"id": id})).await;
    assert_eq!(after.status, 409);
}

#[tokio::test]
async fn deletion_takes_the_data_along_unless_the_image_is_protected() {
    let api = TestApi::new().await;
    let id = api.active("alice", b"data").await;
    let path = format!("/v2/images/{id}");
    let protect = |value: bool| json!([{"op": "replace", "path": "/protected", "value": value}]);
    api.patch("alice", &id, protect(true)).await;
    api.call("alice", "DELETE", &path).send().await.refuses(403, "is protected and cannot be deleted.");
    assert_eq!(api.fast.urls().len(), 1);
    api.patch("alice", &id, protect(false)).await;
    assert_eq!(api.call("alice", "DELETE", &path).send().await.status, 204);
    assert_eq!(api.get("alice", &path).await.status, 404);
    assert!(api.fast.urls().is_empty());
    api.shutdown().await;
}
