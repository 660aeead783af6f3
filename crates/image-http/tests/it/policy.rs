// SPDX-License-Identifier: Apache-2.0
//! Every route against every rule that guards it: denied, it refuses; allowed, it goes on.

use std::collections::BTreeSet;

use scurry_auth::policy::glance;
use scurry_image_http::ROUTE_RULES;
use serde_json::{Value, json};

use crate::support::{Answer, TestApi};

/// An API with every route open.
async fn open() -> TestApi {
    TestApi::with(|options| {
        options.image.show_multiple_locations = true;
        options.cache();
    })
    .await
}

/// Sends an administrator's request that falls under the rule, to an image that is there.
async fn ask(api: &TestApi, method: &str, route: &str, rule: &str, id: &str) -> Answer {
    ask_as(api, "admin", method, route, rule, id).await
}

/// Sends somebody's request that falls under the rule, to an image that is there.
pub(crate) async fn ask_as(
    api: &TestApi,
    user: &str,
    method: &str,
    route: &str,
    rule: &str,
    id: &str,
) -> Answer {
    let path = route
        .replace("/v2/schemas/metadefs/{name}", "/v2/schemas/metadefs/tag")
        .replace("/v2/tasks/{id}", &format!("/v2/tasks/{id}"))
        .replace("{id}", id)
        .replace("{name}", "image")
        .replace("{tag}", "t")
        .replace("{member}", "bob")
        .replace("{store}", "fast");
    let path = if rule == "download_from_store" { format!("{path}?prefer=fast") } else { path };
    let call = api.call(user, method, &path);
    match (method, route) {
        ("POST", "/v2/images") => call.json(&json!({"visibility": visibility(rule)})).await,
        ("PATCH", _) => {
            let call = call.header("content-type", "application/openstack-images-v2.1-json-patch");
            call.json(&json!([patch(rule)])).await
        }
        ("PUT", "/v2/images/{id}/file" | "/v2/images/{id}/stage") => call.octets(b"data").await,
        ("POST", "/v2/images/{id}/import") => {
            let name = if rule == "copy_image" { "copy-image" } else { "glance-direct" };
            call.json(&json!({"method": {"name": name}})).await
        }
        ("POST", "/v2/images/{id}/locations") => call.json(&json!({"url": "cinder://x/y"})).await,
        ("POST", "/v2/images/{id}/members") => call.json(&json!({"member": "bob"})).await,
        ("PUT", route) if route.contains("/members/") => call.json(&json!({"status": "accepted"})).await,
        ("POST", "/v2/tasks") => call.json(&json!({"type": "import"})).await,
        _ => call.send().await,
    }
}

fn visibility(rule: &str) -> &'static str {
    match rule {
        "publicize_image" => "public",
        "communitize_image" => "community",
        _ => "private",
    }
}

fn patch(rule: &str) -> Value {
    match rule {
        "set_image_location" => {
            json!({"op": "add", "path": "/locations/-", "value": {"url": "cinder://x/y", "metadata": {}}})
        }
        "delete_image_location" => json!({"op": "remove", "path": "/locations/0"}),
        "publicize_image" | "communitize_image" => {
            json!({"op": "replace", "path": "/visibility", "value": visibility(rule)})
        }
        _ => json!({"op": "replace", "path": "/name", "value": "x"}),
    }
}

/// An image for the route: with a member where that matters, made while everything was allowed.
async fn image(api: &TestApi, route: &str) -> String {
    let id =
        api.create("bob", json!({"disk_format": "raw", "container_format": "bare", "tags": ["t"]})).await;
    if route.contains("{member}") {
        let members = format!("/v2/images/{id}/members");
        api.call("admin", "POST", &members).json(&json!({"member": "bob"})).await;
    }
    id
}

fn is_policy_refusal(answer: &Answer) -> bool {
    answer.status == 404
        || (answer.status == 403
            && (answer.body.is_empty() || answer.text().contains("You are not authorized to complete")))
}

#[tokio::test]
async fn a_denied_rule_closes_its_routes_and_no_others() {
    let open = open().await;
    // Metadata definitions are guarded in another way: see metadef_policy.rs.
    for (method, route, rules) in
        ROUTE_RULES.iter().filter(|(_, route, _)| !route.starts_with("/v2/metadefs"))
    {
        for rule in *rules {
            let id = image(&open, route).await;
            let answer = ask(&open, method, route, rule, &id).await;
            let unknown_task = *route == "/v2/tasks/{id}" && answer.status == 404;
            assert!(
                !is_policy_refusal(&answer) || unknown_task,
                "{method} {route} {rule}: {}",
                answer.text()
            );

            let closed = open.denying(&[rule]);
            let id = image(&open, route).await;
            let answer = ask(&closed, method, route, rule, &id).await;
            if *rule == "get_image" && *route == "/v2/images" {
                assert_eq!(answer.json()["images"], json!([]), "{method} {route} {rule}");
            } else if *rule == "get_member" && *route == "/v2/images/{id}/members" {
                assert_eq!(answer.json()["members"], json!([]), "{method} {route} {rule}");
            } else {
                assert!(
                    is_policy_refusal(&answer),
                    "{method} {route} {rule}: {} {}",
                    answer.status,
                    answer.text()
                );
            }
        }
    }
}

#[tokio::test]
async fn routes_without_rules_stay_open_when_everything_is_denied() {
    let names: Vec<_> = glance::DEFAULTS.iter().map(|rule| rule.name).collect();
    let api = open().await.denying(&names);
    let open: Vec<_> = ROUTE_RULES.iter().filter(|(_, _, rules)| rules.is_empty()).collect();
    assert_eq!(open.len(), 5);
    for (method, route, _) in open {
        assert_eq!(ask(&api, method, route, "", "x").await.status, 200, "{method} {route}");
    }
}

#[test]
fn the_table_names_every_route_and_every_rule_exists() {
    let source = include_str!("../../src/router.rs");
    let mut routes = BTreeSet::new();
    for line in source.lines().filter_map(|line| line.trim().strip_prefix(".route(\"")) {
        let (path, rest) = line.split_once('"').unwrap();
        let allow = rest.split('"').nth(1).unwrap();
        routes.extend(allow.split(", ").map(|method| (method.to_owned(), path.to_owned())));
    }
    let table: BTreeSet<_> =
        ROUTE_RULES.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert!(routes.len() > 25, "{routes:?}");
    assert_eq!(routes, table);
    for rule in ROUTE_RULES.iter().flat_map(|(_, _, rules)| *rules) {
        assert!(glance::DEFAULTS.iter().any(|default| default.name == *rule), "{rule}");
    }
}
