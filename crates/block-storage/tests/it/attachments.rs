// SPDX-License-Identifier: Apache-2.0
//! The attachments API.

use http::Method;
use serde_json::{Value, json};

use crate::lab::{Lab, admin, alice, bob};

#[tokio::test]
async fn one_call_attaches_complete_uses_delete_frees() {
    let lab = Lab::new().await;
    let id = lab.make(json!({ "size": 1, "volume_type": "pure" })).await;
    let attachment = lab.attach(&id, "rw").await;
    let info = &attachment["connection_info"];
    assert_eq!(info["driver_volume_type"], "local");
    assert_eq!(info["access_mode"], "rw");
    assert_eq!(info["attachment_id"], attachment["id"]);
    assert_eq!(lab.show(&id).await["status"], "attaching");
    let path = format!("/v3/attachments/{}", attachment["id"].as_str().unwrap());
    let (status, _) = lab.post(&format!("{path}/action"), json!({ "os-complete": {} })).await;
    assert_eq!(status, 204);
    let volume = lab.show(&id).await;
    assert_eq!(volume["status"], "in-use");
    assert_eq!(volume["attachments"][0]["host_name"], "node");
    assert_eq!(volume["attachments"][0]["attachment_id"], attachment["id"]);
    let (_, body) = lab.get(&path).await;
    assert_eq!(body["attachment"]["connection_info"], *info);
    assert_eq!(body["attachment"]["status"], "attached");
    let (status, body) = lab.delete(&path).await;
    assert_eq!((status.as_u16(), body), (200, json!({ "attachments": [] })));
    assert_eq!(lab.show(&id).await["status"], "available");
    assert_eq!(lab.delete(&path).await.0, 404);
}

#[tokio::test]
async fn a_reserved_volume_is_taken_until_connected_in_a_second_step() {
    let lab = Lab::new().await;
    let id = lab.make(json!({ "size": 1 })).await;
    let (status, body) = lab.post("/v3/attachments", json!({ "attachment": { "volume_uuid": id } })).await;
    assert_eq!(status, 200);
    assert_eq!(body["attachment"]["status"], "reserved");
    assert_eq!(body["attachment"]["connection_info"], json!({}));
    let path = format!("/v3/attachments/{}", body["attachment"]["id"].as_str().unwrap());
    let (status, body) = lab.post("/v3/attachments", json!({ "attachment": { "volume_uuid": id } })).await;
    assert_eq!(status, 400);
    assert_eq!(
        body["badRequest"]["message"],
        format!(
            "Invalid volume: Volume {id} status must be available to reserve, but the current status is reserved."
        )
    );
    let connect = |connector: Value| json!({ "attachment": { "connector": connector } });
    let put = |body: Value| lab.call(Method::PUT, &path, "alice.a1.member", 71, Some(body));
    assert_eq!(put(connect(json!({}))).await.0, 400);
    let (status, body) = put(connect(json!({ "ip": "127.0.0.1" }))).await;
    assert_eq!(status, 400);
    assert!(body.to_string().contains("host"), "{body}");
    let (status, body) = put(connect(json!({ "host": "n", "mode": "ro" }))).await;
    assert_eq!((status.as_u16(), body["attachment"]["attach_mode"].as_str()), (200, Some("ro")));
    assert_eq!(body["attachment"]["connection_info"]["access_mode"], "ro");
}

#[tokio::test]
async fn read_only_wins_and_error_states_refuse() {
    let lab = Lab::new().await;
    let id = lab.make(json!({ "size": 1 })).await;
    let flag = json!({ "os-update_readonly_flag": { "readonly": true } });
    assert_eq!(lab.act(&id, flag).await.0, 202);
    assert_eq!(lab.show(&id).await["metadata"]["readonly"], "True");
    let attachment = lab.attach(&id, "rw").await;
    assert_eq!(attachment["connection_info"]["access_mode"], "ro");
    assert_eq!(attachment["attach_mode"], "ro");
    lab.detach(&attachment).await;
    let reset = Some(json!({ "os-reset_status": { "status": "error" } }));
    let path = format!("/v3/volumes/{id}/action");
    assert_eq!(lab.call(Method::POST, &path, &admin(), 71, reset).await.0, 202);
    let (status, body) = lab.post("/v3/attachments", json!({ "attachment": { "volume_uuid": id } })).await;
    assert_eq!(status, 400);
    assert!(body.to_string().contains("error state"), "{body}");
}

