// SPDX-License-Identifier: Apache-2.0
//! Image calls as they go over the wire.

use bytes::Bytes;
use futures::{TryStreamExt, stream};
use scurry_openstack_client::ErrorKind;
use scurry_openstack_client::image::ImageClient;
use serde_json::json;

use crate::cloud::Cloud;

async fn client() -> (Cloud, ImageClient) {
    let cloud = Cloud::start().await;
    let address = format!("{}/glance/v2/", cloud.address());
    let client = ImageClient::new(cloud.session(), Some(&address), None);
    (cloud, client)
}

#[tokio::test]
async fn a_record_keeps_its_own_properties() {
    let (cloud, client) = client().await;
    cloud.answer(
        200,
        json!({"id": "i1", "name": "Ubuntu", "status": "active", "size": 2_361_393_152_u64, "disk_format": "raw",
            "container_format": "bare", "min_disk": 0, "min_ram": 0, "owner": "p1", "os_distro": "ubuntu",
            "locations": [{"url": "cinder://pure2/v1", "metadata": {"store": "pure2"}}]}),
    );
    let image = client.image("i1").await.unwrap();
    assert_eq!(image.size, Some(2_361_393_152));
    assert_eq!(image.properties["os_distro"], "ubuntu");
    assert_eq!(image.locations[0].metadata["store"], "pure2");
    assert_eq!(cloud.last().line, "GET /glance/v2/images/i1");
}

#[tokio::test]
async fn locations_come_and_go() {
    let (cloud, client) = client().await;
    cloud.answer(200, json!([{"url": "cinder://pure2/v1", "metadata": {"store": "pure2"}}]));
    assert_eq!(client.locations("i1").await.unwrap()[0].url, "cinder://pure2/v1");
    cloud.answer_with(202, &[], String::new());
    client.add_location("i1", "cinder://pure2/v2", Some("pure2")).await.unwrap();
    assert_eq!(cloud.last().line, "POST /glance/v2/images/i1/locations");
    assert_eq!(
        cloud.last().json(),
        json!({"url": "cinder://pure2/v2", "validation_data": {"store": "pure2"}})
    );
}

#[tokio::test]
async fn data_is_streamed_both_ways() {
    let (cloud, client) = client().await;
    cloud.answer_with(204, &[], String::new());
    let chunks = ["abc", "defg"].map(|part| Ok::<_, std::io::Error>(Bytes::from(part)));
    client.upload("i1", stream::iter(chunks), Some(7), Some("pure2"), Some("i0")).await.unwrap();
    let seen = cloud.last();
    assert_eq!(seen.line, "PUT /glance/v2/images/i1/file");
    assert_eq!(seen.body, b"abcdefg");
    assert_eq!(seen.header("content-type"), Some("application/octet-stream"));
    assert_eq!(seen.header("content-length"), Some("7"));
    assert_eq!(seen.header("x-image-meta-store"), Some("pure2"));
    assert_eq!(seen.header("x-openstack-base-image-ref"), Some("i0"));
    cloud.answer_with(200, &[], "abcdefg".to_owned());
    let data: Vec<Bytes> = client.download("i1").await.unwrap().try_collect().await.unwrap();
    assert_eq!(data.concat(), b"abcdefg");
    cloud.answer_with(204, &[], String::new());
    assert_eq!(client.download("i1").await.err().unwrap().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_broken_source_breaks_the_upload_and_is_not_repeated() {
    let (cloud, client) = client().await;
    let chunks = [Ok(Bytes::from("abc")), Err(std::io::Error::other("disk"))];
    assert!(client.upload("i1", stream::iter(chunks), Some(7), None, None).await.is_err());
    assert!(cloud.lines().len() <= 1);
}

#[tokio::test]
async fn the_catalog_has_the_service_when_no_address_is_given() {
    let cloud = Cloud::start().await;
    let client = ImageClient::new(cloud.session(), None, None);
    cloud.answer_with(204, &[], String::new());
    client.delete("i1").await.unwrap();
    assert_eq!(cloud.last().line, "DELETE /image/v2/images/i1");
}

#[tokio::test]
async fn the_cache_is_managed() {
    let (cloud, client) = client().await;
    let entry = json!({"id": 1, "image_id": "i1", "hits": 2, "last_accessed": 1.5, "last_modified": 1.0,
        "size": 10, "checksum": null});
    cloud.answer(200, json!({"cached_images": [entry], "queued_images": ["i2"]}));
    let contents = client.cache_contents().await.unwrap();
    assert_eq!((contents.cached_images[0].hits, contents.queued_images), (2, vec!["i2".to_owned()]));
    cloud.answer_with(204, &[], String::new());
    client.clear_cache(Some("queue")).await.unwrap();
    assert_eq!(cloud.last().line, "DELETE /glance/v2/cache");
    assert_eq!(cloud.last().header("x-image-cache-clear-target"), Some("queue"));
    cloud.answer(200, json!({"total_files_pruned": 1, "total_bytes_pruned": 10}));
    assert_eq!(client.prune_cache().await.unwrap().total_bytes_pruned, 10);
    cloud.answer_with(202, &[], String::new());
    client.cache_image("../i1").await.unwrap();
    assert_eq!(cloud.last().line, "PUT /glance/v2/cache/..%2Fi1");
}
