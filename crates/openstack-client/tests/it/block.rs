// SPDX-License-Identifier: Apache-2.0
//! Block storage calls as they go over the wire.

use std::collections::BTreeMap;

use scurry_openstack_client::ErrorKind;
use scurry_openstack_client::block::{BlockClient, VolumeCreate};
use serde_json::{Value, json};

use crate::cloud::Cloud;

async fn client() -> (Cloud, BlockClient) {
    let cloud = Cloud::start().await;
    let client = BlockClient::new(cloud.session(), "volumev3::publicURL", None, None).unwrap();
    (cloud, client)
}

fn volume(id: &str, status: &str) -> Value {
    json!({"id": id, "name": "image-x", "size": 3, "status": status, "volume_type": "pure2", "bootable": "false",
           "metadata": {"glance_image_id": "x"}, "multiattach": false, "encrypted": false, "attachments": [],
           "os-vol-host-attr:host": "rig@puredriver-2#puredriver-2", "os-vol-tenant-attr:tenant_id": "p1"})
}

#[tokio::test]
async fn a_volume_is_created_as_cinder_expects() {
    let (cloud, client) = client().await;
    cloud.answer(202, json!({"volume": volume("v1", "creating")}));
    let wanted = VolumeCreate {
        size: 3,
        name: "image-x".to_owned(),
        volume_type: Some("pure2".to_owned()),
        metadata: BTreeMap::from([("glance_image_id".to_owned(), "x".to_owned())]),
        ..VolumeCreate::default()
    };
    let made = client.create_volume(&wanted).await.unwrap();
    assert_eq!((made.id.as_str(), made.status.as_str(), made.size), ("v1", "creating", 3));
    assert_eq!(made.host.as_deref(), Some("rig@puredriver-2#puredriver-2"));
    assert_eq!(made.project_id.as_deref(), Some("p1"));
    let seen = cloud.last();
    assert_eq!(seen.line, "POST /volume/v3/p1/volumes");
    assert_eq!(seen.header("openstack-api-version"), Some("volume 3.54"));
    assert_eq!(
        seen.json(),
        json!({"volume": {"size": 3, "name": "image-x", "volume_type": "pure2", "metadata": {"glance_image_id": "x"}}})
    );
}

#[tokio::test]
async fn actions_have_their_bodies() {
    let (cloud, client) = client().await;
    let expect = |body: Value| {
        let seen = cloud.last();
        assert_eq!(seen.line, "POST /volume/v3/p1/volumes/v1/action");
        assert_eq!(seen.json(), body);
        cloud.answer_with(202, &[], String::new());
    };
    cloud.answer_with(202, &[], String::new());
    client.extend("v1", 5).await.unwrap();
    expect(json!({"os-extend": {"new_size": 5}}));
    client.shrink("v1", 4).await.unwrap();
    expect(json!({"os-scurry-shrink": {"new_size": 4}}));
    client.update_readonly("v1", true).await.unwrap();
    expect(json!({"os-update_readonly_flag": {"readonly": true}}));
    client.reset_status("v1", "available", Some("detached")).await.unwrap();
    expect(json!({"os-reset_status": {"status": "available", "attach_status": "detached"}}));
    client.delete_volume("v1", true).await.unwrap();
    expect(json!({"os-force_delete": {}}));
    client.delete_volume("v1", false).await.unwrap();
    assert_eq!(cloud.last().line, "DELETE /volume/v3/p1/volumes/v1");
}

#[tokio::test]
async fn refusals_have_kinds_and_words() {
    let (cloud, client) = client().await;
    for (status, name, kind) in [
        (404, "itemNotFound", ErrorKind::NotFound),
        (400, "badRequest", ErrorKind::BadRequest),
        (413, "overLimit", ErrorKind::OverLimit),
        (403, "forbidden", ErrorKind::Forbidden),
        (409, "conflictingRequest", ErrorKind::Conflict),
    ] {
        cloud.answer(status, json!({name: {"code": status, "message": "Volume v1 is so."}}));
        let error = client.volume("v1").await.unwrap_err();
        assert_eq!((error.kind(), error.status()), (kind, Some(status)));
        assert!(error.message().contains("Volume v1 is so."), "{error}");
    }
}

