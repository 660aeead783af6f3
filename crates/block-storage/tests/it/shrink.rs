// SPDX-License-Identifier: Apache-2.0
//! The extension `scurry-shrink`.

use http::Method;
use scurry_volume_file::Access;
use serde_json::json;

use crate::lab::{GIB, Lab, admin, alice, bob, open};

#[tokio::test]
async fn it_is_advertised() {
    let lab = Lab::new().await;
    for path in ["/v3/a1/extensions", "/v3/extensions"] {
        let (_, body) = lab.get(path).await;
        let aliases: Vec<_> = body["extensions"].as_array().unwrap().iter().map(|e| &e["alias"]).collect();
        assert!(aliases.contains(&&json!("scurry-shrink")), "{aliases:?}");
    }
    assert_eq!(lab.get("/v3/a1/extensions/scurry-shrink").await.0, 200);
}

#[tokio::test]
async fn the_file_is_cut_and_what_was_beyond_is_gone() {
    let lab = Lab::new().await;
    for kind in ["pure", "replicated"] {
        let id = lab.make(json!({ "size": 4, "volume_type": kind })).await;
        lab.write(&id, 0, b"kept").await;
        lab.write(&id, 3 * GIB, b"lost").await;
        let (status, body) = lab.act(&id, json!({ "os-scurry-shrink": { "new_size": 2 } })).await;
        assert_eq!(status, 202, "{body}");
        let volume = lab.show(&id).await;
        assert_eq!((volume["size"].as_i64(), volume["status"].as_str()), (Some(2), Some("available")));
        for backend in ["puredriver-1", "puredriver-2", "puredriver-3"] {
            let path = lab.pool(backend).join(format!("volume-{id}"));
            assert!(!path.exists() || path.metadata().unwrap().len() == 2 * GIB, "{backend}");
        }
        let (status, _) = lab.act(&id, json!({ "os-extend": { "new_size": 4 } })).await;
        assert_eq!(status, 202);
        lab.wait("volumes", &id, "available").await;
        assert_eq!(lab.read(&id, 0, 4).await, b"kept");
        assert_eq!(lab.read(&id, 3 * GIB, 4).await, [0; 4]);
    }
}

#[tokio::test]
async fn the_quota_is_given_back_and_snapshots_and_clones_keep_their_size() {
    let lab = Lab::new().await;
    let id = lab.make(json!({ "size": 3, "volume_type": "pure" })).await;
    lab.write(&id, 2 * GIB, b"tail").await;
    let clone = lab.make(json!({ "source_volid": id })).await;
    let (_, body) = lab.post("/v3/snapshots", json!({ "snapshot": { "volume_id": id } })).await;
    let snapshot = body["snapshot"]["id"].as_str().unwrap().to_owned();
    lab.wait("snapshots", &snapshot, "available").await;
    assert_eq!(lab.act(&id, json!({ "os-scurry-shrink": { "new_size": 1 } })).await.0, 202);
    let (_, body) = lab.get("/v3/os-quota-sets/a1?usage=true").await;
    assert_eq!(body["quota_set"]["gigabytes"]["in_use"], 1 + 3 + 3);
    assert_eq!(lab.read(&clone, 2 * GIB, 4).await, b"tail");
    let restored = lab.make(json!({ "snapshot_id": snapshot })).await;
    assert_eq!(lab.read(&restored, 2 * GIB, 4).await, b"tail");
}

#[tokio::test]
async fn an_in_use_volume_is_cut_once_its_writer_has_closed_it() {
    let lab = Lab::new().await;
    let id = lab.make(json!({ "size": 3, "volume_type": "pure" })).await;
    let attachment = lab.attach(&id, "rw").await;
    let complete = format!("/v3/attachments/{}/action", attachment["id"].as_str().unwrap());
    assert_eq!(lab.post(&complete, json!({ "os-complete": {} })).await.0, 204);
    let file = open(&attachment, Access::ReadWrite);
    file.write_at(b"data", 0).unwrap();
    let (status, body) = lab.act(&id, json!({ "os-scurry-shrink": { "new_size": 1 } })).await;
    assert_eq!(status, 409, "{body}");
    let volume = lab.show(&id).await;
    assert_eq!((volume["size"].as_i64(), volume["status"].as_str()), (Some(3), Some("in-use")));
    file.close().unwrap();
    assert_eq!(lab.act(&id, json!({ "os-scurry-shrink": { "new_size": 1 } })).await.0, 202);
    let volume = lab.show(&id).await;
    assert_eq!((volume["size"].as_i64(), volume["status"].as_str()), (Some(1), Some("in-use")));
    lab.detach(&attachment).await;
    assert_eq!(lab.show(&id).await["status"], "available");
    assert_eq!(lab.read(&id, 0, 4).await, b"data");
}

#[tokio::test]
async fn wrong_sizes_states_and_callers_are_refused() {
    let lab = Lab::new().await;
    let id = lab.make(json!({ "size": 2 })).await;
    for new_size in [json!(2), json!(3), json!(0), json!(-1), json!("x"), json!(null), json!(1.5)] {
        let (status, body) = lab.act(&id, json!({ "os-scurry-shrink": { "new_size": new_size } })).await;
        assert_eq!(status, 400, "{new_size}: {body}");
    }
    assert_eq!(lab.act(&id, json!({ "os-scurry-shrink": {} })).await.0, 400);
    let path = format!("/v3/volumes/{id}/action");
    let body = || Some(json!({ "os-scurry-shrink": { "new_size": 1 } }));
    let reader = crate::cloud::token("eve", "a1", "reader");
    assert_eq!(lab.call(Method::POST, &path, &reader, 71, body()).await.0, 403);
    assert_eq!(lab.call(Method::POST, &path, &bob(), 71, body()).await.0, 404);
    let reset = Some(json!({ "os-reset_status": { "status": "error" } }));
    assert_eq!(lab.call(Method::POST, &path, &admin(), 71, reset).await.0, 202);
    assert_eq!(lab.call(Method::POST, &path, &alice(), 71, body()).await.0, 400);
    let reset = Some(json!({ "os-reset_status": { "status": "available" } }));
    assert_eq!(lab.call(Method::POST, &path, &admin(), 71, reset).await.0, 202);
    assert_eq!(lab.call(Method::POST, &path, &admin(), 71, body()).await.0, 202);
    assert_eq!(lab.show(&id).await["size"], 1);
}
