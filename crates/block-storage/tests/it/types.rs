// SPDX-License-Identifier: Apache-2.0
//! Volume types.

use http::Method;
use serde_json::json;

use crate::lab::{Lab, admin, alice, bob};

#[tokio::test]
async fn the_declared_types_are_there() {
    let lab = Lab::new().await;
    let (_, body) = lab.call(Method::GET, "/v3/types?is_public=None", &admin(), 71, None).await;
    let mut names: Vec<_> =
        body["volume_types"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["__DEFAULT__", "pure", "pure2", "pure3", "replicated"]);
    let replicated =
        body["volume_types"].as_array().unwrap().iter().find(|t| t["name"] == "replicated").unwrap();
    assert_eq!(replicated["extra_specs"]["replication_type"], "<in> sync");
    let path = format!("/v3/types/{}", replicated["id"].as_str().unwrap());
    let (_, body) = lab.get(&path).await;
    // Which backend it is, is the administrator's knowledge.
    assert_eq!(body["volume_type"]["extra_specs"], json!({ "replication_enabled": "<is> True" }));
    let (_, body) = lab.get("/v3/types/default").await;
    assert_eq!(body["volume_type"]["name"], "__DEFAULT__");
    let (status, body) = lab.call(Method::GET, &format!("{path}/encryption"), &admin(), 71, None).await;
    assert_eq!((status.as_u16(), body), (200, json!({})));
}

#[tokio::test]
async fn administrators_make_change_and_delete_types() {
    let lab = Lab::new().await;
    let call = async |method: Method, path: &str, body: serde_json::Value| {
        lab.call(method, path, &admin(), 71, Some(body)).await
    };
    let new = json!({ "volume_type": { "name": "gold", "description": "d",
        "os-volume-type-access:is_public": false, "extra_specs": { "a": "b" } } });
    let (status, _) = lab.call(Method::POST, "/v3/types", &alice(), 71, Some(new.clone())).await;
    assert_eq!(status, 403);
    let (status, body) = call(Method::POST, "/v3/types", new.clone()).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(call(Method::POST, "/v3/types", new).await.0, 409);
    let id = body["volume_type"]["id"].as_str().unwrap().to_owned();
    let path = format!("/v3/types/{id}");
    // Private: only projects with access see and use it.
    assert_eq!(lab.get(&path).await.0, 404);
    let access = json!({ "addProjectAccess": { "project": "a1" } });
    assert_eq!(call(Method::POST, &format!("{path}/action"), access).await.0, 202);
    assert_eq!(lab.get(&path).await.0, 200);
    assert_eq!(lab.call(Method::GET, &path, &bob(), 71, None).await.0, 404);
    let (_, body) = lab.call(Method::GET, &format!("{path}/os-volume-type-access"), &admin(), 71, None).await;
    assert_eq!(body["volume_type_access"], json!([{ "volume_type_id": id, "project_id": "a1" }]));
    let specs = format!("{path}/extra_specs");
    assert_eq!(call(Method::POST, &specs, json!({ "extra_specs": { "c": "d" } })).await.0, 200);
    assert_eq!(call(Method::PUT, &format!("{specs}/c"), json!({ "c": "e" })).await.0, 200);
    let (_, body) = lab.call(Method::GET, &specs, &admin(), 71, None).await;
    assert_eq!(body["extra_specs"], json!({ "a": "b", "c": "e" }));
    assert_eq!(lab.call(Method::DELETE, &format!("{specs}/c"), &admin(), 71, None).await.0, 202);
    assert_eq!(lab.call(Method::DELETE, &format!("{specs}/c"), &admin(), 71, None).await.0, 404);
    let rename = json!({ "volume_type": { "name": "silver" } });
    assert_eq!(call(Method::PUT, &path, rename).await.1["volume_type"]["name"], "silver");
    let volume = lab.make(json!({ "size": 1, "volume_type": "silver" })).await;
    assert_eq!(lab.call(Method::DELETE, &path, &admin(), 71, None).await.0, 400);
    lab.delete(&format!("/v3/volumes/{volume}")).await;
    lab.wait_gone("volumes", &volume).await;
    assert_eq!(lab.call(Method::DELETE, &path, &admin(), 71, None).await.0, 202);
    let (_, body) = lab.get("/v3/types/default").await;
    let default = format!("/v3/types/{}", body["volume_type"]["id"].as_str().unwrap());
    assert_eq!(lab.call(Method::DELETE, &default, &admin(), 71, None).await.0, 400);
}
