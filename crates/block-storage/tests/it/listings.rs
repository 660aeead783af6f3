// SPDX-License-Identifier: Apache-2.0
//! Services, pools, versions and the small lists.

use http::Method;
use serde_json::{Value, json};

use crate::lab::{Lab, admin, alice};

#[tokio::test]
async fn services_are_listed_disabled_and_enabled() {
    let lab = Lab::new().await;
    let list = async || lab.call(Method::GET, "/v3/os-services", &admin(), 71, None).await.1;
    let body = list().await;
    let seen: Vec<_> = body["services"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| [&s["binary"], &s["host"], &s["status"], &s["state"]].map(|v| v.as_str().unwrap()))
        .collect();
    assert_eq!(
        seen,
        [
            ["cinder-scheduler", "scurry", "enabled", "up"],
            ["cinder-volume", "scurry@puredriver-1", "enabled", "up"],
            ["cinder-volume", "scurry@puredriver-2", "enabled", "up"],
            ["cinder-volume", "scurry@puredriver-3", "enabled", "up"],
        ]
    );
    let put = async |action: &str, body: Value| {
        lab.call(Method::PUT, &format!("/v3/os-services/{action}"), &admin(), 71, Some(body)).await
    };
    let one = json!({ "binary": "cinder-volume", "host": "scurry@puredriver-1", "disabled_reason": "disk" });
    let (status, body) = put("disable-log-reason", one.clone()).await;
    assert_eq!((status.as_u16(), body["disabled_reason"].as_str()), (200, Some("disk")));
    assert_eq!(list().await["services"][1]["status"], "disabled");
    let id = lab.ask(json!({ "size": 1, "volume_type": "pure" })).await;
    lab.wait("volumes", &id, "error").await;
    assert_eq!(put("enable", one).await.0, 200);
    lab.make(json!({ "size": 1, "volume_type": "pure" })).await;
    assert_eq!(put("enable", json!({ "binary": "cinder-volume", "host": "nobody" })).await.0, 404);
}

#[tokio::test]
async fn pools_tell_what_they_have() {
    let lab = Lab::new().await;
    lab.make(json!({ "size": 3, "volume_type": "replicated" })).await;
    let path = "/v3/scheduler-stats/get_pools?detail=True";
    assert_eq!(lab.get(path).await.0, 403);
    let (_, body) = lab.call(Method::GET, path, &admin(), 71, None).await;
    let provisioned: Vec<_> = body["pools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["capabilities"]["provisioned_capacity_gb"].as_i64().unwrap())
        .collect();
    assert_eq!(provisioned, [0, 3, 3]);
    assert_eq!(body["pools"][2]["name"], "scurry@puredriver-3#puredriver-3");
    assert_eq!(body["pools"][2]["capabilities"]["replication_enabled"], true);
}

#[tokio::test]
async fn versions_need_no_token() {
    let lab = Lab::new().await;
    let (status, body) = lab.call(Method::GET, "/", "", 0, None).await;
    assert_eq!(status, 300);
    assert_eq!(body["versions"][0]["version"], "3.71");
    assert_eq!(body["versions"][0]["links"][1]["href"], "http://block.test:8776/v3/");
    for path in ["/v3", "/v3/"] {
        assert_eq!(lab.call(Method::GET, path, "", 0, None).await.0, 200, "{path}");
    }
}

#[tokio::test]
async fn fields_appear_with_their_version() {
    let lab = Lab::new().await;
    let id = lab.make(json!({ "size": 1 })).await;
    let path = format!("/v3/volumes/{id}");
    let shown = async |token: &str, minor: u16, field: &str| {
        lab.call(Method::GET, &path, token, minor, None).await.1["volume"].get(field).is_some()
    };
    for (field, minor) in
        [("group_id", 13), ("service_uuid", 48), ("volume_type_id", 63), ("consumes_quota", 65)]
    {
        assert!(!shown(&alice(), minor - 1, field).await && shown(&alice(), minor, field).await, "{field}");
    }
    for (field, minor) in [("provider_id", 21), ("cluster_name", 61)] {
        assert!(!shown(&admin(), minor - 1, field).await && shown(&admin(), minor, field).await, "{field}");
        assert!(!shown(&alice(), 71, field).await, "{field}");
    }
    assert!(!shown(&alice(), 71, "os-vol-host-attr:host").await);
}

#[tokio::test]
async fn there_are_lists_of_what_there_is_none_of() {
    let lab = Lab::new().await;
    for path in ["backups", "backups/detail", "groups/detail", "clusters", "volume-transfers", "qos-specs"] {
        let (status, body) = lab.call(Method::GET, &format!("/v3/adm/{path}"), &admin(), 71, None).await;
        let list = body.as_object().unwrap().values().next().unwrap().clone();
        assert_eq!((status.as_u16(), list), (200, json!([])), "{path}");
    }
    let (_, body) = lab.get("/v3/os-availability-zone").await;
    assert_eq!(body["availabilityZoneInfo"][0]["zoneName"], "nova");
}

#[tokio::test]
async fn capabilities_of_a_backend_are_for_administrators() {
    let lab = Lab::new().await;
    let path = "/v3/capabilities/scurry@puredriver-3";
    let (status, body) = lab.call(Method::GET, path, &admin(), 71, None).await;
    assert_eq!((status.as_u16(), body["volume_backend_name"].as_str()), (200, Some("puredriver-3")));
    assert_eq!(body["replication_targets"], json!(["puredriver-2"]));
    assert_eq!(lab.get(path).await.0, 403);
    let unknown = "/v3/capabilities/scurry@nowhere";
    assert_eq!(lab.call(Method::GET, unknown, &admin(), 71, None).await.0, 404);
}
