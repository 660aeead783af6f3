// SPDX-License-Identifier: Apache-2.0
//! Lists of metadata definitions: pages, order, filters.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::TestApi;

const NAMESPACES: &str = "/v2/metadefs/namespaces";

/// Namespaces a to d: b is public, d is bob's; c and d are associated with RT.
async fn listed() -> TestApi {
    let api = TestApi::new().await;
    for (name, owner, visibility) in [
        ("c", "admins", "private"),
        ("b", "admins", "public"),
        ("a", "alice", "private"),
        ("d", "bob", "private"),
    ] {
        let mut body = json!({"namespace": name, "owner": owner, "visibility": visibility});
        if name >= "c" {
            body["resource_type_associations"] = json!([{"name": "RT"}]);
        }
        assert_eq!(api.call("admin", "POST", NAMESPACES).json(&body).await.status, 201);
    }
    api
}

fn names(page: &Value, list: &str, field: &str) -> String {
    page[list].as_array().unwrap().iter().map(|one| one[field].as_str().unwrap()).collect()
}

#[rstest]
#[case("admin", "", "dabc")]
#[case("alice", "", "ab")]
#[case("bob", "?sort_key=namespace&sort_dir=asc", "bd")]
#[case("admin", "?sort_key=namespace&sort_dir=asc", "abcd")]
#[case("admin", "?sort_key=owner&sort_dir=desc", "dabc")]
#[case("admin", "?sort_key=namespace&sort_dir=asc&marker=b", "cd")]
#[case("admin", "?sort_key=description&sort_dir=asc&marker=c&limit=2", "ba")]
#[case("admin", "?visibility=public", "b")]
#[case("admin", "?visibility=private&sort_key=id&sort_dir=asc", "cad")]
#[case("admin", "?visibility=", "")]
#[case("admin", "?resource_types=zz,RT", "dc")]
#[case("admin", "?resource_types=zz", "")]
#[case("bob", "?resource_types=RT", "d")]
#[case("admin", "?limit=0", "")]
#[case("admin", "?unknown=1", "dabc")]
#[tokio::test]
async fn namespaces_are_found(#[case] user: &str, #[case] query: &str, #[case] expected: &str) {
    let api = listed().await;
    let page = api.get(user, &format!("{NAMESPACES}{query}")).await;
    assert_eq!(page.status, 200, "{}", page.text());
    let page = page.json();
    assert_eq!(names(&page, "namespaces", "namespace"), expected);
    assert_eq!(
        page["first"].as_str().unwrap().split('&').next().unwrap().split('?').next(),
        Some(NAMESPACES)
    );
    assert_eq!(page["schema"], "/v2/schemas/metadefs/namespaces");
}

#[tokio::test]
async fn pages_lead_from_one_to_the_next() {
    let api = listed().await;
    let first = format!("{NAMESPACES}?limit=3&sort_key=namespace&sort_dir=asc");
    let page = api.get("admin", &first).await.json();
    assert_eq!(
        (&page["first"], page["next"].as_str()),
        (&json!(first), Some(format!("{first}&marker=c").as_str()))
    );
    let last = api.get("admin", page["next"].as_str().unwrap()).await.json();
    assert_eq!((names(&last, "namespaces", "namespace").as_str(), last.get("next")), ("d", None));
    assert_eq!(last["first"], json!(first));
    assert_eq!(last["namespaces"][0]["resource_type_associations"][0]["name"], "RT");
}

#[rstest]
#[case("?limit=zz", 400, "limit param must be an integer")]
#[case("?limit=", 400, "limit param must be an integer")]
#[case("?limit=-1", 400, "limit param must be positive")]
#[case("?sort_key=zz", 400, "Invalid sort key: zz")]
#[case("?sort_dir=zz", 400, "Invalid sort direction: zz")]
#[case("?visibility=zz", 400, "Invalid visibility value: zz")]
#[case("?marker=zz", 404, "Metadata definition namespace=zz was not found.")]
#[case("?marker=d", 404, "Metadata definition namespace=d was not found.")]
#[case("/n/objects?limit=0", 400, "limit param must be positive")]
#[case("/n/objects?limit=zz", 400, "limit param must be an integer")]
#[case("/n/objects?sort_key=zz", 400, "Invalid sort key: zz")]
#[case("/n/objects?sort_dir=zz", 400, "Invalid sort direction: zz")]
#[case("/n/objects?visibility=zz", 400, "Invalid visibility value: zz")]
#[case("/n/objects?marker=zz", 404, "Could not find metadata object zz")]
#[case("/n/tags?limit=zz", 400, "limit param must be an integer")]
#[case("/n/tags?limit=-1", 400, "limit param must be positive")]
#[case("/n/tags?sort_key=description", 400, "Invalid sort key: description")]
#[case("/n/tags?sort_dir=zz", 400, "Invalid sort direction: zz")]
#[case("/n/tags?visibility=zz", 400, "Invalid visibility value: zz")]
#[case("/n/tags?marker=zz", 404, "Could not find metadata tag zz")]
#[case("/n?visibility=zz", 400, "Invalid visibility value: zz")]
#[tokio::test]
async fn wrong_queries_are_refused(#[case] query: &str, #[case] status: u16, #[case] text: &str) {
    let api = listed().await;
    let body = json!({"namespace": "n", "visibility": "public"});
    assert_eq!(api.call("admin", "POST", NAMESPACES).json(&body).await.status, 201);
    // Alice does not see d.
    api.get("alice", &format!("{NAMESPACES}{query}")).await.refuses(status, text);
}

#[rstest]
#[case("objects", "", "abc")]
#[case("objects", "?limit=2", "ab")]
#[case("objects", "?limit=2&marker=b", "c")]
#[case("objects", "?sort_key=name&sort_dir=asc", "abc")]
#[case("objects", "?sort_dir=desc", "acb")]
#[case("tags", "", "acb")]
#[case("tags", "?limit=&marker=", "acb")]
#[case("tags", "?limit=0", "")]
#[case("tags", "?limit=2&sort_key=name&sort_dir=asc&marker=a", "bc")]
#[tokio::test]
async fn what_a_namespace_holds_is_paged(#[case] part: &str, #[case] query: &str, #[case] expected: &str) {
    let api = TestApi::new().await;
    let items = json!([{"name": "b"}, {"name": "c"}, {"name": "a"}]);
    let mut body = json!({"namespace": "n"});
    body[part] = items;
    assert_eq!(api.call("admin", "POST", NAMESPACES).json(&body).await.status, 201);
    let page = api.get("admin", &format!("{NAMESPACES}/n/{part}{query}")).await.json();
    assert_eq!(names(&page, part, "name"), expected);
}
