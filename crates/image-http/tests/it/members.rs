// SPDX-License-Identifier: Apache-2.0
//! Sharing.

use rstest::rstest;
use serde_json::json;

use crate::support::TestApi;

#[tokio::test]
async fn a_shared_image_is_listed_once_its_member_accepts() {
    let api = TestApi::new().await;
    let id = api.create("alice", json!({"name": "a"})).await;
    let members = format!("/v2/images/{id}/members");
    assert_eq!(api.get("bob", &format!("/v2/images/{id}")).await.status, 404);
    let added = api.call("alice", "POST", &members).json(&json!({"member": "bob"})).await;
    assert_eq!(added.status, 200, "{}", added.text());
    let member = added.json();
    assert_eq!(
        (&member["member_id"], &member["image_id"], &member["status"], &member["schema"]),
        (&json!("bob"), &json!(id), &json!("pending"), &json!("/v2/schemas/member"))
    );
    let listed = async |query: &str| {
        let page = api.get("bob", &format!("/v2/images{query}")).await.json();
        page["images"].as_array().unwrap().len()
    };
    assert_eq!((listed("").await, listed("?member_status=pending").await), (0, 1));
    let accept = api.call("bob", "PUT", &format!("{members}/bob")).json(&json!({"status": "accepted"})).await;
    assert_eq!((accept.status, &accept.json()["status"]), (200, &json!("accepted")));
    assert_eq!(listed("").await, 1);
    assert_eq!(api.call("alice", "DELETE", &format!("{members}/bob")).send().await.status, 204);
    assert_eq!(api.get("bob", &format!("/v2/images/{id}")).await.status, 404);
}

#[tokio::test]
async fn members_see_themselves_and_the_owner_all() {
    let api = TestApi::new().await;
    let id = api.create("alice", json!({})).await;
    let members = format!("/v2/images/{id}/members");
    for member in ["bob", "carol"] {
        api.call("alice", "POST", &members).json(&json!({"member": member})).await;
    }
    let list = async |user: &str| {
        let list = api.get(user, &members).await.json();
        assert_eq!(list["schema"], "/v2/schemas/members");
        let ids = list["members"].as_array().unwrap().iter().map(|member| member["member_id"].clone());
        json!(ids.collect::<Vec<_>>())
    };
    assert_eq!(list("alice").await, json!(["bob", "carol"]));
    assert_eq!(list("bob").await, json!(["bob"]));
    assert_eq!(api.get("bob", &format!("{members}/bob")).await.status, 200);
    assert_eq!(api.get("bob", &format!("{members}/carol")).await.status, 404);
    let other =
        api.call("bob", "PUT", &format!("{members}/carol")).json(&json!({"status": "accepted"})).await;
    assert_eq!(other.status, 404);
}

#[tokio::test]
async fn the_owner_does_not_answer_for_its_members() {
    let api = TestApi::new().await;
    let id = api.create("alice", json!({})).await;
    let members = format!("/v2/images/{id}/members");
    api.call("alice", "POST", &members).json(&json!({"member": "bob"})).await;
    let status = json!({"status": "accepted"});
    assert_eq!(api.call("alice", "PUT", &format!("{members}/bob")).json(&status).await.status, 403);
    assert_eq!(api.call("bob", "POST", &members).json(&json!({"member": "carol"})).await.status, 403);
    assert_eq!(api.call("bob", "DELETE", &format!("{members}/bob")).send().await.status, 403);
}

#[rstest]
#[case(json!({}), 400, "Member to be added not specified")]
#[case(json!({"member": ""}), 400, "Member can't be empty")]
#[case(json!(["bob"]), 400, "Expected a member in the form: {\"member\": \"image_id\"}")]
#[case(json!({"member": 7}), 400, "Member must be the id of a project")]
#[tokio::test]
async fn refused_members(#[case] body: serde_json::Value, #[case] status: u16, #[case] text: &str) {
    let api = TestApi::new().await;
    let id = api.create("alice", json!({})).await;
    let answer = api.call("alice", "POST", &format!("/v2/images/{id}/members")).json(&body).await;
    answer.refuses(status, text);
}

#[tokio::test]
async fn refused_answers_and_doubles() {
    let api = TestApi::new().await;
    let id = api.create("alice", json!({})).await;
    let members = format!("/v2/images/{id}/members");
    let bob = json!({"member": "bob"});
    api.call("alice", "POST", &members).json(&bob).await;
    let twice = api.call("alice", "POST", &members).json(&bob).await;
    twice.refuses(409, &format!("Member bob is duplicated for image {id}"));
    let answer =
        async |body: serde_json::Value| api.call("bob", "PUT", &format!("{members}/bob")).json(&body).await;
    answer(json!({})).await.refuses(400, "Status not specified");
    let text = "Incorrect request: Status must be \"pending\", \"accepted\" or \"rejected\".";
    answer(json!({"status": "zz"})).await.refuses(400, text);
    let gone = api.call("alice", "DELETE", &format!("{members}/carol")).send().await;
    gone.refuses(404, &format!("carol not found in the member list of the image {id}."));
}

#[tokio::test]
async fn only_shared_images_have_members() {
    let api = TestApi::new().await;
    let id = api.create("alice", json!({"visibility": "private"})).await;
    let members = format!("/v2/images/{id}/members");
    let text = format!("Not allowed to list members for image {id}: Only shared images have members.");
    api.get("alice", &members).await.refuses(403, &text);
    let add = api.call("alice", "POST", &members).json(&json!({"member": "bob"})).await;
    add.refuses(403, &format!("Not allowed to create members for image {id}."));
    api.get("bob", &members).await.refuses(404, &format!("Image {id} not found."));
}
