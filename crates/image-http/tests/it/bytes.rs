// SPDX-License-Identifier: Apache-2.0
//! Image bytes in and out.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use futures::stream;
use rstest::rstest;
use scurry_testkit::MemoryStore;
use serde_json::json;

use crate::support::TestApi;

const FORMATS: &str = r#"{"disk_format": "raw", "container_format": "bare"}"#;

fn content(store: &MemoryStore) -> Vec<u8> {
    store.content(&store.urls()[0]).unwrap()
}

#[tokio::test]
async fn bytes_come_back_as_they_went_in() {
    let api = TestApi::new().await;
    let id = api.active("alice", b"0123456789").await;
    let answer = api.get("alice", &format!("/v2/images/{id}/file")).await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"0123456789"[..]));
    assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
    assert_eq!(answer.header("content-length"), Some("10"));
    assert_eq!(answer.header("content-md5"), Some("781e5e245d69b566979b86e28d23f2c7"));
    assert_eq!(answer.header("content-range"), None);
    let image = api.get("alice", &format!("/v2/images/{id}")).await.json();
    assert_eq!(image["checksum"], "781e5e245d69b566979b86e28d23f2c7");
    assert_eq!((&image["size"], &image["virtual_size"]), (&json!(10), &json!(10)));
    assert_eq!(image["os_hash_algo"], "sha512");
}

#[rstest]
#[case("bytes=0-4", "bytes 0-4/10", "01234")]
#[case("bytes=8-", "bytes 8-9/10", "89")]
#[case("bytes=-3", "bytes 7-9/10", "789")]
#[case("bytes=0-100", "bytes 0-9/10", "0123456789")]
#[tokio::test]
async fn a_range_is_a_part(#[case] range: &str, #[case] header: &str, #[case] body: &str) {
    let api = TestApi::new().await;
    let id = api.active("alice", b"0123456789").await;
    let answer =
        api.call("alice", "GET", &format!("/v2/images/{id}/file")).header("range", range).send().await;
    assert_eq!((answer.status, answer.text().as_str()), (206, body));
    assert_eq!(answer.header("content-range"), Some(header));
    assert_eq!(answer.header("content-length"), Some(body.len().to_string().as_str()));
    // The image's MD5 is not the part's.
    assert_eq!(answer.header("content-md5"), None);
}

#[rstest]
#[case("bytes=10-", 416)]
#[case("bytes=4-2", 416)]
#[case("lines=1-2", 416)]
#[case("bytes=0-1,3-4", 400)]
#[tokio::test]
async fn a_range_outside_is_refused(#[case] range: &str, #[case] status: u16) {
    let api = TestApi::new().await;
    let id = api.active("alice", b"0123456789").await;
    let answer =
        api.call("alice", "GET", &format!("/v2/images/{id}/file")).header("range", range).send().await;
    assert_eq!(answer.status, status);
}

#[tokio::test]
async fn an_image_without_data_is_204() {
    let api = TestApi::new().await;
    let id = api.create("alice", json!({})).await;
    let path = format!("/v2/images/{id}/file");
    assert_eq!(api.get("alice", &path).await.status, 204);
    assert_eq!(api.call("alice", "GET", &path).header("range", "bytes=0-4").send().await.status, 204);
}

#[rstest]
#[case(None)]
#[case(Some("application/json"))]
#[tokio::test]
async fn only_octets_are_taken(#[case] media: Option<&str>) {
    let api = TestApi::new().await;
    let id = api.create("alice", json!({})).await;
    for suffix in ["file", "stage"] {
        let mut call = api.call("alice", "PUT", &format!("/v2/images/{id}/{suffix}"));
        if let Some(media) = media {
            call = call.header("content-type", media);
        }
        assert_eq!(call.text("data").await.status, 415, "{suffix}");
    }
}

#[rstest]
#[case("x-image-meta-store", "nope", "Store for identifier nope not found")]
#[case("x-openstack-image-size", "many", "Invalid or missing image size in request headers.")]
#[tokio::test]
async fn headers_of_an_upload_are_checked(#[case] name: &str, #[case] value: &str, #[case] text: &str) {
    let api = TestApi::new().await;
    let id = api.create("alice", serde_json::from_str(FORMATS).unwrap()).await;
    let call = api.call("alice", "PUT", &format!("/v2/images/{id}/file"));
    call.header(name, value).octets(b"data").await.refuses(400, text);
    let image = api.get("alice", &format!("/v2/images/{id}")).await.json();
    assert_eq!(image["status"], "queued");
}

