// SPDX-License-Identifier: Apache-2.0
//! Tokens: their shapes, their validation, and what ends them.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::cloud::{cloud, column, password, project, send, system};

#[tokio::test]
async fn a_project_token_has_the_shape_of_keystone() {
    let cloud = cloud().await;
    let answer = cloud.post("/v3/auth/tokens", "", password("demo", "demo-password", project("demo"))).await;
    assert_eq!(answer.header("vary"), Some("X-Auth-Token"));
    assert!(answer.header("x-openstack-request-id").unwrap().starts_with("req-"));
    let mut body = answer.ok(201);
    blank(&mut body, &cloud.ids.project_ids["demo"]);
    insta::assert_json_snapshot!(body);
}

/// Replaces what differs from run to run, where it has the form it should have.
fn blank(value: &mut Value, project_id: &str) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(|value| blank(value, project_id)),
        Value::Array(items) => items.iter_mut().for_each(|value| blank(value, project_id)),
        Value::String(text) => {
            let is_id = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            let is_time = text.len() == 27 && text.ends_with('Z') && text.as_bytes()[19] == b'.';
            let is_audit_id = text.len() == 22 && !text.contains([':', '/', '.', ' ']);
            *text = match text.as_str() {
                _ if is_id => "[id]".into(),
                _ if is_time => "[time]".into(),
                _ if is_audit_id => "[audit id]".into(),
                text => text.replace(project_id, "[project id]"),
            };
        }
        _ => {}
    }
}

#[tokio::test]
async fn the_catalog_fills_in_the_project_and_leaves_out_what_needs_one() {
    let cloud = cloud().await;
    let urls = |body: &Value, kind: &str| -> Vec<String> {
        let catalog = body["token"]["catalog"].as_array().unwrap();
        column(&catalog.iter().find(|service| service["type"] == kind).unwrap()["endpoints"], "url")
    };
    let of_project =
        cloud.post("/v3/auth/tokens", "", password("demo", "demo-password", project("demo"))).await.ok(201);
    let filled = format!("http://volume.test:8776/v3/{}", cloud.ids.project_ids["demo"]);
    assert_eq!(urls(&of_project, "block-storage"), [filled.as_str(); 3]);
    let of_system =
        cloud.post("/v3/auth/tokens", "", password("glance", "glance-password", system())).await.ok(201);
    assert_eq!(urls(&of_system, "image").len(), 3);
    assert!(urls(&of_system, "block-storage").is_empty());
}

#[tokio::test]
async fn scopes_show_what_they_are_and_unscoped_tokens_nothing() {
    let cloud = cloud().await;
    let issue = async |scope| {
        cloud.post("/v3/auth/tokens", "", password("admin", "admin-password", scope)).await.ok(201)["token"]
            .clone()
    };
    let of_system = issue(system()).await;
    assert_eq!(of_system["system"], json!({"all": true}));
    assert_eq!(column(&of_system["roles"], "name"), ["admin", "manager", "member", "reader"]);
    assert!(of_system.get("project").is_none() && of_system.get("is_domain").is_none());
    for scope in [Value::Null, json!("unscoped")] {
        let unscoped = issue(scope).await;
        for absent in ["project", "domain", "system", "roles", "catalog", "is_domain"] {
            assert!(unscoped.get(absent).is_none(), "{absent} in {unscoped}");
        }
    }
    let admin = cloud.admin().await;
    let (user, role) = (&cloud.ids.user_ids["admin"], &cloud.ids.role_ids["admin"]);
    let path = format!("/v3/domains/default/users/{user}/roles/{role}");
    cloud.call("PUT", &path, &admin, Value::Null).await.ok(204);
    let of_domain = issue(json!({"domain": {"name": "Default"}})).await;
    assert_eq!(of_domain["domain"], json!({"id": "default", "name": "Default"}));
    assert_eq!(column(&cloud.get("/v3/auth/domains", &admin).await.ok(200)["domains"], "id"), ["default"]);
    assert_eq!(cloud.get("/v3/auth/system", &admin).await.ok(200)["system"], json!([{"all": true}]));
    assert_eq!(column(&cloud.get("/v3/auth/projects", &admin).await.ok(200)["projects"], "name"), ["admin"]);
}

