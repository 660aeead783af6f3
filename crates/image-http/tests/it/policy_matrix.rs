// SPDX-License-Identifier: Apache-2.0
//! Every rule of every route against every kind of caller, with the outcomes written down by hand.

use std::collections::BTreeSet;

use scurry_image_http::ROUTE_RULES;
use serde_json::json;

use crate::policy::ask_as;
use crate::support::{Answer, TestApi};

/// An administrator, the owner as member and as reader, a service, the owner's project without a role, a member of
/// another project, an administrator of the whole system.
const CALLERS: [&str; 7] = ["admin", "alice", "alice-reader", "service", "nobody", "bob", "system"];

/// `Y` the rule lets the caller go on, `F` 403, `N` 404; in the order of [`CALLERS`]. The image is alice's and private,
/// or shared with carol where members are concerned. A row without a rule is open to every token.
const OUTCOMES: &[(&str, &str, &str, &str)] = &[
    ("GET", "/v2/schemas/{name}", "", "YYYYYYY"),
    ("GET", "/v2/schemas/metadefs/{name}", "", "YYYYYYY"),
    ("GET", "/v2/info/import", "", "YYYYYYY"),
    ("GET", "/v2/info/stores", "", "YYYYYYY"),
    ("GET", "/v2/info/stores/detail", "stores_info_detail", "YFFYFFF"),
    ("GET", "/v2/info/usage", "", "YYYYYYY"),
    ("GET", "/v2/images", "get_images", "YYYFFYF"),
    ("GET", "/v2/images", "get_image", "YYYFFYF"),
    ("POST", "/v2/images", "add_image", "YYFFFYF"),
    ("POST", "/v2/images", "publicize_image", "YFFFFFF"),
    ("POST", "/v2/images", "communitize_image", "YYFFFYF"),
    ("GET", "/v2/images/{id}", "get_image", "YYYNNNN"),
    ("PATCH", "/v2/images/{id}", "modify_image", "YYFNNNN"),
    ("PATCH", "/v2/images/{id}", "publicize_image", "YFFNNNN"),
    ("PATCH", "/v2/images/{id}", "communitize_image", "YYFNNNN"),
    ("PATCH", "/v2/images/{id}", "set_image_location", "YYFNNNN"),
    ("PATCH", "/v2/images/{id}", "delete_image_location", "YFFNNNN"),
    ("DELETE", "/v2/images/{id}", "delete_image", "YYFNNNN"),
    ("GET", "/v2/images/{id}/file", "download_image", "YYFNNNN"),
    ("GET", "/v2/images/{id}/file", "download_from_store", "YYFNNNN"),
    ("PUT", "/v2/images/{id}/file", "upload_image", "YYFNNNN"),
    ("HEAD", "/v2/images/{id}/file", "upload_image", "YYFNNNN"),
    ("PATCH", "/v2/images/{id}/file", "upload_image", "YYFNNNN"),
    ("DELETE", "/v2/images/{id}/file", "upload_image", "YYFNNNN"),
    ("PUT", "/v2/images/{id}/stage", "modify_image", "YYFNNNN"),
    ("POST", "/v2/images/{id}/import", "modify_image", "YYFNNNN"),
    ("POST", "/v2/images/{id}/import", "copy_image", "YFFNNNN"),
    ("GET", "/v2/images/{id}/copy-plan", "copy_image", "YFFNNNN"),
    ("GET", "/v2/images/{id}/tasks", "get_image", "YYYNNNN"),
    ("POST", "/v2/images/{id}/locations", "add_image_location", "YYFNNNN"),
    ("GET", "/v2/images/{id}/locations", "fetch_image_location", "YFFNNNN"),
    ("POST", "/v2/images/{id}/actions/deactivate", "deactivate", "YYFNNNN"),
    ("POST", "/v2/images/{id}/actions/reactivate", "reactivate", "YYFNNNN"),
    ("PUT", "/v2/images/{id}/tags/{tag}", "modify_image", "YYFNNNN"),
    ("DELETE", "/v2/images/{id}/tags/{tag}", "modify_image", "YYFNNNN"),
    ("GET", "/v2/images/{id}/members", "get_members", "YYYNNNN"),
    ("GET", "/v2/images/{id}/members", "get_member", "YYYNNNN"),
    ("POST", "/v2/images/{id}/members", "add_member", "YYFNNNN"),
    ("GET", "/v2/images/{id}/members/{member}", "get_member", "YYYNNNN"),
    ("PUT", "/v2/images/{id}/members/{member}", "modify_member", "YFFNNNN"),
    ("DELETE", "/v2/images/{id}/members/{member}", "delete_member", "YYFNNNN"),
    ("DELETE", "/v2/stores/{store}/{id}", "delete_image_location", "YFFNNNN"),
    ("DELETE", "/v2/stores/{store}/{id}", "get_image_location", "YFFNNNN"),
    ("GET", "/v2/tasks", "tasks_api_access", "YFFFFFF"),
    ("GET", "/v2/tasks", "get_tasks", "YFFFFFF"),
    ("POST", "/v2/tasks", "tasks_api_access", "YFFFFFF"),
    ("POST", "/v2/tasks", "add_task", "YFFFFFF"),
    // There is no such task.
    ("GET", "/v2/tasks/{id}", "tasks_api_access", "NFFFFFF"),
    ("GET", "/v2/tasks/{id}", "get_task", "NFFFFFF"),
    // Tasks are not deleted: 405.
    ("DELETE", "/v2/tasks/{id}", "tasks_api_access", "YFFFFFF"),
];

