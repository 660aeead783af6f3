// SPDX-License-Identifier: Apache-2.0
//! What stands before the API: pages of other origins, proxies, health checks, callers nobody knows.

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use http_body_util::BodyExt;
use rstest::rstest;
use scurry_auth::Context;
use scurry_config::{ConfigFiles, CorsOrigin, GlanceConf};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{Answer, Options, TestApi};

/// Takes `[cors]` and `[healthcheck]` of a file.
fn configure(options: &mut Options, text: &str) {
    let files = ConfigFiles::parse(std::path::Path::new("glance-api.conf"), text).unwrap();
    let conf = GlanceConf::load(&files).unwrap();
    options.http.cors = Some(conf.cors);
    options.http.healthcheck = conf.healthcheck;
}

async fn configured(text: &str) -> TestApi {
    TestApi::with(|options| configure(options, text)).await
}

const CORS: &str = "[cors]\nallowed_origin = https://horizon.test\n[cors.any]\nallowed_origin = *\n\
                    allow_credentials = False\nallow_methods = GET\n";

async fn preflight(api: &TestApi, origin: &str, method: &str, headers: &str) -> Answer {
    let call = api.call("-", "OPTIONS", "/v2/images").header("origin", origin);
    let call = call.header("access-control-request-method", method);
    call.header("access-control-request-headers", headers).send().await
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_may_ask() {
    let api = configured(CORS).await;
    let answer = preflight(&api, "https://horizon.test", "PATCH", "X-Auth-Token, content-type").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, ""));
    for (name, value) in [
        ("access-control-allow-origin", "https://horizon.test"),
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-methods", "PATCH"),
        ("access-control-allow-headers", "X-Auth-Token,content-type"),
        ("access-control-max-age", "3600"),
        ("vary", "Origin"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    let any = preflight(&api, "https://elsewhere.test", "GET", "").await;
    assert_eq!(any.header("access-control-allow-origin"), Some("*"));
    assert_eq!(any.header("access-control-allow-credentials"), None);
    assert_eq!(any.header("access-control-allow-headers"), None);
}

#[rstest]
#[case("https://horizon.test", "TRACE", "")]
#[case("https://horizon.test", "GET", "X-Evil")]
#[case("https://horizon.test", "GET", "x-auth-token, X-Evil")]
#[case("https://elsewhere.test", "PUT", "")]
#[tokio::test]
async fn a_page_that_asks_for_more_is_told_nothing(
    #[case] origin: &str,
    #[case] method: &str,
    #[case] headers: &str,
) {
    let api = configured(CORS).await;
    let answer = preflight(&api, origin, method, headers).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, None));
}

#[tokio::test]
async fn answers_say_who_may_read_them() {
    let api = configured("[cors]\nallowed_origin = https://horizon.test\n").await;
    for (user, status) in [("alice", 200), ("-", 401)] {
        let answer =
            api.call(user, "GET", "/v2/images").header("origin", "https://horizon.test").send().await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("access-control-allow-origin"), Some("https://horizon.test"));
        let exposed = answer.header("access-control-expose-headers").unwrap();
        assert!(exposed.contains("X-OpenStack-Request-ID"), "{exposed}");
        let other = api.call(user, "GET", "/v2/images").header("origin", "https://evil.test").send().await;
        assert_eq!(other.header("access-control-allow-origin"), None);
    }
    assert_eq!(api.get("alice", "/v2/images").await.header("vary"), None);
}

#[tokio::test]
async fn without_the_filter_options_is_no_verb() {
    let api = TestApi::with(|options| options.http.cors = None).await;
    let answer = api.call("alice", "OPTIONS", "/v2/schemas/image").send().await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET")));
    assert_eq!(api.call("alice", "OPTIONS", "/v2/nothing").send().await.status, 501);
    let with = TestApi::with(|options| options.http.cors = Some(Vec::<CorsOrigin>::new())).await;
    assert_eq!(with.call("-", "OPTIONS", "/v2/nothing").send().await.status, 200);
}

#[tokio::test]
async fn links_are_those_a_proxys_client_has() {
    let api = TestApi::with(|options| {
        options.http.public_endpoint = None;
        options.http.proxy_headers = true;
    })
    .await;
    let call = api.call("-", "GET", "/versions").header("x-forwarded-proto", "https");
    let call = call.header("x-forwarded-host", "cloud.test").header("x-forwarded-prefix", "/image");
    let href = call.send().await.json()["versions"][0]["links"][0]["href"].clone();
    assert_eq!(href, "https://cloud.test/image/v2/");
    let made = api.call("alice", "POST", "/v2/images").header("forwarded", "proto=https;host=cloud.test");
    let made = made.json(&json!({})).await;
    assert!(made.header("location").unwrap().starts_with("https://cloud.test/v2/images/"));
}

#[tokio::test]
async fn health_is_told_by_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("disable");
    let api = configured(&format!("[healthcheck]\ndisable_by_file_path = {}\n", file.display())).await;
    for method in ["GET", "POST"] {
        let answer = api.call("-", method, "/healthcheck").send().await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "OK"));
        assert!(answer.header("content-type").unwrap().starts_with("text/plain"));
    }
    assert_eq!(api.call("-", "HEAD", "/healthcheck").send().await.status, 204);
    std::fs::write(&file, "").unwrap();
    let answer = api.get("-", "/healthcheck").await;
    assert_eq!((answer.status, answer.text().as_str()), (503, "DISABLED BY FILE"));
    assert_eq!(api.call("-", "HEAD", "/healthcheck").send().await.status, 503);
    let json = api.call("-", "GET", "/healthcheck").header("accept", "application/json").send().await;
    assert_eq!(json.json(), json!({"detailed": false, "reasons": ["DISABLED BY FILE"]}));
    let html = api.call("-", "GET", "/healthcheck").header("accept", "text/html").send().await;
    assert!(html.text().contains("<TD>DISABLED BY FILE</TD>"), "{}", html.text());
}

