// SPDX-License-Identifier: Apache-2.0
//! The task list.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::TestApi;

#[tokio::test]
async fn tasks_are_listed_and_shown_to_administrators() {
    let api = TestApi::new().await;
    let id = api.active("admin", b"data").await;
    let copy = json!({"method": {"name": "copy-image"}, "stores": ["slow"]});
    api.call("admin", "POST", &format!("/v2/images/{id}/import")).json(&copy).await;
    api.settled(&id).await;
    api.get("alice", "/v2/tasks").await.refuses(403, "tasks_api_access");
    let list = api.get("admin", "/v2/tasks?limit=1").await.json();
    let stub = &list["tasks"][0];
    assert_eq!((&list["schema"], &stub["schema"]), (&json!("/v2/schemas/tasks"), &json!("/v2/schemas/task")));
    assert!(stub.get("input").is_none() && list["next"].is_string());
    let task = api.get("admin", stub["self"].as_str().unwrap()).await.json();
    assert_eq!((&task["status"], &task["image_id"]), (&json!("success"), &json!(id)));
    assert!(task.get("input").is_some() && task.get("message").is_some());
    api.shutdown().await;
}

#[rstest]
#[case("status=zz")]
#[case("type=zz")]
#[case("sort_key=zz")]
#[case("sort_dir=zz")]
#[case("marker=zz")]
#[case("limit=zz")]
#[tokio::test]
async fn refused_queries(#[case] query: &str) {
    let api = TestApi::new().await;
    assert_eq!(api.get("admin", &format!("/v2/tasks?{query}")).await.status, 400);
}

#[rstest]
#[case(json!({"input": {}}), "Task 'type' is required")]
#[case(json!({"type": "import"}), "Task 'input' is required")]
#[case(json!({"type": "zz", "input": {}}), "Provided object does not match schema 'task'")]
#[case(json!({"type": "import", "input": []}), "Provided object does not match schema 'task'")]
#[case(json!({"type": "api_image_import", "input": {}}), "POST /v2/images/{image_id}/import")]
#[case(json!({"type": "import", "input": {}}), "Invalid location: None")]
#[case(json!({"type": "import", "input": {"import_from": "file:///etc/passwd"}}), "File based imports")]
#[case(json!({"type": "import", "input": {"import_from": "http://127.0.0.1/x"}}),
    "URI for legacy import task does not pass filtering: http://127.0.0.1/x")]
#[tokio::test]
async fn refused_tasks(#[case] body: Value, #[case] text: &str) {
    let api = TestApi::new().await;
    let refused = api.call("admin", "POST", "/v2/tasks").json(&body).await;
    refused.refuses(400, text);
    let alice = api.call("alice", "POST", "/v2/tasks").json(&body).await;
    alice.refuses(403, "tasks_api_access");
    api.shutdown().await;
}

#[tokio::test]
async fn tasks_are_not_deleted_here() {
    let api = TestApi::new().await;
    let delete = api.call("admin", "DELETE", "/v2/tasks/x").send().await;
    assert_eq!((delete.status, delete.header("allow")), (405, Some("GET")));
    assert_eq!(api.get("admin", "/v2/tasks/3f0e1c9a-5d0b-4f9b-9a53-0f8e4b7f2d11").await.status, 404);
}
