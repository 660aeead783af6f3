// SPDX-License-Identifier: Apache-2.0
//! Requests nobody in their right mind sends, through the whole service: each is answered, and none breaks it.
//!
//! The mutations are the same at every run. `PROPTEST_CASES=20000` makes more of them.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::support::{Answer, TestApi};

/// As many values of a strategy as a property has cases.
fn values<T: std::fmt::Debug>(strategy: impl Strategy<Value = T>) -> impl Iterator<Item = T> {
    let mut runner = TestRunner::deterministic();
    let cases = Config::default().cases;
    (0..cases).map(move |_| strategy.new_tree(&mut runner).unwrap().current())
}

/// Text with something inserted, removed or doubled.
fn mutated(seeds: &'static [&'static str]) -> impl Strategy<Value = String> + Clone {
    let piece = prop::sample::select(vec![
        "",
        "'",
        "\"",
        "\\",
        "%",
        "%00",
        "%zz",
        "/",
        "~",
        "..",
        ",",
        ":",
        "-",
        "=",
        "&",
        "in:",
        "é",
        "\u{1f600}",
        "\u{0}",
        "99999999999999999999",
        "-1",
        "null",
        "{}",
        "[]",
        "true",
        "0x10",
        "1e400",
        " ",
        "\t",
        "+",
    ]);
    let edit = (any::<prop::sample::Index>(), piece, 0..3_u8);
    (prop::sample::select(seeds.to_vec()), prop::collection::vec(edit, 0..4)).prop_map(|(seed, edits)| {
        let mut chars: Vec<char> = seed.chars().collect();
        for (place, piece, kind) in edits {
            let at = place.index(chars.len() + 1);
            match kind {
                0 => drop(chars.splice(at..at, piece.chars())),
                1 if at < chars.len() => drop(chars.remove(at)),
                _ => drop(chars.splice(at..at, chars[at..].to_vec())),
            }
            chars.truncate(2000);
        }
        chars.into_iter().collect()
    })
}

fn assert_answered(answer: &Answer, what: impl std::fmt::Debug) {
    assert!(answer.status < 500, "{what:?}: {} {}", answer.status, answer.text());
}

/// Glance's columns in MariaDB hold three bytes of UTF-8 at most.
#[tokio::test]
async fn signs_no_column_holds_match_nothing() {
    let api = TestApi::new().await;
    api.create("alice", json!({"name": "a", "tags": ["t"], "x": "y"})).await;
    let filters =
        ["name=", "owner=", "tag=", "x=", "\u{1f600}=", "x\u{1f600}=", "os_hash_value=", "name=in:b,"];
    for (query, found) in filters.map(|query| (query, 0)).into_iter().chain([("name=in:a,", 1)]) {
        let query = url_safe(&format!("{query}\u{1f600}"));
        let answer = api.get("alice", &format!("/v2/images?{query}")).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.text());
        assert_eq!(answer.json()["images"].as_array().unwrap().len(), found, "{query}: {}", answer.text());
    }
}

#[tokio::test]
async fn queries() {
    let api = TestApi::new().await;
    let id = api.create("alice", json!({"name": "a", "tags": ["t"], "x": "y"})).await;
    let seeds: &[&str] = &[
        "limit=10&marker=MARKER&sort=name:asc,size:desc",
        "sort_key=name&sort_key=id&sort_dir=asc",
        "name=in:a,\"b,c\"&status=in:active,queued&tag=t&tag=u",
        "size_min=1&size_max=5&min_ram_min=0&created_at=gte:2026-01-01T00:00:00Z",
        "updated_at=neq:2026-01-01&visibility=all&member_status=pending&os_hidden=true&protected=false",
        "owner=alice&checksum=x&os_hash_value=y&x=y&id=in:MARKER",
    ];
    let mut listed = 0;
    for query in values(mutated(seeds)) {
        let encoded: String = url_safe(&query.replace("MARKER", &id));
        for user in ["alice", "admin"] {
            let answer = api.get(user, &format!("/v2/images?{encoded}")).await;
            assert_answered(&answer, &query);
            assert!(matches!(answer.status, 200 | 400), "{query:?}: {}", answer.status);
            listed += usize::from(answer.status == 200);
        }
        assert_answered(&api.get("admin", &format!("/v2/tasks?{encoded}")).await, &query);
    }
    assert!(listed > 20, "{listed}");
}

