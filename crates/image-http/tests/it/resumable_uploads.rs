// SPDX-License-Identifier: Apache-2.0
//! Uploads in several requests as clients see them: headers, problems, sparse bodies, broken connections.

use axum::body::Body;
use scurry_types::extent_frames;
use scurry_types::{BLOCK_SIZE, BlockHashes, ExtentKind};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Answer, TestApi};

const PART: &str = "application/partial-upload";

async fn queued(api: &TestApi) -> String {
    api.create("alice", json!({"disk_format": "raw", "container_format": "bare"})).await
}

fn file(id: &str) -> String {
    format!("/v2/images/{id}/file")
}

/// A request with these headers and that body.
async fn send(
    api: &TestApi,
    method: &str,
    id: &str,
    media: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let mut call = api.call("alice", method, &file(id)).header("content-type", media);
    call = call.header("content-length", &body.len().to_string());
    for (name, value) in headers {
        call = call.header(name, value);
    }
    call.stream(Body::from(body.to_vec())).await
}

async fn head(api: &TestApi, id: &str) -> Answer {
    api.call("alice", "HEAD", &file(id)).send().await
}

async fn begin(api: &TestApi, id: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    send(api, "PUT", id, "application/octet-stream", headers, body).await
}

async fn append(api: &TestApi, id: &str, offset: u64, complete: &str, body: &[u8]) -> Answer {
    let offset = offset.to_string();
    let headers = [("upload-offset", offset.as_str()), ("upload-complete", complete)];
    send(api, "PATCH", id, PART, &headers, body).await
}

async fn data(api: &TestApi, id: &str) -> Vec<u8> {
    api.get("alice", &file(id)).await.body
}

fn progress(answer: &Answer) -> (u16, Option<&str>, Option<&str>) {
    (answer.status, answer.header("upload-offset"), answer.header("upload-complete"))
}

/// `Scurry-Block-Digest` of these bytes.
fn block_digest(content: &[u8]) -> String {
    let len = usize::try_from(BLOCK_SIZE).unwrap();
    let hashes = content.chunks(len).map(|block| blake3::hash(block).into()).collect();
    let hashes = BlockHashes { image_len: content.len() as u64, hashes };
    let digest = blake3::hash(&hashes.to_bytes());
    use base64::Engine;
    format!("blake3-4m=:{}:", base64::engine::general_purpose::STANDARD.encode(digest.as_bytes()))
}

#[tokio::test]
async fn an_image_comes_in_parts() {
    let api = TestApi::new().await;
    let id = queued(&api).await;
    let content = scurry_testkit::pattern(3, 5_000_000);
    let before = head(&api, &id).await;
    assert_eq!(progress(&before), (204, Some("0"), Some("?0")));
    assert_eq!(
        before.header("accept-patch"),
        Some("application/partial-upload, application/vnd.scurry.extents")
    );
    assert_eq!(before.header("cache-control"), Some("no-store"));
    assert_eq!(before.header("upload-limit"), Some("max-size=1099511627776, max-age=86400"));
    let begun =
        begin(&api, &id, &[("upload-complete", "?0"), ("upload-length", "5000000")], &content[..10]).await;
    assert_eq!(progress(&begun), (201, Some("10"), Some("?0")));
    assert_eq!(begun.header("location"), Some(format!("http://images.test/v2/images/{id}/file").as_str()));
    assert_eq!(begun.header("upload-draft-interop-version"), Some("8"));
    let more = append(&api, &id, 10, "?0", &content[10..4_500_000]).await;
    assert_eq!(progress(&more), (204, Some("4500000"), Some("?0")));
    let between = head(&api, &id).await;
    assert_eq!(progress(&between), (204, Some("4500000"), Some("?0")));
    assert_eq!(between.header("upload-length"), Some("5000000"));
    let image = api.get("alice", &format!("/v2/images/{id}")).await.json();
    assert_eq!(image["status"], "saving");
    let last = append(&api, &id, 4_500_000, "?1", &content[4_500_000..]).await;
    assert_eq!(progress(&last), (204, Some("5000000"), Some("?1")));
    assert_eq!(last.header("scurry-block-digest"), Some(block_digest(&content).as_str()));
    assert!(data(&api, &id).await == content);
    let after = head(&api, &id).await;
    assert_eq!(progress(&after), (204, Some("5000000"), Some("?1")));
    assert_eq!(after.header("scurry-block-digest"), last.header("scurry-block-digest"));
    let late = append(&api, &id, 5_000_000, "?1", b"").await;
    assert_eq!(late.status, 400);
    assert_eq!(late.json()["type"], "https://iana.org/assignments/http-problem-types#completed-upload");
}

