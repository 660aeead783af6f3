// SPDX-License-Identifier: Apache-2.0
//! The cache of a node: filled by downloads and from its queue, served from, managed.

use std::time::Duration;

use scurry_store::Operation;
use scurry_testkit::DatabaseKind;
use serde_json::{Value, json};

use crate::support::{Answer, TestApi};

async fn caching() -> TestApi {
    TestApi::with(|options| {
        options.cache();
    })
    .await
}

async fn file(api: &TestApi, user: &str, id: &str) -> Answer {
    api.get(user, &format!("/v2/images/{id}/file")).await
}

async fn contents(api: &TestApi) -> Value {
    let answer = api.get("admin", "/v2/cache").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

async fn cached(api: &TestApi) -> Vec<String> {
    let contents = contents(api).await;
    let cached = contents["cached_images"].as_array().unwrap();
    cached.iter().map(|entry| entry["image_id"].as_str().unwrap().to_owned()).collect()
}

async fn wait_for(api: &TestApi, id: &str) {
    while !cached(api).await.contains(&id.to_owned()) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn send(api: &TestApi, method: &str, path: &str) -> Answer {
    api.call("admin", method, path).send().await
}

#[tokio::test]
async fn a_download_fills_the_cache_and_the_next_one_comes_from_it() {
    let api = caching().await;
    let id = api.active("alice", b"0123456789").await;
    assert_eq!(contents(&api).await, json!({"cached_images": [], "queued_images": []}));
    let first = file(&api, "alice", &id).await;
    assert_eq!(cached(&api).await, [id.as_str()]);
    let kept = std::fs::read(api.dir.path().join("cache").join(&id)).unwrap();
    assert_eq!(kept, b"0123456789");
    let read = api.fast.faults().count(Operation::Open);
    let second = file(&api, "alice", &id).await;
    assert_eq!(api.fast.faults().count(Operation::Open), read, "the store was asked again");
    assert_eq!((second.status, &second.body), (200, &first.body));
    for name in ["content-type", "content-length", "content-md5"] {
        assert_eq!(first.header(name), second.header(name), "{name}");
        assert!(second.header(name).is_some(), "{name}");
    }
    let entry = contents(&api).await["cached_images"][0].clone();
    assert_eq!((&entry["image_id"], &entry["size"], &entry["hits"]), (&json!(id), &json!(10), &json!(1)));
    assert_eq!(entry["checksum"], json!(null), "Glance leaves it empty");
    assert!(entry["id"].is_i64());
    assert!(entry["last_accessed"].as_f64().unwrap() >= entry["last_modified"].as_f64().unwrap());
    assert!(entry["last_modified"].as_f64().unwrap() > 1.5e9, "{entry}");
}

#[tokio::test]
async fn a_part_is_served_from_the_cache_but_does_not_fill_it() {
    let api = caching().await;
    let id = api.active("alice", b"0123456789").await;
    let part = async || {
        let call = api.call("alice", "GET", &format!("/v2/images/{id}/file"));
        let answer = call.header("range", "bytes=3-5").send().await;
        assert_eq!((answer.status, answer.text().as_str()), (206, "345"));
        assert_eq!(answer.header("content-range"), Some("bytes 3-5/10"));
    };
    part().await;
    assert!(cached(&api).await.is_empty());
    file(&api, "alice", &id).await;
    assert_eq!(cached(&api).await, [id.as_str()]);
    let read = api.fast.faults().count(Operation::Open);
    part().await;
    assert_eq!(api.fast.faults().count(Operation::Open), read);
    let contents = contents(&api).await;
    assert_eq!(contents["cached_images"][0]["hits"], 0, "hits are whole downloads");
}

#[tokio::test]
async fn what_is_cached_is_given_to_nobody_else() {
    let api = caching().await;
    let id = api.active("alice", b"secret").await;
    file(&api, "alice", &id).await;
    assert_eq!(cached(&api).await, [id.as_str()]);
    assert_eq!(file(&api, "bob", &id).await.status, 404);
    file(&api, "alice-reader", &id).await.refuses(403, "download_image");
}

#[tokio::test]
async fn deleted_and_deactivated_images_leave_the_cache() {
    let api = caching().await;
    let (deleted, withheld) = (api.active("alice", b"one").await, api.active("alice", b"two").await);
    for id in [&deleted, &withheld] {
        file(&api, "alice", id).await;
        wait_for(&api, id).await;
    }
    assert_eq!(cached(&api).await, [deleted.as_str(), withheld.as_str()]);
    let deactivate = format!("/v2/images/{withheld}/actions/deactivate");
    assert_eq!(api.call("alice", "POST", &deactivate).send().await.status, 204);
    assert_eq!(api.call("alice", "DELETE", &format!("/v2/images/{deleted}")).send().await.status, 204);
    assert!(cached(&api).await.is_empty());
    for id in [&deleted, &withheld] {
        assert!(!api.dir.path().join("cache").join(id).exists());
    }
    file(&api, "alice", &withheld).await.refuses(403, "deactivated");
    assert_eq!(file(&api, "admin", &withheld).await.text(), "two");
    assert!(cached(&api).await.is_empty(), "what an administrator reads of it is not cached");
}

#[tokio::test]
async fn queued_images_are_fetched() {
    let api = caching().await;
    let id = api.active("alice", b"data").await;
    let path = format!("/v2/cache/{id}");
    let answer = send(&api, "PUT", &path).await;
    assert_eq!((answer.status, answer.body.len()), (202, 0), "{}", answer.text());
    wait_for(&api, &id).await;
    assert_eq!(contents(&api).await["queued_images"], json!([]));
    assert_eq!(send(&api, "PUT", &path).await.status, 202);
    assert_eq!(contents(&api).await["queued_images"], json!([]), "it is there already");
    assert_eq!(send(&api, "DELETE", &path).await.status, 204);
    assert!(cached(&api).await.is_empty());
    assert_eq!(send(&api, "DELETE", &path).await.status, 204, "as often as one likes");
}

#[tokio::test]
async fn what_cannot_be_cached_is_refused() {
    let api = caching().await;
    let queued = api.create("alice", json!({})).await;
    let nobody = "0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f";
    send(&api, "PUT", &format!("/v2/cache/{queued}"))
        .await
        .refuses(400, "Only images with status active can be targeted for queueing");
    for (method, name) in [("PUT", nobody), ("PUT", "nothing"), ("DELETE", nobody), ("DELETE", "nothing")] {
        let answer = send(&api, method, &format!("/v2/cache/{name}")).await;
        answer.refuses(404, &format!("Image {name} not found."));
    }
    send(&api, "GET", &format!("/v2/cache/nodes/{nobody}")).await.refuses(404, "not found.");
    let clear = api.call("admin", "DELETE", "/v2/cache").header("x-image-cache-clear-target", "both");
    clear.send().await.refuses(400, "must be 'cache', 'queue' or empty string.");
    for (method, path, allow) in [
        ("POST", "/v2/cache", "GET, DELETE"),
        ("GET", "/v2/cache/x", "DELETE, PUT"),
        ("GET", "/v2/cache/clean", "POST"),
        ("PUT", "/v2/cache/prune", "POST"),
        ("DELETE", "/v2/cache/nodes/x", "GET"),
    ] {
        let answer = send(&api, method, path).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some(allow)), "{method} {path}");
    }
}

