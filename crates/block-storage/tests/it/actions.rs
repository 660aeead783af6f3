// SPDX-License-Identifier: Apache-2.0
//! Actions on volumes.

use http::Method;
use serde_json::json;

use crate::lab::{GIB, Lab, admin, alice};

#[tokio::test]
async fn volumes_grow() {
    let lab = Lab::new().await;
    let id = lab.make(json!({ "size": 1, "volume_type": "replicated" })).await;
    lab.write(&id, 0, b"data").await;
    assert_eq!(lab.act(&id, json!({ "os-extend": { "new_size": 3 } })).await.0, 202);
    lab.wait("volumes", &id, "available").await;
    assert_eq!(lab.show(&id).await["size"], 3);
    for backend in ["puredriver-2", "puredriver-3"] {
        let file = lab.pool(backend).join(format!("volume-{id}"));
        assert_eq!(file.metadata().unwrap().len(), 3 * GIB);
    }
    for (new_size, text) in
        [(json!(3), "must be greater than current size"), (json!("big"), "not an integer")]
    {
        let (status, body) = lab.act(&id, json!({ "os-extend": { "new_size": new_size } })).await;
        assert_eq!(status, 400);
        assert!(body.to_string().contains(text), "{body}");
    }
}

#[tokio::test]
async fn volumes_in_use_grow_from_3_42_on() {
    let lab = Lab::new().await;
    let id = lab.make(json!({ "size": 1 })).await;
    let attachment = lab.attach(&id, "rw").await;
    let complete = format!("/v3/attachments/{}/action", attachment["id"].as_str().unwrap());
    lab.post(&complete, json!({ "os-complete": {} })).await;
    let path = format!("/v3/volumes/{id}/action");
    let body = || Some(json!({ "os-extend": { "new_size": 2 } }));
    assert_eq!(lab.call(Method::POST, &path, &alice(), 41, body()).await.0, 400);
    assert_eq!(lab.call(Method::POST, &path, &alice(), 42, body()).await.0, 202);
    lab.wait("volumes", &id, "in-use").await;
    assert_eq!(lab.show(&id).await["size"], 2);
}

#[tokio::test]
async fn flags_and_image_metadata_are_set() {
    let lab = Lab::new().await;
    let id = lab.make(json!({ "size": 1 })).await;
    assert_eq!(lab.act(&id, json!({ "os-set_bootable": { "bootable": "True" } })).await.0, 200);
    assert_eq!(lab.show(&id).await["bootable"], "true");
    assert_eq!(lab.act(&id, json!({ "os-set_bootable": {} })).await.0, 400);
    let set = json!({ "os-set_image_metadata": { "metadata": { "os_distro": "debian" } } });
    let (_, body) = lab.act(&id, set).await;
    assert_eq!(body["metadata"], json!({ "os_distro": "debian" }));
    assert_eq!(lab.show(&id).await["volume_image_metadata"]["os_distro"], "debian");
    let (_, body) = lab.act(&id, json!({ "os-show_image_metadata": {} })).await;
    assert_eq!(body["metadata"]["os_distro"], "debian");
    let unset = json!({ "os-unset_image_metadata": { "key": "os_distro" } });
    assert_eq!(lab.act(&id, unset.clone()).await.0, 200);
    assert_eq!(lab.act(&id, unset).await.0, 404);
    assert_eq!(lab.act(&id, json!({ "os-dance": {} })).await.0, 400);
    assert_eq!(lab.act(&id, json!({})).await.0, 400);
}

#[tokio::test]
async fn stuck_volumes_are_helped_by_administrators() {
    let lab = Lab::new().await;
    let id = lab.make(json!({ "size": 1 })).await;
    let path = format!("/v3/volumes/{id}/action");
    let reset = |status: &str| Some(json!({ "os-reset_status": { "status": status } }));
    assert_eq!(lab.call(Method::POST, &path, &alice(), 71, reset("error")).await.0, 403);
    for wrong in ["deleting", "in-use", "purple"] {
        assert_eq!(lab.call(Method::POST, &path, &admin(), 71, reset(wrong)).await.0, 400, "{wrong}");
    }
    assert_eq!(lab.call(Method::POST, &path, &admin(), 71, reset("error_restoring")).await.0, 202);
    assert_eq!(lab.show(&id).await["status"], "error_restoring");
    assert_eq!(lab.call(Method::POST, &path, &admin(), 71, reset("maintenance")).await.0, 202);
    assert_eq!(lab.delete(&format!("/v3/volumes/{id}")).await.0, 400);
    let force = Some(json!({ "os-force_delete": {} }));
    assert_eq!(lab.call(Method::POST, &path, &admin(), 71, force).await.0, 202);
    lab.wait_gone("volumes", &id).await;
}