#[tokio::test]
async fn whoever_fails_to_authenticate_learns_nothing() {
    let cloud = cloud().await;
    let elsewhere = json!({"project": {"name": "other", "domain": {"id": "default"}}});
    let nowhere = json!({"project": {"id": "no-such-project"}});
    for attempt in [
        password("demo", "wrong", Value::Null),
        password("nobody", "demo-password", Value::Null),
        password("demo", "demo-password", elsewhere),
        password("demo", "demo-password", nowhere),
        password("demo", "demo-password", system()),
        password("demo", &"x".repeat(5000), Value::Null),
        json!({"auth": {"identity": {"methods": ["token"], "token": {"id": "made-up"}}}}),
        json!({"auth": {"identity": {"methods": []}}}),
    ] {
        let answer = cloud.post("/v3/auth/tokens", "", attempt).await;
        assert_eq!(answer.header("www-authenticate"), Some("Keystone uri=\"http://identity.test:5000/v3\""));
        assert!(answer.header("x-subject-token").is_none());
        assert_eq!(answer.error(401), "The request you have made requires authentication.");
    }
}

#[tokio::test]
async fn users_validate_their_own_tokens_services_and_readers_all() {
    let cloud = cloud().await;
    let (demo, other) =
        (cloud.token("demo", project("demo")).await, cloud.token("other", project("other")).await);
    let glance = cloud.token("glance", project("service")).await;
    let reader = cloud.token("glance", system()).await;
    for asker in [&demo, &glance, &reader, &cloud.admin().await] {
        let answer = cloud.validate(asker, &demo).await;
        assert_eq!(answer.header("x-subject-token"), Some(demo.as_str()));
        assert_eq!(answer.ok(200)["token"]["user"]["name"], "demo");
    }
    let refused = cloud.validate(&other, &demo).await.error(403);
    assert_eq!(refused, "You are not authorized to perform the requested action: identity:validate_token.");
    cloud.validate("made-up", &demo).await.error(401);
    let unknown = cloud.validate(&demo, "made-up").await.error(404);
    assert!(!unknown.contains("made-up"), "an error must not repeat a token");
    let head = cloud.subject("HEAD", "/v3/auth/tokens", &demo, &demo).await;
    assert_eq!((head.status.as_u16(), head.body), (200, Value::Null));
    let bare = cloud.subject("GET", "/v3/auth/tokens?nocatalog", &demo, &demo).await.ok(200);
    assert!(bare["token"].get("catalog").is_none());
}

#[tokio::test]
async fn a_revoked_token_is_worth_nothing_and_others_live_on() {
    let cloud = cloud().await;
    let (first, second) =
        (cloud.token("demo", project("demo")).await, cloud.token("demo", project("demo")).await);
    let other = cloud.token("other", project("other")).await;
    cloud.subject("DELETE", "/v3/auth/tokens", &other, &first).await.error(403);
    cloud.subject("DELETE", "/v3/auth/tokens", &first, &first).await.ok(204);
    cloud.get("/v3/auth/projects", &first).await.error(401);
    cloud.validate(&second, &first).await.error(404);
    cloud.get("/v3/auth/projects", &second).await.ok(200);
}

#[tokio::test]
async fn a_new_password_ends_the_tokens_made_with_the_old_one() {
    let cloud = cloud().await;
    let token = cloud.token("demo", project("demo")).await;
    let path = format!("/v3/users/{}/password", cloud.ids.user_ids["demo"]);
    let change = |from: &str, to: &str| json!({"user": {"original_password": from, "password": to}});
    cloud.post(&path, "", change("wrong", "new")).await.error(401);
    cloud.get("/v3/auth/projects", &token).await.ok(200);
    cloud.post(&path, "", change("demo-password", "new")).await.ok(204);
    cloud.get("/v3/auth/projects", &token).await.error(401);
    cloud.post("/v3/auth/tokens", "", password("demo", "demo-password", project("demo"))).await.error(401);
    cloud.post("/v3/auth/tokens", "", password("demo", "new", project("demo"))).await.ok(201);
}