#[tokio::test]
async fn health_may_need_files_and_tell_more() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("mounted");
    let conf = "[healthcheck]\nbackends = enable_by_files, disable_by_files_ports\ndetailed = True\n";
    let api = configured(&format!("{conf}enable_by_file_paths = {}\n", file.display())).await;
    let missing = api.get("-", "/healthcheck").await;
    assert_eq!((missing.status, missing.text().as_str()), (503, "FILE PATH MISSING\nOK"));
    std::fs::write(&file, "").unwrap();
    let call = api.call("-", "GET", "/healthcheck").header("accept", "application/json");
    let well = call.send().await;
    assert_eq!(well.status, 200);
    assert_eq!(well.json()["reasons"][0]["class"], "EnableByFiles");
}

#[tokio::test]
async fn health_is_told_to_neighbours_only() {
    let api = configured(
        "[healthcheck]\nallowed_source_ranges = 10.0.0.0/8\nignore_proxied_requests = True\n\
         disable_by_file_path = /nowhere/off\n",
    )
    .await;
    let status = async |peer: &str, proxied: bool| {
        let mut request = Request::get("/healthcheck");
        if proxied {
            request = request.header("x-forwarded-for", "1.2.3.4");
        }
        let peer: std::net::SocketAddr = peer.parse().unwrap();
        let request = request.extension(ConnectInfo(peer)).body(axum::body::Body::empty()).unwrap();
        let app: Router = api.app();
        let response = app.oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        response.into_body().collect().await.unwrap();
        status
    };
    assert_eq!(status("10.1.2.3:4", false).await, 200);
    assert_eq!(status("192.0.2.1:4", false).await, 404);
    assert_eq!(status("10.1.2.3:4", true).await, 404);
    assert_eq!(api.get("-", "/healthcheck").await.status, 404);
    let none = TestApi::with(|options| options.http.healthcheck = None).await;
    assert_eq!(none.get("-", "/healthcheck").await.status, 404);
}

#[tokio::test]
async fn a_caller_nobody_knows_is_told_where_to_ask() {
    let api = TestApi::new().await;
    let refused = api.call("-", "GET", "/v2/images").header("accept", "application/json").send().await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.header("www-authenticate"), Some("Keystone uri=\"http://keystone.test\""));
    assert_eq!(refused.json()["title"], "Unauthorized");
}

#[tokio::test]
async fn an_anonymous_caller_only_reads_what_the_rules_give_everybody() {
    let api = TestApi::with(|options| {
        for rule in ["get_images", "get_image", "add_image", "modify_image", "delete_image"] {
            options.policy.set_rule(rule, "@").unwrap();
        }
    })
    .await;
    let public = api.create("admin", json!({"visibility": "public"})).await;
    let private = api.create("alice", json!({"visibility": "private"})).await;
    let list = api.get("anonymous", "/v2/images").await.json();
    let ids: Vec<&Value> = list["images"].as_array().unwrap().iter().map(|image| &image["id"]).collect();
    assert_eq!(ids, [&json!(public)]);
    assert_eq!(api.get("anonymous", &format!("/v2/images/{private}")).await.status, 404);
    let path = format!("/v2/images/{public}");
    api.call("anonymous", "DELETE", &path).send().await.refuses(403, "Read-only access");
    api.call("anonymous", "POST", "/v2/images").json(&json!({})).await.refuses(403, "Read-only access");
    let closed = TestApi::new().await;
    closed.get("anonymous", "/v2/images").await.refuses(403, "get_images");
}

#[tokio::test]
async fn where_nobody_is_asked_the_rules_decide() {
    let closed = TestApi::new().await;
    closed.get("unauthenticated", "/v2/images").await.refuses(403, "get_images");
    let open = TestApi::with(|options| {
        for rule in ["get_images", "get_image"] {
            options.policy.set_rule(rule, "is_admin:True").unwrap();
        }
    })
    .await;
    let private = open.create("alice", json!({"visibility": "private"})).await;
    assert_eq!(open.get("unauthenticated", &format!("/v2/images/{private}")).await.status, 200);
    let known = Context::unauthenticated("req-1");
    assert!(known.roles.is_empty() && known.is_admin && !known.read_only);
}

#[tokio::test]
async fn a_rule_may_ask_for_an_images_properties_but_not_be_fooled_by_them() {
    let api = TestApi::with(|options| {
        options.policy.set_rule("download_image", "'yes':%(free)s").unwrap();
        options.policy.set_rule("delete_image", "project_id:%(member_id)s").unwrap();
    })
    .await;
    let id = api.active("alice", b"data").await;
    let path = format!("/v2/images/{id}/file");
    assert_eq!(api.get("alice", &path).await.status, 403);
    let ops = json!([{"op": "add", "path": "/free", "value": "yes"}, {"op": "add", "path": "/member_id", "value": "alice"}]);
    assert_eq!(api.patch("alice", &id, ops).await.status, 200);
    assert_eq!(api.get("alice", &path).await.status, 200);
    assert_eq!(api.call("alice", "DELETE", &format!("/v2/images/{id}")).send().await.status, 403);
}
