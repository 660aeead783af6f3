// SPDX-License-Identifier: Apache-2.0
//! Volumes: life, lists, rules.

use http::Method;
use serde_json::json;

use crate::lab::{GIB, Lab, admin, alice, bob, conf};

#[tokio::test]
async fn a_volume_lives_and_dies() {
    let lab = Lab::new().await;
    let id =
        lab.make(json!({ "size": 2, "name": "one", "volume_type": "pure2", "metadata": { "k": "v" } })).await;
    let volume = lab.show(&id).await;
    assert_eq!(volume["os-vol-host-attr:host"], "scurry@puredriver-2#puredriver-2");
    assert_eq!((volume["size"].as_i64(), volume["bootable"].as_str()), (Some(2), Some("false")));
    assert_eq!(volume["metadata"], json!({ "k": "v" }));
    assert_eq!(volume["os-vol-tenant-attr:tenant_id"], "a1");
    let file = lab.pool("puredriver-2").join(format!("volume-{id}"));
    assert_eq!(file.metadata().unwrap().len(), 2 * GIB);
    let (status, _) = lab.delete(&format!("/v3/a1/volumes/{id}")).await;
    assert_eq!(status, 202);
    lab.wait_gone("volumes", &id).await;
    assert!(lab.files("puredriver-2").is_empty());
}

