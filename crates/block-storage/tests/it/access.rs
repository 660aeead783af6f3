// SPDX-License-Identifier: Apache-2.0
//! Each route with a role that may and one that may not.

use http::Method;
use serde_json::json;

use crate::cloud::token;
use crate::lab::Lab;

/// Routes by the least role that may use them: `reader`, `member`, `admin`.
const ROUTES: &[(&str, &str, &str)] = &[
    ("GET", "volumes", "reader"),
    ("POST", "volumes", "member"),
    ("GET", "volumes/detail", "reader"),
    ("GET", "volumes/summary", "reader"),
    ("GET", "volumes/{v}", "reader"),
    ("PUT", "volumes/{v}", "member"),
    ("DELETE", "volumes/{v}", "member"),
    ("GET", "volumes/{v}/encryption", "reader"),
    ("GET", "volumes/{v}/metadata", "reader"),
    ("POST", "volumes/{v}/metadata", "member"),
    ("PUT", "volumes/{v}/metadata", "member"),
    ("GET", "volumes/{v}/metadata/k", "reader"),
    ("PUT", "volumes/{v}/metadata/k", "member"),
    ("DELETE", "volumes/{v}/metadata/k", "member"),
    ("GET", "attachments", "reader"),
    ("POST", "attachments", "member"),
    ("GET", "attachments/detail", "reader"),
    ("GET", "attachments/{v}", "reader"),
    ("PUT", "attachments/{v}", "member"),
    ("DELETE", "attachments/{v}", "member"),
    ("POST", "attachments/{v}/action", "member"),
    ("GET", "snapshots", "reader"),
    ("POST", "snapshots", "member"),
    ("GET", "snapshots/detail", "reader"),
    ("GET", "snapshots/{v}", "reader"),
    ("PUT", "snapshots/{v}", "member"),
    ("DELETE", "snapshots/{v}", "member"),
    ("POST", "snapshots/{v}/action", "admin"),
    ("GET", "snapshots/{v}/metadata", "reader"),
    ("POST", "snapshots/{v}/metadata", "member"),
    ("PUT", "snapshots/{v}/metadata", "member"),
    ("GET", "snapshots/{v}/metadata/k", "reader"),
    ("PUT", "snapshots/{v}/metadata/k", "member"),
    ("DELETE", "snapshots/{v}/metadata/k", "member"),
    ("GET", "types", "reader"),
    ("POST", "types", "admin"),
    ("GET", "types/{v}", "reader"),
    ("PUT", "types/{v}", "admin"),
    ("DELETE", "types/{v}", "admin"),
    ("GET", "types/{v}/encryption", "admin"),
    ("GET", "types/{v}/extra_specs", "reader"),
    ("POST", "types/{v}/extra_specs", "admin"),
    ("GET", "types/{v}/extra_specs/k", "reader"),
    ("PUT", "types/{v}/extra_specs/k", "admin"),
    ("DELETE", "types/{v}/extra_specs/k", "admin"),
    ("GET", "types/{v}/os-volume-type-access", "admin"),
    ("POST", "types/{v}/action", "admin"),
    ("GET", "os-services", "admin"),
    ("PUT", "os-services/enable", "admin"),
    ("GET", "os-hosts", "admin"),
    ("GET", "scheduler-stats/get_pools", "admin"),
    ("GET", "os-quota-sets/p", "reader"),
    ("PUT", "os-quota-sets/p", "admin"),
    ("DELETE", "os-quota-sets/p", "admin"),
    ("GET", "os-quota-sets/p/defaults", "reader"),
    ("GET", "limits", "reader"),
    ("GET", "os-availability-zone", "reader"),
    ("GET", "extensions", "reader"),
    ("GET", "extensions/os-hosts", "reader"),
    ("GET", "messages", "reader"),
    ("GET", "messages/{v}", "reader"),
    ("DELETE", "messages/{v}", "member"),
    ("GET", "clusters", "admin"),
    ("GET", "backups", "reader"),
    ("GET", "groups", "reader"),
    ("GET", "group_snapshots", "reader"),
    ("GET", "volume-transfers", "reader"),
    ("GET", "qos-specs", "admin"),
];

/// Actions on volumes, likewise.
const ACTIONS: &[(&str, &str)] = &[
    ("os-extend", "member"),
    ("os-scurry-shrink", "member"),
    ("os-set_bootable", "member"),
    ("os-update_readonly_flag", "member"),
    ("os-reset_status", "admin"),
    ("os-force_delete", "admin"),
    ("os-set_image_metadata", "member"),
    ("os-unset_image_metadata", "member"),
    ("os-show_image_metadata", "reader"),
    ("os-volume_upload_image", "member"),
    ("os-retype", "member"),
    ("os-attach", "member"),
    ("os-detach", "member"),
    ("os-reserve", "member"),
    ("os-unreserve", "member"),
    ("os-begin_detaching", "member"),
    ("os-roll_detaching", "member"),
    ("os-initialize_connection", "member"),
    ("os-terminate_connection", "member"),
];

const ROLES: [&str; 4] = ["nobody", "reader", "member", "admin"];

#[tokio::test]
async fn each_route_is_open_from_its_role_on() {
    let lab = Lab::new().await;
    let absent = "00000000-0000-4000-8000-000000000000";
    let mut asked: Vec<(Method, String, serde_json::Value, &str)> = ROUTES
        .iter()
        .map(|(method, path, role)| {
            let path = format!("/v3/{}", path.replace("{v}", absent));
            (method.parse().unwrap(), path, json!({}), *role)
        })
        .collect();
    for (action, role) in ACTIONS {
        asked.push((Method::POST, format!("/v3/volumes/{absent}/action"), json!({ *action: {} }), role));
    }
    for (method, path, body, least) in asked {
        let from = ROLES.iter().position(|role| *role == least).unwrap();
        for (n, role) in ROLES.iter().enumerate() {
            let body = (method == Method::POST || method == Method::PUT).then(|| body.clone());
            let (status, answer) =
                lab.call(method.clone(), &path, &token("u", "p", role), 71, body.clone()).await;
            assert_eq!(status == 403, n < from, "{method} {path} {body:?} as {role}: {status} {answer}");
            assert!(status.as_u16() < 500, "{method} {path} {body:?} as {role}: {answer}");
        }
    }
}
