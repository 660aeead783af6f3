// SPDX-License-Identifier: Apache-2.0
//! Roles, what they imply, and who has them.

use serde_json::{Value, json};

use crate::cloud::{cloud, column, project};

#[tokio::test]
async fn a_role_is_granted_checked_and_taken_away() {
    let cloud = cloud().await;
    let admin = cloud.admin().await;
    let ids = &cloud.ids;
    let (user, reader) = (&ids.user_ids["other"], &ids.role_ids["reader"]);
    for target in [
        format!("/v3/projects/{}", ids.project_ids["demo"]),
        "/v3/domains/default".into(),
        "/v3/system".into(),
    ] {
        let roles = format!("{target}/users/{user}/roles");
        let path = format!("{roles}/{reader}");
        assert_eq!(cloud.call("HEAD", &path, &admin, Value::Null).await.status, 404);
        cloud.get(&path, &admin).await.error(404);
        cloud.call("PUT", &path, &admin, Value::Null).await.ok(204);
        cloud.call("PUT", &path, &admin, Value::Null).await.ok(204);
        assert_eq!(cloud.call("HEAD", &path, &admin, Value::Null).await.status, 204);
        cloud.get(&path, &admin).await.ok(204);
        assert_eq!(column(&cloud.get(&roles, &admin).await.ok(200)["roles"], "name"), ["reader"]);
        cloud.delete(&path, &admin).await.ok(204);
        cloud.delete(&path, &admin).await.error(404);
        assert_eq!(cloud.get(&roles, &admin).await.ok(200)["roles"], json!([]));
        let nobody = format!("{target}/users/nobody/roles/{reader}");
        assert_eq!(
            cloud.call("PUT", &nobody, &admin, Value::Null).await.error(404),
            "Could not find user: nobody."
        );
        let nothing = format!("{roles}/nothing");
        assert_eq!(
            cloud.call("PUT", &nothing, &admin, Value::Null).await.error(404),
            "Could not find role: nothing."
        );
        let group = format!("{target}/groups/g/roles/{reader}");
        assert_eq!(
            cloud.call("PUT", &group, &admin, Value::Null).await.error(404),
            "Could not find group: g."
        );
    }
    let nowhere = format!("/v3/projects/nowhere/users/{user}/roles/{reader}");
    assert_eq!(
        cloud.call("PUT", &nowhere, &admin, Value::Null).await.error(404),
        "Could not find project: nowhere."
    );
}

#[tokio::test]
async fn assignments_are_listed_with_names_and_implied_roles() {
    let cloud = cloud().await;
    let admin = cloud.admin().await;
    let ids = &cloud.ids;
    let (user, demo, member, reader) =
        (&ids.user_ids["demo"], &ids.project_ids["demo"], &ids.role_ids["member"], &ids.role_ids["reader"]);
    let list = async |query: &str| {
        cloud.get(&format!("/v3/role_assignments?{query}"), &admin).await.ok(200)["role_assignments"].clone()
    };
    let link = format!("http://identity.test:5000/v3/projects/{demo}/users/{user}/roles/{member}");
    let plain = json!([{
        "role": {"id": member}, "user": {"id": user}, "scope": {"project": {"id": demo}},
        "links": {"assignment": link},
    }]);
    assert_eq!(list(&format!("user.id={user}")).await, plain);
    assert_eq!(list(&format!("scope.project.id={demo}")).await, plain);
    let named = list(&format!("user.id={user}&include_names=True&effective=True&role.id={reader}")).await;
    let domain = json!({"id": "default", "name": "Default"});
    let prior = format!("http://identity.test:5000/v3/prior_role/{member}/implies/{reader}");
    assert_eq!(
        named,
        json!([{
            "role": {"id": reader, "name": "reader"},
            "user": {"id": user, "name": "demo", "domain": domain},
            "scope": {"project": {"id": demo, "name": "demo", "domain": domain}},
            "links": {"assignment": link, "prior_role": prior},
        }])
    );
    assert_eq!(list(&format!("user.id={user}&effective=0&role.id={reader}")).await, json!([]));
    let on_system = list("scope.system=all").await;
    assert_eq!(on_system.as_array().unwrap().len(), 2, "admin and glance: {on_system}");
    assert!(on_system.as_array().unwrap().iter().all(|row| row["scope"] == json!({"system": {"all": true}})));
    assert_eq!(list("group.id=g").await, json!([]));
    cloud
        .get(&format!("/v3/role_assignments?scope.system=all&scope.project.id={demo}"), &admin)
        .await
        .error(400);
}

#[tokio::test]
async fn implied_roles_are_shown_and_changed() {
    let cloud = cloud().await;
    let admin = cloud.admin().await;
    let roles = &cloud.ids.role_ids;
    let rules = cloud.get("/v3/role_inferences", &admin).await.ok(200);
    assert_eq!(rules["role_inferences"].as_array().unwrap().len(), 3);
    let of_admin = cloud.get(&format!("/v3/roles/{}/implies", roles["admin"]), &admin).await.ok(200);
    assert_eq!(column(&of_admin["role_inference"]["implies"], "name"), ["manager"]);

    let created = cloud.post("/v3/roles", &admin, json!({"role": {"name": "auditor"}})).await.ok(201);
    let auditor = created["role"]["id"].as_str().unwrap();
    let (demo, user) = (&cloud.ids.project_ids["demo"], &cloud.ids.user_ids["glance"]);
    let grant = format!("/v3/projects/{demo}/users/{user}/roles/{auditor}");
    cloud.call("PUT", &grant, &admin, Value::Null).await.ok(204);
    let token = cloud.token("glance", project("demo")).await;
    let names = async || column(&cloud.validate(&token, &token).await.ok(200)["token"]["roles"], "name");
    assert_eq!(names().await, ["auditor"]);
    let rule = format!("/v3/roles/{auditor}/implies/{}", roles["reader"]);
    cloud.get(&rule, &admin).await.error(404);
    cloud.call("PUT", &rule, &admin, Value::Null).await.ok(201);
    cloud.call("PUT", &rule, &admin, Value::Null).await.error(409);
    cloud.get(&rule, &admin).await.ok(200);
    assert_eq!(names().await, ["auditor", "reader"]);
    cloud.delete(&rule, &admin).await.ok(204);
    assert_eq!(names().await, ["auditor"]);
    let to_admin = format!("/v3/roles/{auditor}/implies/{}", roles["admin"]);
    cloud.call("PUT", &to_admin, &admin, Value::Null).await.error(403);
    cloud.delete(&format!("/v3/roles/{auditor}"), &admin).await.ok(204);
    cloud.get("/v3/auth/projects", &token).await.error(401);
}

#[tokio::test]
async fn the_roles_of_the_bootstrap_are_immutable() {
    let cloud = cloud().await;
    let admin = cloud.admin().await;
    let path = format!("/v3/roles/{}", cloud.ids.role_ids["member"]);
    assert_eq!(cloud.get(&path, &admin).await.ok(200)["role"]["options"], json!({"immutable": true}));
    let refused = cloud.patch(&path, &admin, json!({"role": {"name": "x"}})).await.error(403);
    assert!(refused.contains("immutable"), "{refused}");
    cloud.delete(&path, &admin).await.error(403);
    cloud.patch(&path, &admin, json!({"role": {"options": {"immutable": false}}})).await.ok(200);
    cloud.delete(&path, &admin).await.ok(204);
}
