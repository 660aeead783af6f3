// SPDX-License-Identifier: Apache-2.0
//! Stage and import.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::TestApi;

fn import(id: &str) -> String {
    format!("/v2/images/{id}/import")
}

#[tokio::test]
async fn staged_data_is_imported() {
    let api = TestApi::new().await;
    let id = api.create("alice", json!({"disk_format": "raw", "container_format": "bare"})).await;
    let stage = api.call("alice", "PUT", &format!("/v2/images/{id}/stage")).octets(b"staged").await;
    assert_eq!(stage.status, 204, "{}", stage.text());
    let image = api.get("alice", &format!("/v2/images/{id}")).await.json();
    assert_eq!((&image["status"], &image["size"]), (&json!("uploading"), &json!(6)));
    let body = json!({"method": {"name": "glance-direct"}, "stores": ["slow", "fast"]});
    let answer = api.call("alice", "POST", &import(&id)).json(&body).await;
    assert_eq!((answer.status, answer.body.len()), (202, 0), "{}", answer.text());
    let image = api.settled(&id).await;
    assert_eq!(image["status"], "active");
    let mut stores: Vec<_> = image["stores"].as_str().unwrap().split(',').collect();
    stores.sort_unstable();
    assert_eq!(stores, ["fast", "slow"]);
    assert_eq!(api.get("alice", &format!("/v2/images/{id}/file")).await.text(), "staged");
    api.shutdown().await;
}

#[tokio::test]
async fn a_copy_reaches_all_stores_and_its_task_says_so() {
    let api = TestApi::new().await;
    let id = api.active("alice", b"data").await;
    let body = json!({"method": {"name": "copy-image"}, "all_stores": true});
    api.call("alice", "POST", &import(&id)).json(&body).await.refuses(403, "copy_image");
    assert_eq!(api.call("admin", "POST", &import(&id)).json(&body).await.status, 202);
    let image = api.settled(&id).await;
    assert_eq!(image["stores"], "fast,slow");
    assert_eq!(api.slow.content(&api.slow.urls()[0]).unwrap(), b"data");
    let tasks = api.get("alice", &format!("/v2/images/{id}/tasks")).await.json();
    let task = &tasks["tasks"][0];
    assert_eq!(
        (&task["type"], &task["status"], &task["image_id"]),
        (&json!("api_image_import"), &json!("success"), &json!(id))
    );
    assert!(task["request_id"].as_str().unwrap().starts_with("req-"));
    api.shutdown().await;
}

#[rstest]
#[case(json!({"method": {"name": "copy-image"}, "stores": ["slow"]}), 409,
    "Only images with status active can be targeted for copying")]
#[case(json!({"method": {"name": "glance-direct"}}), 409,
    "Image needs to be staged before 'glance-direct' method can be used")]
#[case(json!({"method": {"name": "web-download"}}), 400, "Unknown import method name 'web-download'.")]
#[case(json!({}), 400, "Import request requires a 'method' field.")]
#[tokio::test]
async fn refused_imports_of_a_queued_image(#[case] body: Value, #[case] status: u16, #[case] text: &str) {
    let api = TestApi::new().await;
    let id = api.create("admin", json!({"disk_format": "raw", "container_format": "bare"})).await;
    api.call("admin", "POST", &import(&id)).json(&body).await.refuses(status, text);
}

#[rstest]
#[case(json!({"method": {"name": "glance-direct"}}), 409,
    "Image with status active cannot be target for import")]
#[case(json!({"method": {"name": "copy-image"}, "stores": ["fast"]}), 400,
    "Image is already present at store 'fast'")]
#[case(json!({"method": {"name": "copy-image"}, "stores": ["zz"]}), 409, "Store for identifier zz not found")]
#[tokio::test]
async fn refused_imports_of_an_active_image(#[case] body: Value, #[case] status: u16, #[case] text: &str) {
    let api = TestApi::new().await;
    let id = api.active("admin", b"data").await;
    api.call("admin", "POST", &import(&id)).json(&body).await.refuses(status, text);
}

#[tokio::test]
async fn without_the_method_there_is_no_staging() {
    let api = TestApi::with(|options| options.image.enabled_import_methods = vec!["copy-image".into()]).await;
    let id = api.create("alice", json!({})).await;
    let stage = api.call("alice", "PUT", &format!("/v2/images/{id}/stage")).octets(b"x").await;
    stage.refuses(404, "'glance-direct' method is not available at this site.");
}

#[tokio::test]
async fn the_plan_of_a_copy_is_shown() {
    let api = TestApi::new().await;
    let id = api.active("alice", b"data").await;
    let plan = format!("/v2/images/{id}/copy-plan?all=true");
    api.get("alice", &plan).await.refuses(403, "copy_image");
    let answer = api.get("admin", &plan).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let shown = answer.json();
    assert_eq!((&shown["image_id"], &shown["size"]), (&json!(id), &json!(4)));
    assert_eq!((&shown["task"], &shown["source"]), (&Value::Null, &json!("fast")));
    assert_eq!(shown["targets"][0]["store"], "slow");
    assert_eq!(shown["targets"][0]["done"], false);
    let strategy = shown["targets"][0]["strategy"].as_str().unwrap();
    assert!(["extent_copy", "backend_clone"].contains(&strategy), "{strategy}");
    let base = format!("/v2/images/{id}/copy-plan");
    api.get("admin", &format!("{base}?all=maybe")).await.refuses(400, "must be true or false");
    api.get("admin", &format!("{base}?all=true&stores=slow")).await.refuses(400, "both");
    api.get("admin", &format!("{base}?stores=nowhere")).await.refuses(409, "nowhere");
    api.get("admin", &format!("{base}?stores=fast")).await.refuses(400, "already present");
    api.shutdown().await;
}
