// SPDX-License-Identifier: Apache-2.0
//! Property protections and the operator's part of the image schema.

use std::sync::Arc;

use scurry_auth::policy::{Policy, PropertyProtections, RuleFormat, glance};
use scurry_image_http::CustomSchema;
use serde_json::{Value, json};

use crate::support::TestApi;

const ROLES: &str = "\
[^x_admin_]
create = admin
read = admin
update = admin
delete = admin
[^x_seen_]
create = admin
read = @
update = !
delete = admin
[^x_once_]
create = member
read = member
update = !
delete = !
[^x_blind_]
create = member
read = admin
update = admin
delete = admin
[^plain]
create = @
read = @
update = @
delete = @
";

async fn protected(text: &str, format: RuleFormat) -> TestApi {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("protections.conf");
    std::fs::write(&path, text).unwrap();
    let policy = Policy::new(glance::DEFAULTS).unwrap();
    let rules = PropertyProtections::load(&path, format, &policy).unwrap();
    TestApi::with(|options| options.http.property_protections = Some(Arc::new(rules))).await
}

/// A public image of the administrator with a property of each kind.
async fn image(api: &TestApi) -> String {
    let body = json!({"visibility": "public", "x_admin_a": "1", "x_seen_a": "2", "plain": "3"});
    api.create("admin", body).await
}

#[tokio::test]
async fn what_may_not_be_read_is_not_shown() {
    let api = protected(ROLES, RuleFormat::Roles).await;
    let id = image(&api).await;
    let seen = api.get("alice", &format!("/v2/images/{id}")).await.json();
    assert_eq!((&seen["x_seen_a"], &seen["plain"]), (&json!("2"), &json!("3")));
    assert!(seen.get("x_admin_a").is_none(), "{seen}");
    let listed = api.get("alice", "/v2/images").await.json();
    assert!(
        listed["images"][0].get("x_admin_a").is_none() && listed["images"][0]["plain"] == "3",
        "{listed}"
    );
    assert_eq!(api.get("admin", &format!("/v2/images/{id}")).await.json()["x_admin_a"], "1");
}