/// What a request line cannot hold is escaped; a percent sign stays what it is.
fn url_safe(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'!'..=b'~'
                if !matches!(byte, b'#' | b'"' | b'<' | b'>' | b'\\' | b'`' | b'{' | b'}' | b'^' | b'|') =>
            {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        Just(json!("private")),
        Just(json!("x".repeat(70_000))),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(mutated(&["url", "metadata", "name", "a"]), inner, 0..4)
                .prop_map(|map| json!(map)),
        ]
    })
}

#[tokio::test]
async fn patches() {
    let api = TestApi::with(|options| options.image.show_multiple_locations = true).await;
    let id = api.create("alice", json!({"name": "a", "hw": "x"})).await;
    let seeds: &[&str] =
        &["/name", "/hw", "/tags", "/locations/-", "/locations/0", "/locations", "/visibility", "/owner"];
    let path = prop_oneof![prop::sample::select(seeds).prop_map(str::to_owned), mutated(seeds)].boxed();
    let word = prop::sample::select(vec!["add", "replace", "remove", "test", "move", ""]);
    let value = prop_oneof!["[a-z]{0,5}".prop_map(Value::from), json_value()].boxed();
    let new = (word.clone(), path.clone(), value)
        .prop_map(|(op, path, value)| (true, json!({"op": op, "path": path, "value": value})));
    let old =
        (word, path, json_value()).prop_map(|(op, path, value)| (false, json!({op: path, "value": value})));
    let any = json_value().prop_map(|value| (true, value));
    let mut changed = 0;
    for (new, one) in values(prop_oneof![4 => new, 3 => old, 1 => any]) {
        let media = if new { "v2.1" } else { "v2.0" };
        let before = api.get("alice", &format!("/v2/images/{id}")).await;
        let call = api.call("alice", "PATCH", &format!("/v2/images/{id}"));
        let call = call.header("content-type", &format!("application/openstack-images-{media}-json-patch"));
        let answer = call.json(&json!([one])).await;
        assert_answered(&answer, &one);
        if answer.status == 200 {
            changed += 1;
        } else {
            assert_eq!(api.get("alice", &format!("/v2/images/{id}")).await.body, before.body, "{one}");
        }
    }
    assert!(changed > 5, "{changed}");
}

#[tokio::test]
async fn bodies_of_every_kind() {
    let api = TestApi::new().await;
    let id = api.create("alice", json!({"name": "a"})).await;
    let targets = [
        "/v2/images",
        "/v2/images/ID/import",
        "/v2/images/ID/locations",
        "/v2/images/ID/members",
        "/v2/tasks",
    ];
    for body in values(json_value()) {
        for target in targets {
            let answer = api.call("admin", "POST", &target.replace("ID", &id)).json(&body).await;
            assert_answered(&answer, (target, &body));
        }
        let named = json!({"name": body, "min_disk": body, "tags": body, "extra": body});
        assert_answered(&api.call("alice", "POST", "/v2/images").json(&named).await, &named);
    }
}

#[tokio::test]
async fn ranges() {
    let api = TestApi::new().await;
    let id = api.active("alice", b"0123456789").await;
    let path = format!("/v2/images/{id}/file");
    for value in values(mutated(&["bytes=0-4", "bytes=5-", "bytes=-3", "bytes 1-4/10", "bytes 1-4/*"])) {
        let Ok(header) = http::HeaderValue::from_str(&value) else { continue };
        for name in ["range", "content-range"] {
            let answer =
                api.call("alice", "GET", &path).header(name, header.to_str().unwrap_or("")).send().await;
            assert!(matches!(answer.status, 200 | 206 | 400 | 416), "{name}: {value:?}: {}", answer.status);
            if answer.status == 206 {
                let shown = answer.header("content-range").unwrap();
                let (from, to) =
                    shown.trim_start_matches("bytes ").split_once('/').unwrap().0.split_once('-').unwrap();
                let (from, to): (usize, usize) = (from.parse().unwrap(), to.parse().unwrap());
                assert_eq!(answer.body, b"0123456789"[from..=to], "{value:?}");
            }
        }
    }
}
