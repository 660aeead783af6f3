// SPDX-License-Identifier: Apache-2.0
//! Which copy of an image is given out, and what happens when it breaks.

use scurry_store::{Operation, StoreErrorKind};
use serde_json::json;

use crate::support::TestApi;

/// An image in both stores; `fast` is the heavier one.
async fn in_both(api: &TestApi, data: &'static [u8]) -> String {
    let id = api.active("admin", data).await;
    let copy = api.call("admin", "POST", &format!("/v2/images/{id}/import"));
    let answer = copy.json(&json!({"method": {"name": "copy-image"}, "stores": ["slow"]})).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert_eq!(api.settled(&id).await["stores"], "fast,slow");
    id
}

fn opened(api: &TestApi) -> (u64, u64) {
    (api.fast.faults().count(Operation::Open), api.slow.faults().count(Operation::Open))
}

#[tokio::test]
async fn stores_are_shown_and_asked_by_their_weight() {
    let api = TestApi::with(|options| {
        options.image.show_multiple_locations = true;
        options.image.show_image_direct_url = true;
    })
    .await;
    // First in `slow`, which is the lighter one.
    let id = api.create("admin", json!({"disk_format": "raw", "container_format": "bare"})).await;
    let call = api.call("admin", "PUT", &format!("/v2/images/{id}/file"));
    assert_eq!(call.header("x-image-meta-store", "slow").octets(b"data").await.status, 204);
    let copy = api.call("admin", "POST", &format!("/v2/images/{id}/import"));
    copy.json(&json!({"method": {"name": "copy-image"}, "stores": ["fast"]})).await;
    let image = api.settled(&id).await;
    assert_eq!(image["stores"], "fast,slow");
    assert_eq!(image["locations"][0]["metadata"]["store"], "fast");
    assert_eq!(image["direct_url"], image["locations"][0]["url"]);
    let listed = api.get("admin", "/v2/images").await.json();
    assert_eq!(listed["images"][0]["stores"], "fast,slow");
    let (fast, slow) = opened(&api);
    assert_eq!(api.get("admin", &format!("/v2/images/{id}/file")).await.text(), "data");
    assert_eq!(opened(&api), (fast + 1, slow));
}

#[tokio::test]
async fn the_store_asked_for_is_read() {
    let api = TestApi::with(|options| {
        options.cache();
    })
    .await;
    let id = in_both(&api, b"data").await;
    let path = format!("/v2/images/{id}/file");
    let (fast, slow) = opened(&api);
    assert_eq!(api.get("admin", &format!("{path}?prefer=slow")).await.text(), "data");
    assert_eq!(opened(&api), (fast, slow + 1));
    api.get("admin", "/v2/cache").await; // by now it is cached
    assert_eq!(api.get("admin", &format!("{path}?prefer=%20,%20slow,")).await.text(), "data");
    assert_eq!(opened(&api), (fast, slow + 2), "who names a store means it");
    assert_eq!(api.get("admin", &path).await.text(), "data");
    assert_eq!(opened(&api), (fast, slow + 2));
    for name in ["nope", "slow,nope", "os_glance_staging_store"] {
        let answer = api.get("admin", &format!("{path}?prefer={name}")).await;
        answer.refuses(400, "is not configured.");
    }
}

#[tokio::test]
async fn the_next_copy_is_read_when_one_cannot_be() {
    let api = TestApi::new().await;
    let id = in_both(&api, b"data").await;
    let path = format!("/v2/images/{id}/file");
    for (operation, kind) in [
        (Operation::Open, StoreErrorKind::Unavailable),
        (Operation::Open, StoreErrorKind::NotFound),
        (Operation::Read, StoreErrorKind::Corrupt),
    ] {
        api.fast.faults().fail_all(operation, kind);
        let answer = api.get("admin", &path).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "data"), "{operation} {kind:?}");
        api.fast.faults().clear();
    }
}

#[tokio::test]
async fn a_copy_that_breaks_half_way_is_continued_by_the_next() {
    let data: &'static [u8] = Box::leak(scurry_testkit::pattern(7, 3 << 20).into_boxed_slice());
    let api = TestApi::new().await;
    let id = in_both(&api, data).await;
    for nth in 1..=3 {
        api.fast.faults().fail_nth(Operation::Read, nth, StoreErrorKind::Unavailable);
        let answer = api.get("admin", &format!("/v2/images/{id}/file")).await;
        assert_eq!(answer.status, 200);
        assert!(answer.body == data, "read {nth} failed and {} bytes came", answer.body.len());
        api.fast.faults().clear();
    }
}

#[tokio::test]
async fn without_any_copy_the_answer_says_why() {
    let api = TestApi::new().await;
    let id = api.active("admin", b"data").await;
    for (operation, kind, status) in [
        (Operation::Open, StoreErrorKind::NotFound, 204),
        (Operation::Open, StoreErrorKind::Unavailable, 503),
        (Operation::Read, StoreErrorKind::Unavailable, 503),
        (Operation::Read, StoreErrorKind::Other, 500),
    ] {
        api.fast.faults().fail_all(operation, kind);
        let answer = api.get("admin", &format!("/v2/images/{id}/file")).await;
        assert_eq!(answer.status, status, "{operation} {kind:?}: {}", answer.text());
        api.fast.faults().clear();
    }
}