#[tokio::test]
async fn overlays_and_second_copies_are_told_to_our_connector_only() {
    let lab = Lab::new().await;
    let id = lab.make(json!({ "size": 1, "volume_type": "replicated" })).await;
    let attachment = lab.attach(&id, "rw").await;
    let info = &attachment["connection_info"];
    assert_eq!(info["driver_volume_type"], "scurry");
    assert!(info["volume"]["replica"].is_object() && info.get("device_path").is_none());
    lab.detach(&attachment).await;
    let attachment = lab.attach(&id, "ro").await;
    assert_eq!(attachment["connection_info"]["driver_volume_type"], "local");
    lab.detach(&attachment).await;
}

#[tokio::test]
async fn attachments_are_listed_by_volume_and_project() {
    let lab = Lab::new().await;
    let (one, two) = (lab.make(json!({ "size": 1 })).await, lab.make(json!({ "size": 1 })).await);
    lab.attach(&one, "rw").await;
    lab.attach(&two, "rw").await;
    let count = |body: &Value| body["attachments"].as_array().unwrap().len();
    assert_eq!(count(&lab.get("/v3/attachments").await.1), 2);
    let (_, body) = lab.get(&format!("/v3/attachments/detail?volume_id={one}")).await;
    assert_eq!(count(&body), 1);
    assert!(body["attachments"][0]["connection_info"].is_object());
    assert_eq!(count(&lab.call(Method::GET, "/v3/attachments", &bob(), 71, None).await.1), 0);
    let (_, body) =
        lab.call(Method::GET, "/v3/attachments?all_tenants=1&attached_host=node", &admin(), 71, None).await;
    assert_eq!(count(&body), 2);
    assert_eq!(lab.call(Method::GET, "/v3/attachments", &alice(), 26, None).await.0, 404);
    let path = format!("/v3/attachments/{}", body["attachments"][0]["id"].as_str().unwrap());
    assert_eq!(lab.call(Method::GET, &path, &bob(), 71, None).await.0, 404);
    assert_eq!(lab.call(Method::DELETE, &path, &bob(), 71, None).await.0, 404);
}

#[tokio::test]
async fn an_instances_volume_is_freed_by_services_only() {
    let lab = Lab::new().await;
    let id = lab.make(json!({ "size": 1 })).await;
    let body = json!({ "attachment": {
        "volume_uuid": id, "instance_uuid": "11111111-2222-4333-8444-555555555555",
        "connector": { "host": "compute" } } });
    let (_, body) = lab.post("/v3/attachments", body).await;
    let path = format!("/v3/attachments/{}", body["attachment"]["id"].as_str().unwrap());
    assert_eq!(lab.delete(&path).await.0, 409);
    let nova = "nova.service.service+admin";
    assert_eq!(lab.call(Method::DELETE, &path, nova, 71, None).await.0, 200);
}

#[tokio::test]
async fn a_volume_that_is_being_filled_cannot_be_taken() {
    let lab = Lab::new().await;
    let id = lab.make(json!({ "size": 1 })).await;
    let body = json!({ "os-reset_status": { "status": "downloading" } });
    let path = format!("/v3/volumes/{id}/action");
    assert_eq!(lab.call(Method::POST, &path, &admin(), 71, Some(body)).await.0, 202);
    let (status, body) = lab.post("/v3/attachments", json!({ "attachment": { "volume_uuid": id } })).await;
    assert_eq!(status, 400, "{body}");
    assert_eq!(lab.show(&id).await["status"], "downloading");
}