#[tokio::test]
async fn a_type_on_the_same_backend_can_be_taken() {
    let lab = Lab::new().await;
    let id = lab.make(json!({ "size": 1, "volume_type": "pure" })).await;
    let retype = |to: &str| json!({ "os-retype": { "new_type": to, "migration_policy": "never" } });
    assert_eq!(lab.act(&id, retype("pure2")).await.0, 400);
    assert_eq!(lab.act(&id, retype("replicated")).await.0, 400);
    assert_eq!(lab.act(&id, retype("gold")).await.0, 400);
    assert_eq!(lab.act(&id, retype("__DEFAULT__")).await.0, 202);
    assert_eq!(lab.show(&id).await["volume_type"], "__DEFAULT__");
    assert_eq!(lab.act(&id, retype("__DEFAULT__")).await.0, 400);
}

#[tokio::test]
async fn the_old_way_to_attach_still_goes() {
    let lab = Lab::new().await;
    let id = lab.make(json!({ "size": 1 })).await;
    assert_eq!(lab.act(&id, json!({ "os-reserve": {} })).await.0, 202);
    assert_eq!(lab.act(&id, json!({ "os-reserve": {} })).await.0, 400);
    let connect = json!({ "os-initialize_connection": { "connector": { "host": "n" } } });
    let (status, body) = lab.act(&id, connect).await;
    assert_eq!(
        (status.as_u16(), body["connection_info"]["driver_volume_type"].as_str()),
        (200, Some("local"))
    );
    let (status, _) = lab.act(&id, json!({ "os-initialize_connection": { "connector": {} } })).await;
    assert_eq!(status, 400);
    let attach = json!({ "os-attach": { "host_name": "n", "mountpoint": "/dev/vdb", "mode": "rw" } });
    assert_eq!(lab.act(&id, attach).await.0, 202);
    assert_eq!(lab.show(&id).await["status"], "in-use");
    assert_eq!(lab.act(&id, json!({ "os-begin_detaching": {} })).await.0, 202);
    assert_eq!(lab.act(&id, json!({ "os-roll_detaching": {} })).await.0, 202);
    assert_eq!(lab.act(&id, json!({ "os-begin_detaching": {} })).await.0, 202);
    assert_eq!(lab.act(&id, json!({ "os-detach": {} })).await.0, 202);
    let volume = lab.show(&id).await;
    assert_eq!((volume["status"].as_str(), volume["attachments"].clone()), (Some("available"), json!([])));
}

#[tokio::test]
async fn a_volume_open_for_writing_stays_as_it_is() {
    let lab = Lab::new().await;
    let id = lab.make(json!({ "size": 1, "volume_type": "pure" })).await;
    let attachment = lab.attach(&id, "rw").await;
    let complete = format!("/v3/attachments/{}/action", attachment["id"].as_str().unwrap());
    lab.post(&complete, json!({ "os-complete": {} })).await;
    let writer = crate::lab::open(&attachment, scurry_volume_file::Access::ReadWrite);
    assert_eq!(lab.act(&id, json!({ "os-extend": { "new_size": 2 } })).await.0, 202);
    lab.wait("volumes", &id, "in-use").await;
    assert_eq!(lab.show(&id).await["size"], 1);
    let (_, body) = lab.get(&format!("/v3/messages?resource_uuid={id}")).await;
    assert_eq!(body["messages"][0]["event_id"], "VOLUME_VOLUME_007_010");
    writer.close().unwrap();
    assert_eq!(lab.act(&id, json!({ "os-extend": { "new_size": 2 } })).await.0, 202);
    lab.wait("volumes", &id, "in-use").await;
    assert_eq!(lab.show(&id).await["size"], 2);
}
