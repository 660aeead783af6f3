// SPDX-License-Identifier: Apache-2.0
//! Who may do what.

use serde_json::{Value, json};

use crate::cloud::{Cloud, cloud, column, project, system};

fn writes(cloud: &Cloud) -> Vec<(&'static str, String, Value)> {
    let ids = &cloud.ids;
    let (user, demo, image) = (&ids.user_ids["demo"], &ids.project_ids["demo"], &ids.service_ids["image"]);
    let (admin, endpoint) = (&ids.role_ids["admin"], &ids.endpoint_ids["image"]);
    vec![
        ("POST", "/v3/domains".into(), json!({"domain": {"name": "x"}})),
        ("PATCH", "/v3/domains/default".into(), json!({"domain": {"name": "x"}})),
        ("DELETE", "/v3/domains/default".into(), Value::Null),
        ("POST", "/v3/projects".into(), json!({"project": {"name": "x"}})),
        ("PATCH", format!("/v3/projects/{demo}"), json!({"project": {"name": "x"}})),
        ("DELETE", format!("/v3/projects/{demo}"), Value::Null),
        ("PUT", format!("/v3/projects/{demo}/tags"), json!({"tags": []})),
        ("PUT", format!("/v3/projects/{demo}/tags/x"), Value::Null),
        ("DELETE", format!("/v3/projects/{demo}/tags/x"), Value::Null),
        ("POST", "/v3/users".into(), json!({"user": {"name": "x"}})),
        ("PATCH", format!("/v3/users/{user}"), json!({"user": {"name": "x"}})),
        ("DELETE", format!("/v3/users/{user}"), Value::Null),
        ("POST", "/v3/roles".into(), json!({"role": {"name": "x"}})),
        ("PATCH", format!("/v3/roles/{admin}"), json!({"role": {"name": "x"}})),
        ("DELETE", format!("/v3/roles/{admin}"), Value::Null),
        (
            "PUT",
            format!("/v3/roles/{}/implies/{}", ids.role_ids["member"], ids.role_ids["service"]),
            Value::Null,
        ),
        (
            "DELETE",
            format!("/v3/roles/{}/implies/{}", ids.role_ids["member"], ids.role_ids["reader"]),
            Value::Null,
        ),
        ("PUT", format!("/v3/projects/{demo}/users/{user}/roles/{admin}"), Value::Null),
        ("DELETE", format!("/v3/projects/{demo}/users/{user}/roles/{admin}"), Value::Null),
        ("PUT", format!("/v3/domains/default/users/{user}/roles/{admin}"), Value::Null),
        ("PUT", format!("/v3/system/users/{user}/roles/{admin}"), Value::Null),
        ("POST", "/v3/services".into(), json!({"service": {"type": "x"}})),
        ("PATCH", format!("/v3/services/{image}"), json!({"service": {"type": "x"}})),
        ("DELETE", format!("/v3/services/{image}"), Value::Null),
        ("POST", "/v3/endpoints".into(), json!({"endpoint": {}})),
        ("PATCH", format!("/v3/endpoints/{endpoint}"), json!({"endpoint": {}})),
        ("DELETE", format!("/v3/endpoints/{endpoint}"), Value::Null),
        ("POST", "/v3/regions".into(), json!({"region": {}})),
        ("PUT", "/v3/regions/x".into(), json!({"region": {}})),
        ("PATCH", "/v3/regions/RegionOne".into(), json!({"region": {}})),
        ("DELETE", "/v3/regions/RegionOne".into(), Value::Null),
        ("POST", "/v3/registered_limits".into(), json!({"registered_limits": []})),
        ("PATCH", "/v3/registered_limits/x".into(), json!({"registered_limit": {}})),
        ("DELETE", "/v3/registered_limits/x".into(), Value::Null),
        ("POST", "/v3/limits".into(), json!({"limits": []})),
        ("PATCH", "/v3/limits/x".into(), json!({"limit": {}})),
        ("DELETE", "/v3/limits/x".into(), Value::Null),
    ]
}

