// SPDX-License-Identifier: Apache-2.0
//! Bad input: always an answer, the right status, and Keystone's shape.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::cloud::cloud;

#[tokio::test]
async fn a_request_for_a_token_must_make_sense() {
    let cloud = cloud().await;
    let user =
        |user: Value| json!({"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}});
    let mut scoped = user(json!({"name": "demo", "domain": {"id": "default"}, "password": "demo-password"}));
    for (wrong, expected) in [
        (json!({}), "auth"),
        (json!({"auth": {}}), "identity"),
        (json!({"auth": 5}), "identity"),
        (json!({"auth": {"identity": {}}}), "methods"),
        (json!({"auth": {"identity": {"methods": "password"}}}), "methods"),
        (json!({"auth": {"identity": {"methods": [5]}}}), "methods"),
        (json!({"auth": {"identity": {"methods": ["password"]}}}), "password in identity"),
        (json!({"auth": {"identity": {"methods": ["password"], "password": {}}}}), "user in password"),
        (user(json!({"name": "demo", "password": "x"})), "domain in user"),
        (user(json!({"name": "demo", "domain": {}, "password": "x"})), "id or name in domain"),
        (user(json!({"domain": {"id": "default"}, "password": "x"})), "id or name in user"),
        (user(json!({"name": "demo", "domain": {"id": "default"}})), "password in user"),
        (user(json!({"name": "demo", "domain": {"id": "default"}, "password": 5})), "password in user"),
    ] {
        let message = cloud.post("/v3/auth/tokens", "", wrong.clone()).await.error(400);
        assert!(message.contains(expected), "{wrong}: {message}");
    }
    for scope in [
        json!([]),
        json!("everything"),
        json!({}),
        json!({"planet": {}}),
        json!({"project": {}}),
        json!({"project": {"name": "demo"}}),
        json!({"domain": {}}),
        json!({"system": {"all": false}}),
        json!({"project": {"id": "x"}, "system": {"all": true}}),
    ] {
        scoped["auth"]["scope"] = scope;
        cloud.post("/v3/auth/tokens", "", scoped.clone()).await.error(400);
    }
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_refused() {
    let cloud = cloud().await;
    let admin = cloud.admin().await;
    let send = async |body: Vec<u8>| {
        let request = Request::post("/v3/projects").header("X-Auth-Token", &admin);
        cloud.send(request.body(Body::from(body)).unwrap()).await
    };
    for body in ["", "{", "[]", "null", "\"x\"", "{\"project\": {\"name\": \"\\ud800\"}}"] {
        send(body.into()).await.error(400);
    }
    send(vec![b'{', b'"', 0xff, b'"', b'}']).await.error(400);
    send("[".repeat(100_000).into()).await.error(400);
    send(vec![b' '; 200_000]).await.error(413);
}

#[tokio::test]
async fn fields_of_the_wrong_kind_are_named() {
    let cloud = cloud().await;
    let admin = cloud.admin().await;
    let project = |fields: Value| json!({ "project": fields });
    for (wrong, field) in [
        (json!({}), "'name'"),
        (json!({"name": ""}), "name"),
        (json!({"name": "   "}), "name"),
        (json!({"name": null}), "name"),
        (json!({"name": "x".repeat(65)}), "name"),
        (json!({"name": "x", "enabled": "yes"}), "enabled"),
        (json!({"name": "x", "enabled": null}), "enabled"),
        (json!({"name": "x", "description": 5}), "description"),
        (json!({"name": "x", "tags": "a"}), "tags"),
        (json!({"name": "x", "tags": [5]}), "tags"),
        (json!({"name": "x", "options": []}), "options"),
        (json!({"name": "x", "domain_id": "nope"}), "nope"),
        (json!({"name": "x", "parent_id": "nope"}), "nope"),
        (json!({"name": "x", "is_domain": true}), "/v3/domains"),
    ] {
        let message = cloud.post("/v3/projects", &admin, project(wrong.clone())).await.error(400);
        assert!(message.contains(field), "{wrong}: {message}");
    }
    cloud.post("/v3/projects", &admin, json!({"project": []})).await.error(400);
    cloud.post("/v3/projects", &admin, json!({"projekt": {}})).await.error(400);
    let secret = json!({"user": {"name": "x", "password": ["hidden-word"]}});
    let message = cloud.post("/v3/users", &admin, secret).await.error(400);
    assert!(message.contains("password") && !message.contains("hidden-word"), "{message}");
    // Own fields sent back do no harm, and no field can replace another.
    let cheat = project(json!({"name": "x", "id": "default", "links": {}, "is_domain": false}));
    let created = cloud.post("/v3/projects", &admin, cheat).await.ok(201);
    assert_ne!(created["project"]["id"], "default");
}

#[tokio::test]
async fn unknown_routes_methods_and_ids_have_keystones_shape() {
    let cloud = cloud().await;
    let admin = cloud.admin().await;
    cloud.get("/v3/nothing", &admin).await.error(404);
    cloud.get("/v2.0/tokens", "").await.error(404);
    cloud.call("PATCH", "/v3/auth/tokens", &admin, json!({})).await.error(405);
    for (path, kind) in [
        ("/v3/domains/x", "domain"),
        ("/v3/projects/x", "project"),
        ("/v3/users/x", "user"),
        ("/v3/roles/x", "role"),
        ("/v3/groups/x", "group"),
        ("/v3/services/x", "service"),
        ("/v3/endpoints/x", "endpoint"),
        ("/v3/regions/x", "region"),
    ] {
        assert_eq!(cloud.get(path, &admin).await.error(404), format!("Could not find {kind}: x."));
        cloud.delete(path, &admin).await;
    }
    assert_eq!(cloud.get("/v3/limits/x", &admin).await.error(404), "Could not find limit for x.");
    let registered = cloud.get("/v3/registered_limits/x", &admin).await.error(404);
    assert_eq!(registered, "Could not find registered limit for x.");
    cloud.get("/v3/projects/%ff", &admin).await.error(400);
    cloud.get("/v3/projects?name=%ff&enabled=&&==", &admin).await.ok(200);
}