#[tokio::test]
async fn other_tenants_see_nothing() {
    let lab = Lab::new().await;
    let id = lab.make(json!({ "size": 1 })).await;
    let path = format!("/v3/volumes/{id}");
    for (method, path, body) in [
        (Method::GET, path.clone(), None),
        (Method::DELETE, path.clone(), None),
        (Method::PUT, path.clone(), Some(json!({ "volume": { "name": "mine" } }))),
        (Method::GET, format!("{path}/metadata"), None),
        (Method::POST, format!("{path}/action"), Some(json!({ "os-extend": { "new_size": 9 } }))),
        (Method::POST, format!("{path}/action"), Some(json!({ "os-scurry-shrink": { "new_size": 1 } }))),
    ] {
        let (status, body) = lab.call(method.clone(), &path, &bob(), 71, body).await;
        assert_eq!(status, 404, "{method} {path}: {body}");
        assert_eq!(body["itemNotFound"]["message"], format!("Volume {id} could not be found."));
    }
    let (_, body) = lab.call(Method::GET, "/v3/volumes", &bob(), 71, None).await;
    assert_eq!(body["volumes"], json!([]));
    let (status, body) = lab.call(Method::GET, "/v3/a1/volumes", &bob(), 71, None).await;
    assert_eq!(
        (status.as_u16(), body["badRequest"]["message"].as_str()),
        (400, Some("Malformed request url"))
    );
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_paged() {
    let lab = Lab::new().await;
    for name in ["a", "b", "c"] {
        lab.make(json!({ "size": 1, "name": name, "metadata": { "n": name } })).await;
    }
    let names = |body: &serde_json::Value| -> Vec<String> {
        let all = body["volumes"].as_array().unwrap();
        all.iter().map(|v| v["name"].as_str().unwrap().to_owned()).collect()
    };
    let (_, body) = lab.get("/v3/volumes/detail?sort=name:asc&limit=2&with_count=true").await;
    assert_eq!((names(&body), body["count"].as_i64()), (vec!["a".to_owned(), "b".to_owned()], Some(3)));
    let next =
        body["volumes_links"][0]["href"].as_str().unwrap().strip_prefix("http://block.test:8776").unwrap();
    let (_, body) = lab.get(next).await;
    assert_eq!(names(&body), ["c"]);
    assert!(body.get("volumes_links").is_none());
    assert_eq!(names(&lab.get("/v3/volumes?name=b").await.1), ["b"]);
    assert_eq!(names(&lab.get("/v3/volumes?metadata=%7B%27n%27%3A%27c%27%7D").await.1), ["c"]);
    assert!(names(&lab.get("/v3/volumes?status=error").await.1).is_empty());
    assert!(names(&lab.get("/v3/volumes?bootable=true").await.1).is_empty());
    let (_, body) = lab.call(Method::GET, "/v3/volumes?all_tenants=1&name=a", &admin(), 71, None).await;
    assert_eq!(names(&body), ["a"]);
    let (_, body) = lab.get("/v3/volumes/summary").await;
    assert_eq!(body["volume-summary"]["total_count"], 3);
    assert_eq!(body["volume-summary"]["metadata"]["n"], json!(["a", "b", "c"]));
}

#[tokio::test]
async fn wrong_requests_say_what_is_wrong() {
    let lab = Lab::new().await;
    for (volume, status, text) in [
        (json!({}), 400, "size argument must be an integer"),
        (json!({ "size": 0 }), 400, "Invalid volume size provided for create request: 0"),
        (json!({ "size": "x" }), 400, "Invalid volume size"),
        (json!({ "size": 1, "volume_type": "gold" }), 404, "Volume type gold could not be found."),
        (json!({ "size": 1, "availability_zone": "mars" }), 400, "Availability zone 'mars' is invalid."),
        (json!({ "size": 1, "colour": "red" }), 400, "'colour' was unexpected"),
        (json!({ "size": 1, "multiattach": true }), 400, "multiattach parameter has been removed"),
        (json!({ "size": 1, "source_volid": "nope" }), 400, "uuid"),
        (json!({ "size": 1, "imageRef": "nope" }), 400, "Invalid image identifier"),
        (json!({ "size": 1, "metadata": ["x"] }), 400, "metadata"),
        (
            json!({ "size": 1, "source_volid": "00000000-0000-4000-8000-000000000000" }),
            404,
            "Volume 00000000-0000-4000-8000-000000000000 could not be found.",
        ),
    ] {
        let (got, body) = lab.post("/v3/volumes", json!({ "volume": volume })).await;
        assert_eq!(got, status, "{volume}: {body}");
        assert!(body.to_string().contains(text), "{volume}: {body}");
    }
    let (status, _) = lab.post("/v3/volumes", json!([1])).await;
    assert_eq!(status, 400);
    let (status, body) = lab.get("/v3/nothing").await;
    assert_eq!((status.as_u16(), body["itemNotFound"]["code"].as_i64()), (404, Some(404)));
    let (status, body) = lab.call(Method::PATCH, "/v3/volumes", &alice(), 71, None).await;
    assert_eq!((status.as_u16(), body["badMethod"]["code"].as_i64()), (405, Some(405)));
    let (status, _) = lab.call(Method::GET, "/v3/volumes", "bad", 71, None).await;
    assert_eq!(status, 401);
    let (status, _) = lab.call(Method::GET, "/v3/volumes", &alice(), 99, None).await;
    assert_eq!(status, 406);
}

#[tokio::test]
async fn quotas_hold_and_tell_what_is_used() {
    let mut conf = conf();
    (conf.quota_volumes, conf.quota_gigabytes) = (3, 10);
    let lab = Lab::with(conf).await;
    let id = lab.make(json!({ "size": 8 })).await;
    let (status, body) = lab.post("/v3/volumes", json!({ "volume": { "size": 5 } })).await;
    assert_eq!(status, 413);
    assert_eq!(
        body["overLimit"],
        json!({ "code": 413, "retryAfter": "0", "message":
            "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. \
             Requested 5G, quota is 10G and 8G has been consumed." })
    );
    let (status, _) = lab.act(&id, json!({ "os-extend": { "new_size": 11 } })).await;
    assert_eq!(status, 413);
    lab.wait("volumes", &id, "available").await;
    // Many at once do not get past the limit together.
    let asked = (0..6).map(|_| lab.post("/v3/volumes", json!({ "volume": { "size": 1 } })));
    let answers = futures::future::join_all(asked).await;
    assert_eq!(answers.iter().filter(|(status, _)| *status == 202).count(), 2);
    let set = json!({ "quota_set": { "gigabytes": -1, "volumes": 20 } });
    let (status, body) = lab.call(Method::PUT, "/v3/adm/os-quota-sets/a1", &admin(), 71, Some(set)).await;
    assert_eq!((status.as_u16(), body["quota_set"]["volumes"].as_i64()), (200, Some(20)));
    lab.make(json!({ "size": 100 })).await;
    let (_, body) = lab.get("/v3/os-quota-sets/a1?usage=True").await;
    assert_eq!(body["quota_set"]["gigabytes"], json!({ "limit": -1, "in_use": 110, "reserved": 0 }));
    let (_, body) = lab.get("/v3/limits").await;
    assert_eq!(body["limits"]["absolute"]["totalVolumesUsed"], 4);
}

#[tokio::test]
async fn what_is_in_use_is_not_deleted() {
    let lab = Lab::new().await;
    let id = lab.make(json!({ "size": 1 })).await;
    let attachment = lab.attach(&id, "rw").await;
    let (status, body) = lab.delete(&format!("/v3/volumes/{id}")).await;
    assert_eq!(status, 400);
    assert_eq!(
        body["badRequest"]["message"],
        "Invalid volume: Volume status must be available or error or error_restoring or error_extending or \
         error_managing and must not be migrating, attached, belong to a group, have snapshots, awaiting a \
         transfer, or be disassociated from snapshots after volume transfer."
    );
    lab.detach(&attachment).await;
    assert_eq!(lab.delete(&format!("/v3/volumes/{id}")).await.0, 202);
    lab.wait_gone("volumes", &id).await;
}

#[tokio::test]
async fn a_volume_no_backend_fits_ends_in_error_with_a_message() {
    let mut conf = conf();
    conf.backends[0].pool_capacity_gb = Some(3);
    let lab = Lab::with(conf).await;
    let id = lab.ask(json!({ "size": 4, "volume_type": "pure" })).await;
    lab.wait("volumes", &id, "error").await;
    let (_, body) = lab.get(&format!("/v3/messages?resource_uuid={id}")).await;
    assert_eq!(body["messages"][0]["event_id"], "VOLUME_VOLUME_001_003");
    assert_eq!(lab.show(&id).await["os-vol-host-attr:host"], json!(null));
    assert_eq!(lab.delete(&format!("/v3/volumes/{id}")).await.0, 202);
    lab.wait_gone("volumes", &id).await;
}

#[tokio::test]
async fn names_and_metadata_change() {
    let lab = Lab::new().await;
    let id = lab.make(json!({ "size": 1, "name": "old", "metadata": { "a": "1" } })).await;
    let path = format!("/v3/volumes/{id}");
    let body = json!({ "volume": { "name": " new ", "description": "d" } });
    let (status, body) = lab.call(Method::PUT, &path, &alice(), 71, Some(body)).await;
    assert_eq!((status.as_u16(), body["volume"]["name"].as_str()), (200, Some("new")));
    let meta = format!("{path}/metadata");
    let (_, body) = lab.post(&meta, json!({ "metadata": { "b": "2" } })).await;
    assert_eq!(body["metadata"], json!({ "a": "1", "b": "2" }));
    let (_, body) =
        lab.call(Method::PUT, &meta, &alice(), 71, Some(json!({ "metadata": { "c": "3" } }))).await;
    assert_eq!(body["metadata"], json!({ "c": "3" }));
    let key = format!("{meta}/c");
    let (_, body) = lab.call(Method::PUT, &key, &alice(), 71, Some(json!({ "meta": { "c": "4" } }))).await;
    assert_eq!(body["meta"], json!({ "c": "4" }));
    let (status, _) = lab.call(Method::PUT, &key, &alice(), 71, Some(json!({ "meta": { "d": "4" } }))).await;
    assert_eq!(status, 400);
    assert_eq!(lab.delete(&key).await.0, 200);
    assert_eq!(lab.delete(&key).await.0, 404);
    assert_eq!(lab.get(&meta).await.1["metadata"], json!({}));
}

#[tokio::test]
async fn clones_are_isolated_and_survive_their_source() {
    let lab = Lab::new().await;
    let source = lab.make(json!({ "size": 1, "volume_type": "pure" })).await;
    lab.write(&source, 4096, b"before").await;
    let clone = lab.make(json!({ "source_volid": source, "size": 2 })).await;
    lab.write(&source, 4096, b"after!").await;
    assert_eq!(lab.read(&clone, 4096, 6).await, b"before");
    lab.write(&clone, 0, b"clone").await;
    assert_eq!(lab.read(&source, 0, 5).await, [0; 5]);
    assert_eq!(lab.delete(&format!("/v3/volumes/{source}")).await.0, 202);
    lab.wait_gone("volumes", &source).await;
    assert_eq!(lab.read(&clone, 4096, 6).await, b"before");
    assert_eq!(lab.read(&clone, 2 * GIB - 1, 1).await, [0]);
    let (status, body) =
        lab.post("/v3/volumes", json!({ "volume": { "source_volid": clone, "size": 1 } })).await;
    assert_eq!(status, 400, "{body}");
    let other = json!({ "volume": { "source_volid": clone, "volume_type": "pure2" } });
    assert_eq!(lab.post("/v3/volumes", other).await.0, 400);
    lab.delete(&format!("/v3/volumes/{clone}")).await;
    lab.wait_gone("volumes", &clone).await;
    assert!(lab.files("puredriver-1").is_empty(), "{:?}", lab.files("puredriver-1"));
}

#[tokio::test]
async fn replicated_volumes_have_two_copies_and_clone_on_both_backends() {
    let lab = Lab::new().await;
    let source = lab.make(json!({ "size": 1, "volume_type": "replicated" })).await;
    let volume = lab.show(&source).await;
    assert_eq!(volume["os-vol-host-attr:host"], "scurry@puredriver-3#puredriver-3");
    assert_eq!(volume["replication_status"], "enabled");
    lab.write(&source, 0, b"both").await;
    for backend in ["puredriver-2", "puredriver-3"] {
        let path = lab.pool(backend).join(format!("volume-{source}"));
        assert_eq!(&std::fs::read(path).unwrap()[..4], b"both", "{backend}");
    }
    let on_replica = lab.make(json!({ "source_volid": source, "volume_type": "pure2" })).await;
    assert_eq!(lab.show(&on_replica).await["os-vol-host-attr:host"], "scurry@puredriver-2#puredriver-2");
    let twin = lab.make(json!({ "source_volid": source })).await;
    for clone in [&on_replica, &twin] {
        assert_eq!(lab.read(clone, 0, 4).await, b"both");
    }
    for id in [&source, &on_replica, &twin] {
        assert_eq!(lab.delete(&format!("/v3/volumes/{id}")).await.0, 202);
        lab.wait_gone("volumes", id).await;
    }
    assert!(lab.files("puredriver-2").is_empty() && lab.files("puredriver-3").is_empty());
}