#[tokio::test]
async fn only_administrators_write() {
    let cloud = cloud().await;
    let (member, reader) =
        (cloud.token("demo", project("demo")).await, cloud.token("glance", system()).await);
    let unscoped = cloud.token("admin", Value::Null).await;
    for (method, path, body) in writes(&cloud) {
        for token in [&member, &reader, &unscoped] {
            let refused = cloud.call(method, &path, token, body.clone()).await.error(403);
            assert!(
                refused.starts_with("You are not authorized to perform the requested action: identity:"),
                "{method} {path}: {refused}"
            );
        }
        cloud.call(method, &path, "", body.clone()).await.error(401);
        cloud.call(method, &path, "made-up", body).await.error(401);
    }
}

#[tokio::test]
async fn members_see_themselves_and_nobody_else() {
    let cloud = cloud().await;
    let token = cloud.token("demo", project("demo")).await;
    let ids = &cloud.ids;
    let (own, other) = (&ids.user_ids["demo"], &ids.user_ids["other"]);
    for path in [
        format!("/v3/users/{own}"),
        format!("/v3/users/{own}/projects"),
        format!("/v3/users/{own}/groups"),
        format!("/v3/users/{own}/application_credentials"),
        format!("/v3/projects/{}", ids.project_ids["demo"]),
        format!("/v3/role_assignments?user.id={own}"),
        "/v3/domains/default".into(),
        "/v3/regions".into(),
        "/v3/registered_limits".into(),
        "/v3/limits".into(),
        "/v3/limits/model".into(),
    ] {
        cloud.get(&path, &token).await.ok(200);
    }
    for path in [
        format!("/v3/users/{other}"),
        format!("/v3/users/{other}/projects"),
        format!("/v3/users/{other}/application_credentials"),
        format!("/v3/projects/{}", ids.project_ids["other"]),
        format!("/v3/projects/{}/users/{own}/roles", ids.project_ids["demo"]),
        format!("/v3/role_assignments?user.id={other}"),
        // What does not exist looks like what is not theirs.
        "/v3/users/no-such-user".into(),
        "/v3/projects/no-such-project".into(),
        "/v3/limits/no-such-limit".into(),
        "/v3/users".into(),
        "/v3/projects".into(),
        "/v3/domains".into(),
        "/v3/roles".into(),
        "/v3/role_assignments".into(),
        "/v3/services".into(),
        "/v3/endpoints".into(),
        "/v3/groups".into(),
    ] {
        cloud.get(&path, &token).await.error(403);
    }
}

#[tokio::test]
async fn the_reader_of_the_system_reads_what_oslo_limit_needs() {
    let cloud = cloud().await;
    let token = cloud.token("glance", system()).await;
    let endpoint =
        cloud.get(&format!("/v3/endpoints/{}", cloud.ids.endpoint_ids["image"]), &token).await.ok(200);
    let (service, region) = (&endpoint["endpoint"]["service_id"], &endpoint["endpoint"]["region_id"]);
    assert_eq!(service, &json!(cloud.ids.service_ids["image"]));
    let filter = format!(
        "service_id={}&region_id={}&resource_name=image_count_total",
        service.as_str().unwrap(),
        region.as_str().unwrap()
    );
    let registered = cloud.get(&format!("/v3/registered_limits?{filter}"), &token).await.ok(200);
    assert_eq!(registered["registered_limits"][0]["default_limit"], 100);
    let demo = &cloud.ids.project_ids["demo"];
    let limits = cloud.get(&format!("/v3/limits?{filter}&project_id={demo}"), &token).await.ok(200);
    assert_eq!(limits["limits"], json!([]));
    assert_eq!(cloud.get("/v3/limits/model", &token).await.ok(200)["model"]["name"], "flat");
    let services = cloud.get("/v3/services?name=glance&type=image", &token).await.ok(200);
    assert_eq!(column(&services["services"], "id"), [service.as_str().unwrap()]);
    let path = format!(
        "/v3/endpoints?service_id={}&interface=public&region_id=RegionOne",
        service.as_str().unwrap()
    );
    let endpoints = cloud.get(&path, &token).await.ok(200);
    assert_eq!(column(&endpoints["endpoints"], "id"), [cloud.ids.endpoint_ids["image"].as_str()]);
}
