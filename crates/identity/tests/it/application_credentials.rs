// SPDX-License-Identifier: Apache-2.0
//! Application credentials: what they hand on, and what ends them.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::cloud::{Answer, Cloud, cloud, column, project};

fn path(cloud: &Cloud) -> String {
    format!("/v3/users/{}/application_credentials", cloud.ids.user_ids["demo"])
}

async fn create(cloud: &Cloud, token: &str, credential: Value) -> Answer {
    cloud.post(&path(cloud), token, json!({ "application_credential": credential })).await
}

async fn log_in(cloud: &Cloud, credential: Value, scope: Value) -> (StatusCode, String, Value) {
    let identity = json!({"methods": ["application_credential"], "application_credential": credential});
    let mut auth = json!({ "identity": identity });
    if !scope.is_null() {
        auth["scope"] = scope;
    }
    let answer = cloud.post("/v3/auth/tokens", "", json!({ "auth": auth })).await;
    let token = answer.header("x-subject-token").unwrap_or_default().to_owned();
    (answer.status, token, answer.body)
}

#[tokio::test]
async fn a_credential_logs_in_with_the_roles_it_was_given() {
    let cloud = cloud().await;
    let demo = cloud.token("demo", project("demo")).await;
    let wanted = json!({"name": "ci", "roles": [{"name": "reader"}], "expires_at": "2136-01-01T00:00:00"});
    let created = create(&cloud, &demo, wanted).await.ok(201)["application_credential"].clone();
    let (id, secret) = (created["id"].as_str().unwrap(), created["secret"].as_str().unwrap());
    assert!(secret.len() >= 43);
    assert_eq!(created["project_id"], json!(cloud.ids.project_ids["demo"]));
    assert_eq!(created["expires_at"], "2136-01-01T00:00:00.000000");
    assert_eq!(created["unrestricted"], false);
    let (status, token, body) = log_in(&cloud, json!({"id": id, "secret": secret}), Value::Null).await;
    assert_eq!(status, 201, "{body}");
    assert_eq!(column(&body["token"]["roles"], "name"), ["reader"]);
    assert_eq!(body["token"]["project"]["name"], "demo");
    assert_eq!(body["token"]["application_credential"], json!({"id": id, "name": "ci", "restricted": true}));
    assert_eq!(body["token"]["methods"], json!(["application_credential"]));

    let shown = cloud.get(&format!("{}/{id}", path(&cloud)), &demo).await.ok(200);
    assert!(shown["application_credential"].get("secret").is_none());
    let named = cloud.get(&format!("{}?name=ci", path(&cloud)), &demo).await.ok(200);
    assert_eq!(named["application_credentials"], json!([shown["application_credential"]]));
    let by_name =
        json!({"name": "ci", "secret": secret, "user": {"name": "demo", "domain": {"id": "default"}}});
    assert_eq!(log_in(&cloud, by_name, Value::Null).await.0, 201);

    // With the credential its tokens end.
    cloud.delete(&format!("{}/{id}", path(&cloud)), &demo).await.ok(204);
    cloud.get("/v3/auth/projects", &token).await.error(401);
    assert_eq!(log_in(&cloud, json!({"id": id, "secret": secret}), Value::Null).await.0, 401);
}

#[tokio::test]
async fn a_credential_is_no_way_around_anything() {
    let cloud = cloud().await;
    let admin = cloud.admin().await;
    let demo = cloud.token("demo", project("demo")).await;
    let created = create(&cloud, &demo, json!({"name": "ci", "secret": "s"})).await.ok(201);
    let id = created["application_credential"]["id"].as_str().unwrap().to_owned();
    let claim = json!({"id": id, "secret": "s"});
    for (claim, scope) in [
        (json!({"id": id, "secret": "wrong"}), Value::Null),
        (json!({"id": "nope", "secret": "s"}), Value::Null),
        (claim.clone(), project("other")),
        (claim.clone(), json!({"system": {"all": true}})),
        (claim.clone(), json!("unscoped")),
    ] {
        let (status, token, body) = log_in(&cloud, claim, scope).await;
        assert_eq!((status, token.as_str()), (StatusCode::UNAUTHORIZED, ""), "{body}");
    }
    let (_, token, _) = log_in(&cloud, claim.clone(), Value::Null).await;
    create(&cloud, &token, json!({"name": "more"})).await.error(403);
    cloud.delete(&format!("{}/{id}", path(&cloud)), &token).await.error(403);
    let again = json!({"auth": {"identity": {"methods": ["token"], "token": {"id": token}}}});
    cloud.post("/v3/auth/tokens", "", again).await.error(403);

    // What the user may no longer do, the credential may not either.
    let member = format!(
        "/v3/projects/{}/users/{}/roles/{}",
        cloud.ids.project_ids["demo"], cloud.ids.user_ids["demo"], cloud.ids.role_ids["member"]
    );
    cloud.delete(&member, &admin).await.ok(204);
    cloud.get("/v3/auth/projects", &token).await.error(401);
    assert_eq!(log_in(&cloud, claim.clone(), Value::Null).await.0, 401);
    cloud.call("PUT", &member, &admin, Value::Null).await.ok(204);
    assert_eq!(log_in(&cloud, claim.clone(), Value::Null).await.0, 201);
    let user = format!("/v3/users/{}", cloud.ids.user_ids["demo"]);
    cloud.patch(&user, &admin, json!({"user": {"enabled": false}})).await.ok(200);
    assert_eq!(log_in(&cloud, claim, Value::Null).await.0, 401);
}

#[tokio::test]
async fn an_unrestricted_credential_manages_credentials() {
    let cloud = cloud().await;
    let demo = cloud.token("demo", project("demo")).await;
    let wanted = json!({"name": "ci", "secret": "s", "unrestricted": true});
    let created = create(&cloud, &demo, wanted).await.ok(201);
    let claim = json!({"id": created["application_credential"]["id"], "secret": "s"});
    let (_, token, _) = log_in(&cloud, claim, Value::Null).await;
    create(&cloud, &token, json!({"name": "more"})).await.ok(201);
}

#[tokio::test]
async fn a_credential_is_refused_that_hands_on_more_than_its_maker_has() {
    let cloud = cloud().await;
    let demo = cloud.token("demo", project("demo")).await;
    create(&cloud, &demo, json!({"name": "taken"})).await.ok(201);
    create(&cloud, &demo, json!({"name": "taken"})).await.error(409);
    for wrong in [
        json!({}),
        json!({"name": ""}),
        json!({"name": "x", "roles": [{"name": "admin"}]}),
        json!({"name": "x", "roles": [{}]}),
        json!({"name": "x", "roles": "reader"}),
        json!({"name": "x", "expires_at": "2000-01-01T00:00:00"}),
        json!({"name": "x", "expires_at": "soon"}),
        json!({"name": "x", "secret": 5}),
        json!({"name": "x", "access_rules": [{"service": "image", "method": "GET", "path": "/v2/images"}]}),
    ] {
        create(&cloud, &demo, wrong).await.error(400);
    }
    let unscoped = cloud.token("demo", Value::Null).await;
    create(&cloud, &unscoped, json!({"name": "x"})).await.error(400);
    let other = cloud.token("other", project("other")).await;
    create(&cloud, &other, json!({"name": "x"})).await.error(403);
    create(&cloud, &cloud.admin().await, json!({"name": "x"})).await.error(403);
}