#[tokio::test]
async fn lists_are_followed_to_their_end() {
    let (cloud, client) = client().await;
    let link = json!([{"rel": "next", "href": "http://elsewhere/volumes/detail?marker=v1"}]);
    cloud.answer(200, json!({"volumes": [volume("v1", "available")], "volumes_links": link}));
    cloud.answer(200, json!({"volumes": [volume("v2", "error")]}));
    let found = client.volumes_by_metadata("glance_image_id", "x").await.unwrap();
    assert_eq!(found.iter().map(|volume| volume.id.as_str()).collect::<Vec<_>>(), ["v1", "v2"]);
    let filter = "metadata=%7B%22glance_image_id%22%3A%22x%22%7D";
    assert_eq!(
        cloud.lines(),
        [
            format!("GET /volume/v3/p1/volumes/detail?{filter}"),
            format!("GET /volume/v3/p1/volumes/detail?marker=v1&{filter}"),
        ]
    );
}

#[tokio::test]
async fn attachments_take_one_call() {
    let (cloud, client) = client().await;
    let connector = json!({"host": "n1", "initiator": "iqn.x"});
    cloud.answer(
        200,
        json!({"attachment": {"id": "a1", "volume_id": "v1", "status": "attaching", "instance": null,
            "attach_mode": "rw", "attached_at": "", "detached_at": "",
            "connection_info": {"driver_volume_type": "local", "device_path": "/srv/v1"}}}),
    );
    let made = client.create_attachment("v1", "rw", Some(&connector)).await.unwrap();
    assert_eq!(made.connection_info.driver_volume_type(), Some("local"));
    assert_eq!(
        cloud.last().json(),
        json!({"attachment": {"volume_uuid": "v1", "mode": "rw", "connector": connector}})
    );
    cloud.answer_with(204, &[], String::new());
    client.complete_attachment("a1").await.unwrap();
    assert_eq!(cloud.last().line, "POST /volume/v3/p1/attachments/a1/action");
    cloud.answer(200, json!({"attachments": [{"id": "a1", "volume_id": "v1", "connection_info": null}]}));
    let list = client.attachments(Some("v1")).await.unwrap();
    assert!(list[0].connection_info.is_empty());
    cloud.answer(200, json!({"attachments": []}));
    client.delete_attachment("a1").await.unwrap();
    assert_eq!(cloud.last().line, "DELETE /volume/v3/p1/attachments/a1");
}

#[tokio::test]
async fn types_are_found_by_name_or_id() {
    let (cloud, client) = client().await;
    let types = json!({"volume_types": [
        {"id": "t1", "name": "pure", "is_public": true, "extra_specs": {"volume_backend_name": "puredriver-1"}},
        {"id": "t2", "name": "replicated", "extra_specs": null}]});
    for (name, id) in [("pure", Some("t1")), ("t2", Some("t2")), ("gone", None)] {
        cloud.answer(200, types.clone());
        let found = client.find_volume_type(name).await;
        assert_eq!(found.as_ref().ok().map(|each| each.id.as_str()), id);
    }
}

#[tokio::test]
async fn a_template_replaces_the_catalog() {
    let cloud = Cloud::start().await;
    let template = format!("{}/own/v3/%(project_id)s/", cloud.address());
    let client = BlockClient::new(cloud.session(), "volumev3::publicURL", Some(&template), None).unwrap();
    cloud.answer(200, json!({"volume": volume("v1", "available")}));
    client.volume("a/../b").await.unwrap();
    assert_eq!(cloud.last().line, "GET /own/v3/p1/volumes/a%2F..%2Fb");
}