/// Routes whose outcomes other tests walk: they are made of their own resources, not of images.
const ELSEWHERE: [&str; 4] = ["/v2/metadefs/", "/v2/cache", "/v2/cached_images", "/v2/queued_images"];

fn is_elsewhere(route: &str) -> bool {
    ELSEWHERE.iter().any(|prefix| route.starts_with(prefix))
}

async fn image(api: &TestApi, route: &str) -> String {
    let about_members = route.contains("/members");
    let visibility = if about_members { "shared" } else { "private" };
    let body = json!({
        "visibility": visibility, "disk_format": "raw", "container_format": "bare", "tags": ["t"],
    });
    let id = api.create("alice", body).await;
    if route.contains("{member}") {
        let members = format!("/v2/images/{id}/members");
        assert_eq!(api.call("alice", "POST", &members).json(&json!({"member": "carol"})).await.status, 200);
    }
    id
}

fn outcome(answer: &Answer) -> char {
    match answer.status {
        404 => 'N',
        // An answer to HEAD has no text.
        403 if answer.body.is_empty() || answer.text().contains("You are not authorized to complete") => 'F',
        _ => 'Y',
    }
}

#[tokio::test]
async fn every_rule_lets_in_whom_it_should_and_nobody_else() {
    let api = TestApi::with(|options| options.image.show_multiple_locations = true).await;
    let mut wrong = Vec::new();
    for (method, route, rule, wanted) in OUTCOMES {
        let route_for_carol = route.replace("{member}", "carol");
        let mut found = String::new();
        for caller in CALLERS {
            let id = image(&api, route).await;
            found.push(outcome(&ask_as(&api, caller, method, &route_for_carol, rule, &id).await));
        }
        if found != *wanted {
            wrong.push(format!("{method} {route} {rule}: {found}, not {wanted}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_of_every_route_has_a_row() {
    let mut rules = BTreeSet::new();
    for (method, route, names) in ROUTE_RULES.iter().filter(|(_, route, _)| !is_elsewhere(route)) {
        let names = if names.is_empty() { &[""][..] } else { names };
        rules.extend(names.iter().map(|name| (*method, *route, *name)));
    }
    let rows: BTreeSet<_> =
        OUTCOMES.iter().map(|(method, route, rule, _)| (*method, *route, *rule)).collect();
    assert_eq!(rows.len(), OUTCOMES.len(), "a row stands twice");
    assert_eq!(rules, rows);
    // A row that lets everybody in, or nobody, tests nothing.
    for (method, route, rule, wanted) in OUTCOMES.iter().filter(|(_, _, rule, _)| !rule.is_empty()) {
        assert_eq!(wanted.len(), CALLERS.len());
        assert!(wanted.contains(['F', 'N']), "{method} {route} {rule}");
    }
}
