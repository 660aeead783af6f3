// SPDX-License-Identifier: Apache-2.0
//! Domains, projects with their tags, users.

use serde_json::{Value, json};

use crate::cloud::{cloud, column, password, project};

#[tokio::test]
async fn projects_are_created_found_by_name_changed_and_deleted() {
    let cloud = cloud().await;
    let admin = cloud.admin().await;
    let body =
        json!({"project": {"name": "web", "description": "d", "owner": "ops", "tags": ["a", "b", "a"]}});
    let created = cloud.post("/v3/projects", &admin, body).await.ok(201)["project"].clone();
    let id = created["id"].as_str().unwrap().to_owned();
    let expected = json!({
        "id": id, "name": "web", "description": "d", "owner": "ops", "tags": ["a", "b"], "options": {},
        "domain_id": "default", "parent_id": "default", "enabled": true, "is_domain": false,
        "links": {"self": format!("http://identity.test:5000/v3/projects/{id}")},
    });
    assert_eq!(created, expected);
    let found = cloud.get("/v3/projects?name=web", &admin).await.ok(200);
    assert_eq!(found["projects"], json!([expected]));
    assert_eq!(
        found["links"],
        json!({"self": "http://identity.test:5000/v3/projects?name=web", "next": null, "previous": null})
    );
    for (query, count) in
        [("tags=a,b", 1), ("tags=a,z", 0), ("tags-any=z,b", 1), ("not-tags-any=a&name=web", 0)]
    {
        let found = cloud.get(&format!("/v3/projects?{query}"), &admin).await.ok(200);
        assert_eq!(found["projects"].as_array().unwrap().len(), count, "{query}");
    }
    let path = format!("/v3/projects/{id}");
    let changed =
        cloud.patch(&path, &admin, json!({"project": {"name": "shop", "enabled": false}})).await.ok(200);
    assert_eq!((&changed["project"]["name"], &changed["project"]["owner"]), (&json!("shop"), &json!("ops")));
    assert_eq!(
        column(&cloud.get("/v3/projects?enabled=false", &admin).await.ok(200)["projects"], "name"),
        ["shop"]
    );
    let moved = cloud.patch(&path, &admin, json!({"project": {"domain_id": "elsewhere"}})).await;
    moved.error(403);
    cloud.delete(&path, &admin).await.ok(204);
    assert_eq!(cloud.get(&path, &admin).await.error(404), format!("Could not find project: {id}."));
}

#[tokio::test]
async fn names_are_taken_once_in_a_domain() {
    let cloud = cloud().await;
    let admin = cloud.admin().await;
    let domain = cloud.post("/v3/domains", &admin, json!({"domain": {"name": "d2"}})).await.ok(201);
    let domain = domain["domain"]["id"].as_str().unwrap();
    for (path, key, kind) in [("/v3/projects", "project", "project"), ("/v3/users", "user", "user")] {
        let here = json!({key: {"name": "demo"}});
        let taken = cloud.post(path, &admin, here).await.error(409);
        assert!(taken.starts_with(&format!("Conflict occurred attempting to store {kind} - ")), "{taken}");
        let elsewhere = json!({key: {"name": "demo", "domain_id": domain}});
        let created = cloud.post(path, &admin, elsewhere).await.ok(201);
        let renamed = json!({key: {"name": "other"}});
        let own = if key == "user" { &cloud.ids.user_ids["demo"] } else { &cloud.ids.project_ids["demo"] };
        cloud.patch(&format!("{path}/{own}"), &admin, renamed.clone()).await.error(409);
        let there = format!("{path}/{}", created[key]["id"].as_str().unwrap());
        cloud.patch(&there, &admin, renamed).await.ok(200);
    }
    cloud.post("/v3/domains", &admin, json!({"domain": {"name": "Default"}})).await.error(409);
    cloud.post("/v3/roles", &admin, json!({"role": {"name": "admin"}})).await.error(409);
}

#[tokio::test]
async fn a_project_with_children_stays() {
    let cloud = cloud().await;
    let admin = cloud.admin().await;
    let parent = &cloud.ids.project_ids["demo"];
    let body = json!({"project": {"name": "child", "parent_id": parent}});
    let child = cloud.post("/v3/projects", &admin, body).await.ok(201)["project"].clone();
    assert_eq!((&child["parent_id"], &child["domain_id"]), (&json!(parent), &json!("default")));
    let refused = cloud.delete(&format!("/v3/projects/{parent}"), &admin).await.error(403);
    assert!(refused.contains("not a leaf"), "{refused}");
    let below = cloud.get(&format!("/v3/projects?parent_id={parent}"), &admin).await.ok(200);
    assert_eq!(column(&below["projects"], "name"), ["child"]);
    cloud.delete(&format!("/v3/projects/{}", child["id"].as_str().unwrap()), &admin).await.ok(204);
    cloud.delete(&format!("/v3/projects/{parent}"), &admin).await.ok(204);
}