#[tokio::test]
async fn a_filter_does_not_tell_what_may_not_be_read() {
    let api = protected(ROLES, RuleFormat::Roles).await;
    let id = image(&api).await;
    let found = |user: &'static str, query: &'static str| {
        let api = &api;
        async move {
            let list = api.get(user, &format!("/v2/images?{query}")).await.json();
            list["images"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect::<Vec<_>>()
        }
    };
    assert_eq!(found("admin", "x_admin_a=1").await, [json!(id)]);
    assert_eq!(found("alice", "x_seen_a=2").await, [json!(id)]);
    assert!(found("alice", "x_admin_a=1").await.is_empty());
}

#[tokio::test]
async fn what_may_not_be_created_is_reserved() {
    let api = protected(ROLES, RuleFormat::Roles).await;
    let call = async |body: Value| api.call("alice", "POST", "/v2/images").json(&body).await;
    call(json!({"x_seen_a": "1"})).await.refuses(403, "Attribute 'x_seen_a' is reserved.");
    // No section is about it.
    call(json!({"unheard_of": "1"})).await.refuses(403, "Attribute 'unheard_of' is reserved.");
    let made = call(json!({"plain": "1", "x_once_a": "2", "x_blind_a": "3"})).await;
    assert_eq!(made.status, 201, "{}", made.text());
    assert_eq!(made.json()["x_once_a"], "2");
    assert!(made.json().get("x_blind_a").is_none(), "{}", made.text());
}

#[tokio::test]
async fn patches_keep_to_the_rights() {
    let api = protected(ROLES, RuleFormat::Roles).await;
    let id = api.create("alice", json!({"plain": "1", "x_once_a": "2", "x_blind_a": "3"})).await;
    let ops = json!([{"op": "add", "path": "/x_admin_a", "value": "4"}, {"op": "add", "path": "/x_seen_a", "value": "5"}]);
    assert_eq!(api.patch("admin", &id, ops).await.status, 200);
    let op = |op: &str, name: &str| json!([{"op": op, "path": format!("/{name}"), "value": "9"}]);
    let reserved = |name: &str| format!("Attribute '{name}' is reserved.");
    for (verb, name) in
        [("replace", "x_once_a"), ("add", "x_once_a"), ("remove", "x_once_a"), ("remove", "x_seen_a")]
    {
        api.patch("alice", &id, op(verb, name)).await.refuses(403, &reserved(name));
    }
    // What cannot be read is not there, and cannot be written over either.
    for verb in ["replace", "remove"] {
        let answer = api.patch("alice", &id, op(verb, "x_admin_a")).await;
        answer.refuses(409, "Property x_admin_a does not exist.");
    }
    api.patch("alice", &id, op("add", "x_blind_a")).await.refuses(403, &reserved("x_blind_a"));
    api.patch("alice", &id, op("add", "x_admin_b")).await.refuses(403, &reserved("x_admin_b"));
    let changed = api.patch("alice", &id, op("replace", "plain")).await;
    assert_eq!(changed.json()["plain"], "9");
    assert!(changed.json().get("x_admin_a").is_none(), "{}", changed.text());
    // A change by somebody who does not see a property leaves it where it is.
    let whole = api.get("admin", &format!("/v2/images/{id}")).await.json();
    assert_eq!(
        (&whole["x_admin_a"], &whole["x_blind_a"], &whole["x_once_a"]),
        (&json!("4"), &json!("3"), &json!("2"))
    );
}

#[tokio::test]
async fn rules_of_the_policy_protect_too() {
    let text = "[.*]\ncreate = context_is_admin\nread = @\nupdate = context_is_admin\ndelete = !\n";
    let api = protected(text, RuleFormat::Policies).await;
    let id = api.create("admin", json!({"visibility": "public", "a": "1"})).await;
    assert_eq!(api.get("bob", &format!("/v2/images/{id}")).await.json()["a"], "1");
    let remove = json!([{"op": "remove", "path": "/a"}]);
    api.patch("admin", &id, remove).await.refuses(403, "Attribute 'a' is reserved.");
    let call = api.call("bob", "POST", "/v2/images").json(&json!({"a": "1"})).await;
    call.refuses(403, "Attribute 'a' is reserved.");
}

#[tokio::test]
async fn declared_properties_have_types_and_may_be_required() {
    let document = json!({
        "properties": {
            "vendor": {"type": "string", "enum": ["acme", "initech"]},
            "cores": {"type": "integer"},
            "kernel_id": {"type": ["null", "string"], "pattern": "^k-"},
        },
        "required": ["vendor"],
    });
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("schema-image.json");
    std::fs::write(&path, document.to_string()).unwrap();
    let api = TestApi::with(|options| options.http.custom_schema = CustomSchema::load(&path).unwrap()).await;
    let schema = api.get("alice", "/v2/schemas/image").await.json();
    assert_eq!(schema["required"], json!(["vendor"]));
    assert_eq!(schema["properties"]["cores"], json!({"type": "integer", "is_base": false}));

    let create = async |body: Value| api.call("alice", "POST", "/v2/images").json(&body).await;
    let wrong = "Provided object does not match schema 'image': ";
    create(json!({})).await.refuses(400, &format!("{wrong}'vendor' is a required property"));
    create(json!({"vendor": "hooli"}))
        .await
        .refuses(400, &format!("{wrong}'hooli' is not one of ['acme', 'initech']"));
    create(json!({"vendor": "acme", "cores": "4"}))
        .await
        .refuses(400, &format!("{wrong}'4' is not of type 'integer'"));
    create(json!({"vendor": "acme", "kernel_id": "x"})).await.refuses(400, "does not match '^k-'");
    let made = create(json!({"vendor": "acme", "cores": 4, "kernel_id": null})).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let shown = api.get("alice", &format!("/v2/images/{id}")).await.json();
    assert_eq!((&shown["cores"], &shown["kernel_id"]), (&json!(4), &json!(null)));
    assert!(shown.as_object().unwrap().contains_key("kernel_id"));

    let cores = |value| json!([{"op": "replace", "path": "/cores", "value": value}]);
    api.patch("alice", &id, cores(json!("x"))).await.refuses(400, "is not of type 'integer'");
    assert_eq!(api.patch("alice", &id, cores(json!(8))).await.json()["cores"], 8);
    let remove = json!([{"op": "remove", "path": "/vendor"}]);
    api.patch("alice", &id, remove).await.refuses(400, "'vendor' is a required property");
}