#[tokio::test]
async fn an_upload_in_one_request_may_invite_to_go_on() {
    let api = TestApi::new().await;
    let id = queued(&api).await;
    let done = begin(&api, &id, &[("upload-complete", "?1")], b"all of it").await;
    assert_eq!(progress(&done), (204, Some("9"), Some("?1")));
    assert_eq!(data(&api, &id).await, b"all of it");
    let empty = queued(&api).await;
    let call = api.call("alice", "PUT", &file(&empty)).header("upload-complete", "?1");
    assert_eq!(progress(&call.send().await), (204, Some("0"), Some("?1")));
}

#[tokio::test]
async fn problems_say_what_to_do() {
    let api = TestApi::new().await;
    let id = queued(&api).await;
    assert_eq!(append(&api, &id, 0, "?0", b"x").await.status, 404);
    begin(&api, &id, &[("upload-complete", "?0")], b"12345").await;
    let wrong = append(&api, &id, 7, "?0", b"x").await;
    assert_eq!(progress(&wrong), (409, Some("5"), Some("?0")));
    assert_eq!(wrong.header("content-type"), Some("application/problem+json"));
    let problem = wrong.json();
    assert_eq!(problem["type"], "https://iana.org/assignments/http-problem-types#mismatching-upload-offset");
    assert_eq!((&problem["expected-offset"], &problem["provided-offset"]), (&json!(5), &json!(7)));
    let headers = [("upload-offset", "5"), ("upload-complete", "?1"), ("upload-length", "99")];
    let length = send(&api, "PATCH", &id, PART, &headers, b"6").await;
    assert_eq!(length.status, 400);
    let inconsistent = "https://iana.org/assignments/http-problem-types#inconsistent-upload-length";
    assert_eq!(length.json()["type"], inconsistent);
    let media = send(&api, "PATCH", &id, "text/plain", &headers, b"6").await;
    assert_eq!(media.status, 415);
    assert!(media.header("accept-patch").unwrap().contains(PART));
    let half = send(&api, "PATCH", &id, PART, &[("upload-offset", "5")], b"6").await;
    half.refuses(400, "Upload-Offset and Upload-Complete are expected.");
    let strange = send(&api, "PATCH", &id, PART, &[("upload-offset", "-5")], b"6").await;
    assert_eq!((strange.status, strange.header("allow")), (405, Some("GET, PUT")));
    assert_eq!(head(&api, &id).await.header("upload-offset"), Some("5"));
}

#[tokio::test]
async fn data_that_may_not_count_ends_the_upload() {
    let api = TestApi::new().await;
    let id = queued(&api).await;
    let qcow2 = [b"QFI\xfb\x00\x00\x00\x03".as_slice(), &[0; 65_536]].concat();
    begin(&api, &id, &[("upload-complete", "?0")], &qcow2[..100]).await;
    let refused = append(&api, &id, 100, "?1", &qcow2[100..]).await;
    assert_eq!((refused.status, refused.header("upload-complete")), (415, Some("?1")));
    assert_eq!(progress(&head(&api, &id).await), (204, Some("0"), Some("?0")));
}

#[tokio::test]
async fn what_glance_has_is_as_it_was() {
    let api = TestApi::new().await;
    let id = api.active("alice", b"data").await;
    for method in ["HEAD", "PATCH", "DELETE", "POST"] {
        let answer = api.call("alice", method, &file(&id)).send().await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, PUT")), "{method}");
    }
    let id = queued(&api).await;
    let ignored = begin(&api, &id, &[("upload-complete", "yes"), ("upload-length", "9")], b"data").await;
    assert_eq!((ignored.status, ignored.header("upload-complete")), (204, None));
    let frames = send(&api, "PUT", &id, extent_frames::MEDIA_TYPE, &[], b"").await;
    assert_eq!(frames.status, 415);
}

#[tokio::test]
async fn others_neither_see_nor_touch_an_upload() {
    let api = TestApi::new().await;
    let id = queued(&api).await;
    begin(&api, &id, &[("upload-complete", "?0")], b"12345").await;
    for (user, status) in [("bob", 404), ("alice-reader", 403), ("-", 401)] {
        for method in ["HEAD", "PATCH", "DELETE"] {
            let call = api.call(user, method, &file(&id)).header("content-type", PART);
            let call = call.header("upload-offset", "5").header("upload-complete", "?1");
            assert_eq!(call.send().await.status, status, "{user} {method}");
        }
    }
    assert_eq!(head(&api, &id).await.header("upload-offset"), Some("5"));
}

#[tokio::test]
async fn a_cancelled_upload_can_begin_anew() {
    let api = TestApi::new().await;
    let id = queued(&api).await;
    begin(&api, &id, &[("upload-complete", "?0")], b"12345").await;
    assert_eq!(api.call("alice", "DELETE", &file(&id)).send().await.status, 204);
    assert_eq!(api.call("alice", "DELETE", &file(&id)).send().await.status, 405);
    assert!(api.fast.urls().is_empty());
    let plain = begin(&api, &id, &[], b"other").await;
    assert_eq!(plain.status, 204, "{}", plain.text());
    assert_eq!(data(&api, &id).await, b"other");
}

