// SPDX-License-Identifier: Apache-2.0
//! What holds for every request: ids, verbs, bodies, the shapes of errors.

use insta::assert_snapshot;
use rstest::rstest;
use serde_json::json;

use crate::support::TestApi;

const NO_IMAGE: &str = "/v2/images/3f0e1c9a-5d0b-4f9b-9a53-0f8e4b7f2d11";

#[tokio::test]
async fn every_answer_has_a_request_id() {
    let api = TestApi::new().await;
    for (user, path) in [("-", "/"), ("-", "/v2/images"), ("alice", "/v2/images"), ("alice", NO_IMAGE)] {
        let answer = api.get(user, path).await;
        assert!(answer.header("x-openstack-request-id").unwrap().starts_with("req-"), "{path}");
    }
    let brought = api.call("alice", "GET", "/v2/images").header("x-openstack-request-id", "abc").send().await;
    assert_eq!(brought.header("x-openstack-request-id"), Some("req-abc"));
    let long = "x".repeat(65);
    let long = api.call("alice", "GET", "/v2/images").header("x-openstack-request-id", &long).send().await;
    assert_eq!(long.status, 413);
}

#[tokio::test]
async fn errors_take_the_shape_the_client_accepts() {
    let api = TestApi::new().await;
    let html = api.get("alice", NO_IMAGE).await;
    assert_eq!((html.status, html.header("content-type")), (404, Some("text/html; charset=UTF-8")));
    assert_snapshot!("error_html", html.text());
    let json = api.call("alice", "GET", NO_IMAGE).header("accept", "application/json").send().await;
    assert_eq!(json.header("content-type"), Some("application/json"));
    assert_snapshot!("error_json", json.text());
    let plain = api.call("alice", "GET", NO_IMAGE).header("accept", "text/plain").send().await;
    assert_eq!(plain.header("content-type"), Some("text/plain; charset=UTF-8"));
    assert_snapshot!("error_plain", plain.text());
}

#[rstest]
#[case("HEAD", "/v2/images", "GET, POST")]
#[case("PUT", "/v2/images", "GET, POST")]
#[case("HEAD", NO_IMAGE, "GET, PATCH, DELETE")]
#[case("PUT", NO_IMAGE, "GET, PATCH, DELETE")]
#[case("POST", "/v2/info/usage", "GET")]
#[case("GET", "/v2/stores/a/b", "DELETE")]
#[tokio::test]
async fn other_verbs_are_told_which_there_are(#[case] method: &str, #[case] path: &str, #[case] allow: &str) {
    let api = TestApi::new().await;
    let answer = api.call("alice", method, path).send().await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some(allow)));
}

#[rstest]
#[case("GET", 404)]
#[case("POST", 404)]
#[tokio::test]
async fn paths_that_lead_nowhere(#[case] method: &str, #[case] status: u16) {
    let api = TestApi::new().await;
    for path in ["/v2/nothing", "/v2/images/", "/v2/images/a/b/c", "/v2/%ff"] {
        assert_eq!(api.call("alice", method, path).send().await.status, status, "{path}");
    }
}

#[rstest]
#[case("GET", "/v2/schemas/image")]
#[case("GET", "/v2/info/stores")]
#[case("GET", NO_IMAGE)]
#[case("DELETE", NO_IMAGE)]
#[case("POST", "/v2/images/3f0e1c9a-5d0b-4f9b-9a53-0f8e4b7f2d11/actions/deactivate")]
#[case("PUT", "/v2/images/3f0e1c9a-5d0b-4f9b-9a53-0f8e4b7f2d11/tags/x")]
#[tokio::test]
async fn a_body_nobody_expects_is_refused(#[case] method: &str, #[case] path: &str) {
    let api = TestApi::new().await;
    let answer = api.call("alice", method, path).json(&json!({"a": 1})).await;
    answer.refuses(400, "A body is not expected with this request.");
}

#[rstest]
#[case("", "Body expected in request.")]
#[case("{", "Malformed JSON in request body.")]
#[case("7", "Unexpected body type. Expected list/dict.")]
#[tokio::test]
async fn json_that_is_none(#[case] body: &str, #[case] text: &str) {
    let api = TestApi::new().await;
    api.call("alice", "POST", "/v2/images").text(body).await.refuses(400, text);
}

#[tokio::test]
async fn json_is_bounded() {
    let api = TestApi::new().await;
    let body = format!("{{\"name\": \"{}\"}}", "x".repeat(1 << 20));
    assert_eq!(api.call("alice", "POST", "/v2/images").text(&body).await.status, 413);
}

#[tokio::test]
async fn without_a_token_there_is_no_api() {
    let api = TestApi::new().await;
    for path in ["/v2/images", "/v2/schemas/image", "/v2/nothing", "/v2/info/stores"] {
        api.get("-", path).await.refuses(401, "could not verify that you are authorized");
    }
}

#[rstest]
#[case("/v2/images/nope")]
#[case("/v2/images/..%2f..%2fetc%2fpasswd")]
#[case("/v2/images/%ff%fe")]
#[case("/v2/images/%00")]
#[tokio::test]
async fn what_is_no_image_id_names_no_image(#[case] path: &str) {
    let api = TestApi::new().await;
    assert_eq!(api.get("alice", path).await.status, 404);
}