#[tokio::test]
async fn an_upload_goes_to_the_store_asked_for() {
    let api = TestApi::new().await;
    let id = api.create("alice", serde_json::from_str(FORMATS).unwrap()).await;
    let call = api.call("alice", "PUT", &format!("/v2/images/{id}/file"));
    assert_eq!(call.header("x-image-meta-store", "slow").octets(b"data").await.status, 204);
    assert!(api.fast.urls().is_empty());
    assert_eq!(content(&api.slow), b"data");
}

#[tokio::test]
async fn a_body_without_a_length_streams_in() {
    let api = TestApi::new().await;
    let id = api.create("alice", serde_json::from_str(FORMATS).unwrap()).await;
    let chunks = (0..100_u8).map(|n| Ok::<_, Infallible>(Bytes::from(vec![n; 10_000])));
    let call = api.call("alice", "PUT", &format!("/v2/images/{id}/file"));
    let call = call.header("content-type", "application/octet-stream").header("transfer-encoding", "chunked");
    assert_eq!(call.stream(Body::from_stream(stream::iter(chunks))).await.status, 204);
    let expected: Vec<u8> = (0..100_u8).flat_map(|n| vec![n; 10_000]).collect();
    assert_eq!(content(&api.fast), expected);
}

#[tokio::test]
async fn a_broken_upload_leaves_a_queued_image_and_nothing_else() {
    let api = TestApi::new().await;
    let id = api.create("alice", serde_json::from_str(FORMATS).unwrap()).await;
    let chunks = [Ok(Bytes::from_static(b"half")), Err(std::io::Error::other("reset by peer"))];
    let call = api.call("alice", "PUT", &format!("/v2/images/{id}/file"));
    let call = call.header("content-type", "application/octet-stream").header("transfer-encoding", "chunked");
    let answer = call.stream(Body::from_stream(stream::iter(chunks))).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    let image = api.get("alice", &format!("/v2/images/{id}")).await.json();
    assert_eq!((&image["status"], &image["size"]), (&json!("queued"), &json!(null)));
    assert!(api.fast.urls().is_empty());
}

#[tokio::test]
async fn a_second_upload_conflicts() {
    let api = TestApi::new().await;
    let id = api.active("alice", b"data").await;
    let again = api.call("alice", "PUT", &format!("/v2/images/{id}/file")).octets(b"other").await;
    again.refuses(409, "Image status transition from active to saving is not allowed");
    assert_eq!(content(&api.fast), b"data");
}

#[tokio::test]
async fn bytes_that_are_not_what_the_image_says_are_415() {
    let api = TestApi::new().await;
    let id = api.create("alice", json!({"disk_format": "qcow2", "container_format": "bare"})).await;
    let answer = api.call("alice", "PUT", &format!("/v2/images/{id}/file")).octets(&[7; 4096]).await;
    assert_eq!(answer.status, 415, "{}", answer.text());
    assert!(api.fast.urls().is_empty());
}

#[tokio::test]
async fn downloads_ask_the_stores_the_client_prefers() {
    let api = TestApi::new().await;
    let id = api.active("alice", b"data").await;
    let path = format!("/v2/images/{id}/file");
    assert_eq!(api.get("alice", &format!("{path}?prefer=slow,fast")).await.text(), "data");
    api.get("alice", &format!("{path}?prefer=nope")).await.refuses(400, "Store 'nope' is not configured.");
}

#[tokio::test]
async fn a_deactivated_image_keeps_its_bytes_to_administrators() {
    let api = TestApi::new().await;
    let id = api.active("alice", b"data").await;
    let path = format!("/v2/images/{id}");
    let act =
        async |what: &str| api.call("alice", "POST", &format!("{path}/actions/{what}")).send().await.status;
    assert_eq!((act("deactivate").await, act("deactivate").await), (204, 204));
    assert_eq!(api.get("alice", &format!("{path}/file")).await.status, 403);
    assert_eq!(api.get("admin", &format!("{path}/file")).await.text(), "data");
    assert_eq!((act("reactivate").await, act("reactivate").await), (204, 204));
    assert_eq!(api.get("alice", &format!("{path}/file")).await.text(), "data");
    let queued = api.create("alice", json!({})).await;
    let answer = api.call("alice", "POST", &format!("/v2/images/{queued}/actions/deactivate")).send().await;
    answer.refuses(403, "Not allowed to deactivate image in status 'queued'");
}
