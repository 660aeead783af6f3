// SPDX-License-Identifier: Apache-2.0
//! Pages of images.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::TestApi;

fn names(page: &Value) -> Vec<&str> {
    page["images"].as_array().unwrap().iter().map(|image| image["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn pages_follow_their_links_to_the_end() {
    let api = TestApi::new().await;
    for name in ["a", "b", "c", "d", "e"] {
        api.create("alice", json!({"name": name, "tags": ["t"]})).await;
    }
    let mut path = "/v2/images?limit=2&sort=name:asc&tag=t".to_owned();
    let mut seen = Vec::new();
    let mut pages = 0;
    loop {
        let page = api.get("alice", &path).await.json();
        assert_eq!(page["first"], "/v2/images?limit=2&sort=name%3Aasc&tag=t");
        assert_eq!(page["schema"], "/v2/schemas/images");
        seen.extend(names(&page).iter().map(|name| (*name).to_owned()));
        pages += 1;
        match page["next"].as_str() {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    assert_eq!((seen, pages), (["a", "b", "c", "d", "e"].map(str::to_owned).to_vec(), 3));
}

#[tokio::test]
async fn what_is_listed_depends_on_who_asks() {
    let api = TestApi::new().await;
    for (user, name, visibility) in [
        ("alice", "private", "private"),
        ("alice", "shared", "shared"),
        ("alice", "community", "community"),
        ("admin", "public", "public"),
    ] {
        api.create(user, json!({"name": name, "visibility": visibility})).await;
    }
    api.create("alice", json!({"name": "hidden", "os_hidden": true})).await;
    let list = async |user: &str, query: &str| {
        let page = api.get(user, &format!("/v2/images?sort=name:asc{query}")).await.json();
        names(&page).join(" ")
    };
    assert_eq!(list("alice", "").await, "community private public shared");
    assert_eq!(list("bob", "").await, "public");
    assert_eq!(list("bob", "&visibility=community").await, "community");
    assert_eq!(list("alice", "&os_hidden=true").await, "hidden");
    assert_eq!(list("alice", "&name=in:shared,public").await, "public shared");
    assert_eq!(list("admin", "&visibility=all").await, "community private public shared");
    assert_eq!(api.get("nobody", "/v2/images").await.status, 403);
}

#[rstest]
#[case(
    "marker=3f0e1c9a-5d0b-4f9b-9a53-0f8e4b7f2d11",
    "No image found with ID 3f0e1c9a-5d0b-4f9b-9a53-0f8e4b7f2d11"
)]
#[case("marker=nope", "No image found with ID nope")]
#[case("limit=-1", "limit param must be positive")]
#[case("sort_key=foo", "Invalid sort key: foo.")]
#[tokio::test]
async fn refused_queries(#[case] query: &str, #[case] text: &str) {
    let api = TestApi::new().await;
    api.get("alice", &format!("/v2/images?{query}")).await.refuses(400, text);
}

#[tokio::test]
async fn a_page_of_nothing_has_no_next() {
    let api = TestApi::new().await;
    api.create("alice", json!({"name": "a"})).await;
    let page = api.get("alice", "/v2/images?limit=0").await.json();
    assert_eq!(page, json!({"images": [], "first": "/v2/images?limit=0", "schema": "/v2/schemas/images"}));
}