#[tokio::test]
async fn tags_come_and_go_one_by_one() {
    let cloud = cloud().await;
    let admin = cloud.admin().await;
    let path = format!("/v3/projects/{}/tags", cloud.ids.project_ids["demo"]);
    cloud.call("PUT", &path, &admin, json!({"tags": ["a"]})).await.ok(200);
    cloud.call("PUT", &format!("{path}/b"), &admin, Value::Null).await.ok(201);
    cloud.get(&format!("{path}/b"), &admin).await.ok(204);
    cloud.delete(&format!("{path}/a"), &admin).await.ok(204);
    cloud.delete(&format!("{path}/a"), &admin).await.error(404);
    assert_eq!(cloud.get(&path, &admin).await.ok(200)["tags"], json!(["b"]));
    cloud.call("PUT", &path, &admin, json!({"tags": ["a,b"]})).await.error(400);
    cloud.delete(&path, &admin).await.ok(204);
    assert_eq!(cloud.get(&path, &admin).await.ok(200)["tags"], json!([]));
}

#[tokio::test]
async fn a_user_never_shows_a_password() {
    let cloud = cloud().await;
    let admin = cloud.admin().await;
    let body = json!({"user": {"name": "eve", "password": "hidden-word", "email": "eve@example.org"}});
    let created = cloud.post("/v3/users", &admin, body).await.ok(201);
    let id = created["user"]["id"].as_str().unwrap().to_owned();
    let shown = cloud.get(&format!("/v3/users/{id}"), &admin).await.ok(200);
    assert_eq!(shown, created);
    assert_eq!(shown["user"]["email"], "eve@example.org");
    assert!(!shown.to_string().contains("password\"") && !shown.to_string().contains("hidden-word"));
    let listed = cloud.get("/v3/users?name=eve", &admin).await.ok(200);
    assert_eq!(listed["users"], json!([shown["user"]]));
    // The administrator sets another one; the first is good no more.
    let body = json!({"user": {"password": "second"}});
    cloud.patch(&format!("/v3/users/{id}"), &admin, body).await.ok(200);
    let log_in = async |word| cloud.post("/v3/auth/tokens", "", password("eve", word, Value::Null)).await;
    log_in("hidden-word").await.error(401);
    log_in("second").await.ok(201);
    cloud.delete(&format!("/v3/users/{id}"), &admin).await.ok(204);
    log_in("second").await.error(401);
}

#[tokio::test]
async fn a_user_without_a_password_cannot_log_in() {
    let cloud = cloud().await;
    let admin = cloud.admin().await;
    cloud.post("/v3/users", &admin, json!({"user": {"name": "robot"}})).await.ok(201);
    cloud.post("/v3/auth/tokens", "", password("robot", "", Value::Null)).await.error(401);
}

#[tokio::test]
async fn a_domain_takes_its_users_and_projects_with_it() {
    let cloud = cloud().await;
    let admin = cloud.admin().await;
    let created = cloud.post("/v3/domains", &admin, json!({"domain": {"name": "d2"}})).await.ok(201);
    let domain = created["domain"]["id"].as_str().unwrap().to_owned();
    let user = json!({"user": {"name": "u", "password": "p", "domain_id": domain}});
    let user = cloud.post("/v3/users", &admin, user).await.ok(201)["user"]["id"].as_str().unwrap().to_owned();
    let web = json!({"project": {"name": "web", "domain_id": domain}});
    let web =
        cloud.post("/v3/projects", &admin, web).await.ok(201)["project"]["id"].as_str().unwrap().to_owned();
    let grant = format!("/v3/projects/{web}/users/{user}/roles/{}", cloud.ids.role_ids["member"]);
    cloud.call("PUT", &grant, &admin, Value::Null).await.ok(204);
    let body = json!({"auth": {
        "identity": {"methods": ["password"], "password": {"user": {"id": user, "password": "p"}}},
        "scope": {"project": {"name": "web", "domain": {"name": "d2"}}},
    }});
    let answer = cloud.post("/v3/auth/tokens", "", body.clone()).await;
    let token = answer.header("x-subject-token").unwrap().to_owned();
    assert_eq!(answer.ok(201)["token"]["user"]["domain"]["name"], "d2");

    let path = format!("/v3/domains/{domain}");
    cloud.delete(&path, &admin).await.error(403);
    cloud.patch(&path, &admin, json!({"domain": {"enabled": false}})).await.ok(200);
    cloud.get("/v3/auth/projects", &token).await.error(401);
    cloud.post("/v3/auth/tokens", "", body).await.error(401);
    cloud.delete(&path, &admin).await.ok(204);
    for gone in [path, format!("/v3/users/{user}"), format!("/v3/projects/{web}")] {
        cloud.get(&gone, &admin).await.error(404);
    }
    cloud.token("demo", project("demo")).await;
}