#[tokio::test]
async fn without_a_directory_there_is_no_cache() {
    let api = TestApi::new().await;
    let id = api.active("alice", b"data").await;
    let text = "Caching via API is not supported at this site.";
    for (method, path) in [
        ("GET", "/v2/cache".to_owned()),
        ("DELETE", "/v2/cache".to_owned()),
        ("PUT", format!("/v2/cache/{id}")),
        ("DELETE", format!("/v2/cache/{id}")),
        ("GET", format!("/v2/cache/nodes/{id}")),
        ("POST", "/v2/cache/clean".to_owned()),
        ("POST", "/v2/cache/prune".to_owned()),
    ] {
        send(&api, method, &path).await.refuses(404, text);
        let answer = api.call("alice", method, &path).send().await;
        answer.refuses(403, "You are not authorized to complete");
    }
    assert_eq!(send(&api, "GET", "/v2/cached_images").await.status, 404);
    assert_eq!(send(&api, "PUT", &format!("/v2/queued_images/{id}")).await.status, 404);
}

#[tokio::test]
async fn without_the_flavor_only_what_is_queued_is_cached() {
    let api = TestApi::with(|options| {
        options.cache().serve = false;
        options.image.cache_management = false;
    })
    .await;
    let id = api.active("alice", b"data").await;
    assert_eq!(file(&api, "alice", &id).await.status, 200);
    assert!(cached(&api).await.is_empty());
    send(&api, "PUT", &format!("/v2/cache/{id}")).await;
    wait_for(&api, &id).await;
    let read = api.fast.faults().count(Operation::Open);
    assert_eq!(file(&api, "alice", &id).await.text(), "data");
    assert_eq!(api.fast.faults().count(Operation::Open), read + 1);
    send(&api, "GET", "/v2/cached_images").await.refuses(404, "could not be found");
    assert_eq!(send(&api, "DELETE", "/v2/cached_images").await.status, 404);
}

#[tokio::test]
async fn nodes_are_told_by_their_addresses() {
    let api = caching().await;
    let (here, nowhere) = (api.active("alice", b"data").await, api.active("alice", b"data").await);
    file(&api, "alice", &here).await;
    let nodes = async |id: &str| send(&api, "GET", &format!("/v2/cache/nodes/{id}")).await.json();
    assert_eq!(nodes(&here).await, json!(["http://node.test:9292"]));
    assert_eq!(nodes(&nowhere).await, json!([]));
    let other = TestApi::with(|options| options.cache().central = false).await;
    let id = other.create("alice", json!({})).await;
    let answer = send(&other, "GET", &format!("/v2/cache/nodes/{id}")).await;
    answer.refuses(409, "Centralized caching is not enabled");
}

