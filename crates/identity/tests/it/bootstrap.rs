// SPDX-License-Identifier: Apache-2.0
//! What a cloud starts with, and that starting again changes nothing.

use std::os::unix::fs::PermissionsExt;

use scurry_identity::{BootstrapRegisteredLimit, Identity, IdentityConfig, IdentityError};
use serde_json::{Value, json};

use crate::cloud::{URL, cloud, column, password, project, spec, system};

#[tokio::test]
async fn everything_a_cloud_needs_is_there() {
    let cloud = cloud().await;
    let admin = cloud.token("admin", system()).await;
    let names = async |path: &str, key: &str| column(&cloud.get(path, &admin).await.ok(200)[key], "name");
    assert_eq!(names("/v3/domains", "domains").await, ["Default"]);
    assert_eq!(names("/v3/projects", "projects").await, ["admin", "demo", "other", "service"]);
    assert_eq!(names("/v3/users", "users").await, ["admin", "demo", "glance", "other"]);
    assert_eq!(names("/v3/roles", "roles").await, ["admin", "manager", "member", "reader", "service"]);
    assert_eq!(names("/v3/services", "services").await, ["cinder", "keystone", "glance"]);
    let endpoints = cloud.get("/v3/endpoints", &admin).await.ok(200);
    assert_eq!(endpoints["endpoints"].as_array().unwrap().len(), 9);
    let identity = format!("/v3/endpoints/{}", cloud.ids.endpoint_ids["identity"]);
    let identity = cloud.get(&identity, &admin).await.ok(200);
    assert_eq!(identity["endpoint"]["url"], format!("{URL}/v3"));
    assert_eq!(cloud.ids.default_domain_id, "default");
    cloud.token("glance", project("service")).await;
}

#[tokio::test]
async fn starting_again_changes_nothing() {
    let cloud = cloud().await;
    let admin = cloud.admin().await;
    let path = format!("/v3/users/{}/password", cloud.ids.user_ids["demo"]);
    let change = json!({"user": {"original_password": "demo-password", "password": "mine"}});
    cloud.post(&path, "", change).await.ok(204);
    let limits = cloud.get("/v3/registered_limits", &admin).await.ok(200);
    let limit = format!("/v3/registered_limits/{}", limits["registered_limits"][0]["id"].as_str().unwrap());
    cloud.patch(&limit, &admin, json!({"registered_limit": {"default_limit": 7}})).await.ok(200);

    let again = cloud.reopened(std::time::Duration::from_secs(60)).await;
    assert_eq!(again.bootstrap(&spec()).await.unwrap(), cloud.ids);
    cloud.get("/v3/auth/projects", &admin).await.ok(200);
    cloud.post("/v3/auth/tokens", "", password("demo", "demo-password", Value::Null)).await.error(401);
    cloud.post("/v3/auth/tokens", "", password("demo", "mine", project("demo"))).await.ok(201);
    assert_eq!(cloud.get(&limit, &admin).await.ok(200)["registered_limit"]["default_limit"], 7);
    let assignments = cloud.get("/v3/role_assignments", &admin).await.ok(200);
    assert_eq!(assignments["role_assignments"].as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn endpoints_follow_services_that_moved() {
    let cloud = cloud().await;
    let mut moved = spec();
    moved.endpoints[0].url = "http://image.test:19292".into();
    assert_eq!(cloud.identity.bootstrap(&moved).await.unwrap(), cloud.ids);
    let admin = cloud.admin().await;
    let path = format!("/v3/endpoints?service_id={}", cloud.ids.service_ids["image"]);
    let urls = column(&cloud.get(&path, &admin).await.ok(200)["endpoints"], "url");
    assert_eq!(urls, ["http://image.test:19292"; 3]);
}

#[tokio::test]
async fn a_bootstrap_that_fails_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("identity.db");
    let identity = Identity::open(IdentityConfig::new(&path, URL)).await.unwrap();
    let mut wrong = spec();
    wrong.users[0].roles.push("wizard".into());
    let error = identity.bootstrap(&wrong).await.unwrap_err();
    assert!(
        matches!(&error, IdentityError::UnknownRole { user, role } if user == "glance" && role == "wizard")
    );
    let mut wrong = spec();
    wrong.registered_limits.push(BootstrapRegisteredLimit {
        service_type: "compute".into(),
        resource_name: "servers".into(),
        default_limit: 1,
    });
    assert!(matches!(identity.bootstrap(&wrong).await.unwrap_err(), IdentityError::UnknownService { .. }));
    // Had the failed ones left the users behind, these passwords would not count.
    let mut good = spec();
    good.admin_password = "another".into();
    identity.bootstrap(&good).await.unwrap();
    let body = password("admin", "another", system()).to_string();
    let request = axum::http::Request::post("/v3/auth/tokens").body(axum::body::Body::from(body)).unwrap();
    crate::cloud::send(&identity, request).await.ok(201);
}

#[tokio::test]
async fn the_database_is_for_its_owner_only_and_holds_no_secret() {
    let cloud = cloud().await;
    let token = cloud.admin().await;
    for file in std::fs::read_dir(cloud.directory.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{}", file.path().display());
        let bytes = std::fs::read(file.path()).unwrap();
        for secret in [token.as_str(), "admin-password", "demo-password"] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{} holds {secret}", file.path().display());
        }
    }
    let shown = format!("{:?} {:?}", spec(), cloud.identity);
    assert!(!shown.contains("-password"), "{shown}");
}

#[tokio::test]
async fn what_cannot_be_opened_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("no-such-directory/identity.db");
    let error = Identity::open(IdentityConfig::new(&missing, URL)).await.unwrap_err();
    assert!(error.to_string().contains("no-such-directory/identity.db"), "{error}");
    let damaged = directory.path().join("damaged.db");
    std::fs::write(&damaged, "this is no database, and long enough to be taken for one: ".repeat(100))
        .unwrap();
    let error = Identity::open(IdentityConfig::new(&damaged, URL)).await.unwrap_err();
    assert!(error.to_string().contains("damaged.db"), "{error}");
    let config = IdentityConfig::new(directory.path().join("x.db"), "identity.test:5000");
    assert!(matches!(Identity::open(config).await.unwrap_err(), IdentityError::PublicUrl { .. }));
}