#[tokio::test]
async fn tokens_follow_the_state_of_user_project_domain_and_roles() {
    let cloud = cloud().await;
    let admin = cloud.admin().await;
    let ids = &cloud.ids;
    let (user, project_id) = (&ids.user_ids["demo"], &ids.project_ids["demo"]);
    let token = cloud.token("demo", project("demo")).await;
    let roles = async || {
        let answer = cloud.validate(&admin, &token).await;
        if answer.status == 404 { Vec::new() } else { column(&answer.ok(200)["token"]["roles"], "name") }
    };
    assert_eq!(roles().await, ["member", "reader"]);

    let manager = format!("/v3/projects/{project_id}/users/{user}/roles/{}", ids.role_ids["manager"]);
    cloud.call("PUT", &manager, &admin, Value::Null).await.ok(204);
    assert_eq!(roles().await, ["manager", "member", "reader"]);
    cloud.delete(&manager, &admin).await.ok(204);

    let project_path = format!("/v3/projects/{project_id}");
    cloud.patch(&project_path, &admin, json!({"project": {"enabled": false}})).await.ok(200);
    assert!(roles().await.is_empty());
    cloud.patch(&project_path, &admin, json!({"project": {"enabled": true}})).await.ok(200);
    assert_eq!(roles().await, ["member", "reader"]);

    let member = format!("/v3/projects/{project_id}/users/{user}/roles/{}", ids.role_ids["member"]);
    cloud.delete(&member, &admin).await.ok(204);
    assert!(roles().await.is_empty());
    cloud.call("PUT", &member, &admin, Value::Null).await.ok(204);
    assert_eq!(roles().await, ["member", "reader"]);

    // A disabled user's tokens stay dead when the user is enabled again.
    let user_path = format!("/v3/users/{user}");
    cloud.patch(&user_path, &admin, json!({"user": {"enabled": false}})).await.ok(200);
    assert!(roles().await.is_empty());
    cloud.post("/v3/auth/tokens", "", password("demo", "demo-password", Value::Null)).await.error(401);
    cloud.patch(&user_path, &admin, json!({"user": {"enabled": true}})).await.ok(200);
    assert!(roles().await.is_empty());
    cloud.token("demo", project("demo")).await;
}

#[tokio::test]
async fn a_token_made_from_a_token_keeps_its_end_and_its_ancestry() {
    let cloud = cloud().await;
    let unscoped = cloud.token("demo", Value::Null).await;
    let first = cloud.validate(&unscoped, &unscoped).await.ok(200);
    let scope = project("demo");
    let body =
        json!({"auth": {"identity": {"methods": ["token"], "token": {"id": unscoped}}, "scope": scope}});
    let second = cloud.post("/v3/auth/tokens", "", body).await.ok(201);
    assert_eq!(second["token"]["expires_at"], first["token"]["expires_at"]);
    assert_eq!(second["token"]["methods"], json!(["token", "password"]));
    assert_eq!(second["token"]["audit_ids"][1], first["token"]["audit_ids"][0]);
    assert_eq!(second["token"]["project"]["name"], "demo");
}

#[tokio::test]
async fn an_expired_token_is_known_only_to_those_who_ask_for_expired_ones() {
    let cloud = cloud().await;
    let short = cloud.reopened(Duration::ZERO).await;
    let body = password("demo", "demo-password", project("demo")).to_string();
    let request = Request::post("/v3/auth/tokens").body(Body::from(body)).unwrap();
    let answer = send(&short, request).await;
    let expired = answer.header("x-subject-token").unwrap().to_owned();
    let glance = cloud.token("glance", project("service")).await;
    cloud.get("/v3/auth/projects", &expired).await.error(401);
    cloud.validate(&glance, &expired).await.error(404);
    let late = cloud.subject("GET", "/v3/auth/tokens?allow_expired=1", &glance, &expired).await.ok(200);
    assert_eq!(late["token"]["user"]["name"], "demo");
    let as_caller = cloud.subject("GET", "/v3/auth/tokens?allow_expired=1", &expired, &expired).await;
    as_caller.error(401);
}

#[tokio::test]
async fn the_default_project_is_the_scope_of_whoever_names_none() {
    let cloud = cloud().await;
    let admin = cloud.admin().await;
    let path = format!("/v3/users/{}", cloud.ids.user_ids["demo"]);
    let choose = |name: &str| json!({"user": {"default_project_id": cloud.ids.project_ids[name]}});
    cloud.patch(&path, &admin, choose("demo")).await.ok(200);
    let issue = async || {
        cloud.post("/v3/auth/tokens", "", password("demo", "demo-password", Value::Null)).await.ok(201)
    };
    assert_eq!(issue().await["token"]["project"]["name"], "demo");
    // Without a role there it does not count.
    cloud.patch(&path, &admin, choose("other")).await.ok(200);
    assert!(issue().await["token"].get("project").is_none());
}

#[tokio::test]
async fn many_clients_at_once_get_their_tokens() {
    let cloud = std::sync::Arc::new(cloud().await);
    let admin = cloud.admin().await;
    let clients: Vec<_> = (0..12)
        .map(|number| {
            let (cloud, admin) = (cloud.clone(), admin.clone());
            tokio::spawn(async move {
                let body = json!({"user": {"name": format!("u{number}"), "password": "p"}});
                cloud.post("/v3/users", &admin, body).await.ok(201);
                cloud.token("demo", project("demo")).await
            })
        })
        .collect();
    let mut tokens = std::collections::BTreeSet::new();
    for client in clients {
        tokens.insert(client.await.unwrap());
    }
    assert_eq!(tokens.len(), 12);
}