#[tokio::test]
async fn holes_need_not_be_sent() {
    let api = TestApi::new().await;
    let id = queued(&api).await;
    let frames = |parts: &[(ExtentKind, u64, &[u8])]| -> Vec<u8> {
        parts
            .iter()
            .flat_map(|(kind, len, data)| [&extent_frames::header(*kind, *len), *data].concat())
            .collect()
    };
    let first = frames(&[(ExtentKind::Data, 3, b"abc"), (ExtentKind::Zero, 9_000_000, b"")]);
    let headers = [("upload-complete", "?0"), ("upload-length", "10000004")];
    let begun = send(&api, "PUT", &id, extent_frames::MEDIA_TYPE, &headers, &first).await;
    assert_eq!(progress(&begun), (201, Some("9000003"), Some("?0")));
    // Cut within a frame: what came of it counts.
    let cut = frames(&[(ExtentKind::Data, 100, b"de")]);
    let headers = [("upload-offset", "9000003"), ("upload-complete", "?0")];
    let answer = send(&api, "PATCH", &id, extent_frames::MEDIA_TYPE, &headers, &cut).await;
    answer.refuses(400, "the body ends within a frame");
    assert_eq!(head(&api, &id).await.header("upload-offset"), Some("9000005"));
    let headers = [("upload-offset", "9000005"), ("upload-complete", "?1")];
    let last = frames(&[(ExtentKind::Zero, 999_998, b""), (ExtentKind::Data, 1, b"f")]);
    let done = send(&api, "PATCH", &id, extent_frames::MEDIA_TYPE, &headers, &last).await;
    assert_eq!(progress(&done), (204, Some("10000004"), Some("?1")));
    let mut content = vec![0; 10_000_004];
    content[..3].copy_from_slice(b"abc");
    content[9_000_003..9_000_005].copy_from_slice(b"de");
    content[10_000_003] = b'f';
    assert!(data(&api, &id).await == content);
    assert_eq!(done.header("scurry-block-digest"), Some(block_digest(&content).as_str()));
    let bad = queued(&api).await;
    let headers = [("upload-complete", "?1")];
    let garbage = send(&api, "PUT", &bad, extent_frames::MEDIA_TYPE, &headers, b"garbage").await;
    garbage.refuses(400, "neither 'D' nor 'Z'");
    let endless = extent_frames::header(ExtentKind::Zero, 1 << 62);
    let at = head(&api, &bad).await.header("upload-offset").unwrap().to_owned();
    let headers = [("upload-offset", at.as_str()), ("upload-complete", "?1")];
    let endless = send(&api, "PATCH", &bad, extent_frames::MEDIA_TYPE, &headers, &endless).await;
    assert_eq!(endless.status, 413, "{}", endless.text());
}

/// Sends a request over a connection of its own, as far as it goes, and hangs up.
async fn hang_up(api: &TestApi, request: &str, body: &[u8]) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(axum::serve(listener, api.app()).into_future());
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(request.as_bytes()).await.unwrap();
    connection.write_all(body).await.unwrap();
    connection.shutdown().await.unwrap();
    let mut rest = Vec::new();
    let _ = connection.read_to_end(&mut rest).await;
    server.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_connection_costs_nothing_that_arrived() {
    let api = TestApi::new().await;
    let id = queued(&api).await;
    let content = scurry_testkit::pattern(8, 6_000_000);
    let head_of = |method: &str, media: &str, more: &str| {
        format!(
            "{method} /v2/images/{id}/file HTTP/1.1\r\nHost: images.test\r\nX-Auth-Token: alice\r\nContent-Type: \
             {media}\r\n{more}\r\n"
        )
    };
    let more = "Upload-Complete: ?1\r\nContent-Length: 6000000\r\n";
    hang_up(&api, &head_of("PUT", "application/octet-stream", more), &content[..2_345_678]).await;
    assert_eq!(progress(&head(&api, &id).await), (204, Some("2345678"), Some("?0")));
    let more = "Upload-Complete: ?1\r\nUpload-Offset: 2345678\r\nTransfer-Encoding: chunked\r\n";
    let chunk = [b"f4240\r\n".as_slice(), &content[2_345_678..3_000_000]].concat();
    hang_up(&api, &head_of("PATCH", PART, more), &chunk).await;
    let state = head(&api, &id).await;
    assert_eq!(progress(&state), (204, Some("3000000"), Some("?0")));
    assert_eq!(state.header("upload-length"), Some("6000000"));
    let done = append(&api, &id, 3_000_000, "?1", &content[3_000_000..]).await;
    assert_eq!(done.status, 204, "{}", done.text());
    assert!(data(&api, &id).await == content);
}