#[tokio::test]
async fn clearing_takes_what_it_is_told_to() {
    let api = caching().await;
    let id = api.active("alice", b"data").await;
    let later = api.create("alice", json!({})).await;
    let clear = async |target: &str| {
        let call = api.call("admin", "DELETE", "/v2/cache").header("x-image-cache-clear-target", target);
        let answer = call.send().await;
        assert_eq!((answer.status, answer.body.len()), (204, 0));
        let contents = contents(&api).await;
        let len = |name: &str| contents[name].as_array().unwrap().len();
        (len("cached_images"), len("queued_images"))
    };
    let fill = async || {
        file(&api, "alice", &id).await;
        // An image without data waits in the queue.
        assert_eq!(send(&api, "PUT", &format!("/v2/queued_images/{later}")).await.status, 200);
        wait_for(&api, &id).await;
    };
    fill().await;
    assert_eq!(clear("CACHE").await, (0, 1));
    fill().await;
    assert_eq!(clear("queue").await, (1, 0));
    fill().await;
    assert_eq!(clear("").await, (0, 0));
}

#[tokio::test]
async fn pruning_takes_those_asked_for_longest_ago() {
    let api = TestApi::with(|options| options.cache().max_size = 25).await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        let id = api.active("alice", b"0123456789").await;
        file(&api, "alice", &id).await;
        ids.push(id);
        cached(&api).await;
    }
    if DatabaseKind::asked_for() == DatabaseKind::MySql {
        // Glance's column holds whole seconds there.
        tokio::time::sleep(Duration::from_millis(1100)).await;
    }
    file(&api, "alice", &ids[0]).await;
    let answer = send(&api, "POST", "/v2/cache/prune").await;
    assert_eq!(answer.json(), json!({"total_files_pruned": 2, "total_bytes_pruned": 20}));
    assert_eq!(cached(&api).await, [ids[0].as_str(), ids[3].as_str()]);
    let again = send(&api, "POST", "/v2/cache/prune").await;
    assert_eq!(again.json(), json!({"total_files_pruned": 0, "total_bytes_pruned": 0}));
}

#[tokio::test]
async fn cleaning_removes_what_is_wrong() {
    let api = caching().await;
    let wrong = api.dir.path().join("cache/invalid/0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f");
    std::fs::write(&wrong, "wrong").unwrap();
    let answer = send(&api, "POST", "/v2/cache/clean").await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert!(!wrong.exists());
}

#[tokio::test]
async fn the_old_routes_answer_as_they_did() {
    let api = caching().await;
    let id = api.active("alice", b"data").await;
    let waiting = api.create("alice", json!({})).await;
    file(&api, "alice", &id).await;
    let list = send(&api, "GET", "/v2/cached_images").await.json();
    assert_eq!(list["cached_images"][0]["image_id"], json!(id));
    let null = async |method: &str, path: String| {
        let answer = send(&api, method, &path).await;
        assert_eq!((answer.status, answer.json()), (200, Value::Null), "{method} {path}");
    };
    null("PUT", format!("/v2/queued_images/{waiting}")).await;
    let queue = send(&api, "GET", "/v2/queued_images").await.json();
    assert_eq!(queue, json!({"queued_images": [waiting]}));
    null("DELETE", format!("/v2/queued_images/{waiting}")).await;
    null("PUT", format!("/v2/queued_images/{waiting}")).await;
    assert_eq!(send(&api, "DELETE", "/v2/queued_images").await.json(), json!({"num_deleted": 1}));
    assert_eq!(send(&api, "DELETE", "/v2/cached_images").await.json(), json!({"num_deleted": 1}));
    file(&api, "alice", &id).await;
    wait_for(&api, &id).await;
    null("DELETE", format!("/v2/cached_images/{id}")).await;
    assert_eq!(send(&api, "GET", "/v2/cached_images").await.json(), json!({"cached_images": []}));
    assert_eq!(send(&api, "POST", "/v2/cached_images").await.status, 404);
    assert_eq!(send(&api, "GET", &format!("/v2/cached_images/{id}")).await.status, 404);
    api.get("alice", "/v2/cached_images").await.refuses(403, "manage_image_cache");
}

#[tokio::test]
async fn versions_tell_of_the_cache() {
    let api = caching().await;
    let versions = api.get("-", "/versions").await.json();
    let told: Vec<_> = versions["versions"].as_array().unwrap()[..6]
        .iter()
        .map(|version| format!("{} {}", version["id"].as_str().unwrap(), version["status"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            "v2.18 CURRENT",
            "v2.17 SUPPORTED",
            "v2.16 SUPPORTED",
            "v2.15 SUPPORTED",
            "v2.14 SUPPORTED",
            "v2.13 SUPPORTED"
        ]
    );
    for prefix in ["v2.14", "v2.16", "v2.18"] {
        assert_eq!(api.get("admin", &format!("/{prefix}/cache")).await.status, 200, "{prefix}");
    }
}
