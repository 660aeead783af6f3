// SPDX-License-Identifier: Apache-2.0
//! Bodies of metadata definitions that are refused.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::TestApi;

const NAMESPACES: &str = "/v2/metadefs/namespaces";

fn long() -> String {
    "x".repeat(81)
}

/// Refused by `POST` and `PUT` alike.
#[rstest]
#[case(json!({}), 400, "'namespace' is a required property")]
#[case(json!([]), 400, "does not match schema 'namespace': an object is expected")]
#[case(json!({"namespace": 5}), 400, "5 is not of type 'string'")]
#[case(json!({"namespace": ""}), 400, "Attribute 'namespace' can't be empty.")]
#[case(json!({"namespace": long()}), 400, "is too long")]
#[case(json!({"namespace": "n", "zz": 1}), 400, "Additional properties are not allowed ('zz' was unexpected)")]
#[case(json!({"namespace": "n", "self": "x"}), 403, "Attribute 'self' is read-only.")]
#[case(json!({"namespace": "n", "schema": "x"}), 403, "Attribute 'schema' is read-only.")]
#[case(json!({"namespace": "n", "created_at": "x"}), 403, "Attribute 'created_at' is read-only.")]
#[case(json!({"namespace": "n", "visibility": "shared"}), 400, "'shared' is not one of ['public', 'private']")]
#[case(json!({"namespace": "n", "protected": "yes"}), 400, "'yes' is not of type 'boolean'")]
#[case(json!({"namespace": "n", "owner": null}), 400, "None is not of type 'string'")]
#[case(json!({"namespace": "n", "description": "d".repeat(501)}), 400, "is too long")]
#[case(json!({"namespace": "n\u{1f600}"}), 400, "Namespace can't contain 4 byte unicode characters.")]
#[case(json!({"namespace": "n", "tags": [{"name": "\u{1f600}"}]}), 400, "Name can't contain 4 byte unicode")]
#[case(json!({"namespace": "n", "properties": {"p": {}}}), 400, "'title' is a required property")]
#[case(json!({"namespace": "n", "properties": {"p": {"title": "T", "type": "zz"}}}), 400, "'zz' is not one of")]
#[case(json!({"namespace": "n", "properties": {"p": {"title": "T", "type": "string", "zz": 1}}}), 400, "('zz' was unexpected)")]
#[case(json!({"namespace": "n", "properties": {"p": {"title": "T", "type": "string", "enum": [1]}}}), 400, "1 is not of type 'string'")]
#[case(json!({"namespace": "n", "properties": {"p": {"title": "T", "type": "string", "required": ["a"]}}}), 400, "('required' was unexpected)")]
#[case(json!({"namespace": "n", "properties": {long(): {"title": "T", "type": "string"}}}), 400, "is too long")]
#[case(json!({"namespace": "n", "properties": {"": {"title": "T", "type": "string"}}}), 400, "'' is too short")]
#[case(json!({"namespace": "n", "objects": [{}]}), 400, "schema 'object': 'name' is a required property")]
#[case(json!({"namespace": "n", "objects": [{"name": "o", "required": ["a", "a"]}]}), 400, "['a', 'a'] has non-unique elements")]
#[case(json!({"namespace": "n", "tags": [{}]}), 400, "schema 'tag': 'name' is a required property")]
#[case(json!({"namespace": "n", "tags": [{"name": long()}]}), 400, "is too long")]
#[case(json!({"namespace": "n", "resource_type_associations": [{}]}), 400, "'name' is a required property")]
#[case(json!({"namespace": "n", "resource_type_associations": [{"name": "r", "zz": 1}]}), 400, "('zz' was unexpected)")]
#[tokio::test]
async fn namespaces(#[case] body: Value, #[case] status: u16, #[case] text: &str) {
    let api = TestApi::new().await;
    api.call("admin", "POST", NAMESPACES).json(&body).await.refuses(status, text);
    api.get("admin", &format!("{NAMESPACES}/n")).await.refuses(404, "was not found");
    api.call("admin", "POST", NAMESPACES).json(&json!({"namespace": "old"})).await;
    api.call("admin", "PUT", &format!("{NAMESPACES}/old")).json(&body).await.refuses(status, text);
    assert_eq!(api.get("admin", &format!("{NAMESPACES}/old")).await.status, 200);
}

/// Refused by `POST` to the list and, but for duplicates, by `PUT`.
#[rstest]
#[case("objects", json!({}), 400, "'name' is a required property")]
#[case("objects", json!([1]), 400, "schema 'object': an object is expected")]
#[case("objects", json!({"name": ""}), 400, "Attribute 'name' can't be empty.")]
#[case("objects", json!({"name": long()}), 400, "is too long")]
#[case("objects", json!({"name": "a", "self": "x"}), 403, "Attribute 'self' is read-only.")]
#[case("objects", json!({"name": "a", "zz": 1}), 400, "('zz' was unexpected)")]
#[case("objects", json!({"name": "a", "required": ["a,b"]}), 400, "can't contain commas")]
#[case("objects", json!({"name": "a", "properties": {"p": {"title": "T"}}}), 400, "'type' is a required property")]
#[case("objects", json!({"name": "a", "properties": {"p": {"title": "T", "type": "string", "zz": 1}}}), 400, "schema 'property'")]
#[case("properties", json!({"title": "T", "type": "string"}), 400, "'name' is a required property")]
#[case("properties", json!({"name": "a", "type": "string"}), 400, "'title' is a required property")]
#[case("properties", json!({"name": "a", "title": "T", "type": null}), 400, "None is not of type 'string'")]
#[case("properties", json!({"name": "a", "title": "T", "type": "string", "updated_at": 1}), 403, "Attribute 'updated_at' is read-only.")]
#[case("properties", json!({"name": "a", "title": "T", "type": "string", "maxLength": -1}), 400, "-1 is less than the minimum of 0")]
#[case("properties", json!({"name": "a", "title": "T", "type": "string", "required": ["x"]}), 400, "('required' was unexpected)")]
#[case("properties", json!({"name": "a", "title": "T", "type": "string", "required": []}), 400, "[] should be non-empty")]
#[case("properties", json!({"name": "a", "title": "T", "type": "string", "confidential": true}), 400, "('confidential' was unexpected)")]
#[case("properties", json!({"name": "a", "title": "T", "type": "array", "items": {"enum": ["x"]}}), 400, "'type' is a required property")]
#[case("tags", json!({}), 400, "is a required property")]
#[case("tags", json!({"name": "a", "created_at": "x"}), 403, "Attribute 'created_at' is read-only.")]
#[case("tags", json!([]), 400, "an object is expected")]
#[case("resource_types", json!({}), 400, "'name' is a required property")]
#[case("resource_types", json!({"name": long()}), 400, "is too long")]
#[case("resource_types", json!({"name": ""}), 400, "can't be empty")]
#[case("resource_types", json!({"name": "a", "created_at": "x"}), 403, "Attribute 'created_at' is read-only.")]
#[tokio::test]
async fn contents(#[case] part: &str, #[case] body: Value, #[case] status: u16, #[case] text: &str) {
    let api = TestApi::new().await;
    let old = json!({"namespace": "n", "objects": [{"name": "old"}], "tags": [{"name": "old"}],
                     "properties": {"old": {"title": "T", "type": "string"}}});
    assert_eq!(api.call("admin", "POST", NAMESPACES).json(&old).await.status, 201);
    let list = format!("{NAMESPACES}/n/{part}");
    api.call("admin", "POST", &list).json(&body).await.refuses(status, text);
    if part != "resource_types" {
        api.call("admin", "PUT", &format!("{list}/old")).json(&body).await.refuses(status, text);
        assert_eq!(api.get("admin", &format!("{list}/old")).await.status, 200);
    }
}

#[rstest]
#[case(json!({"tags": [{}]}), "'name' is a required property")]
#[case(json!({"tags": [{"name": "t", "x": 1}]}), "('x' was unexpected)")]
#[case(json!({"tags": [{"name": "t"}], "zz": 1}), "('zz' was unexpected)")]
#[case(json!({"tags": [{"name": long()}]}), "is too long")]
#[case(json!({"tags": [{"name": ""}]}), "can't be empty")]
#[tokio::test]
async fn lists_of_tags(#[case] body: Value, #[case] text: &str) {
    let api = TestApi::new().await;
    api.call("admin", "POST", NAMESPACES).json(&json!({"namespace": "n"})).await;
    api.call("admin", "POST", &format!("{NAMESPACES}/n/tags")).json(&body).await.refuses(400, text);
}

#[tokio::test]
async fn bodies_where_none_is_expected() {
    let api = TestApi::new().await;
    api.call("admin", "POST", NAMESPACES).json(&json!({"namespace": "n", "objects": [{"name": "o"}]})).await;
    for (method, path) in [
        ("GET", ""),
        ("DELETE", ""),
        ("DELETE", "/objects"),
        ("DELETE", "/objects/o"),
        ("GET", "/properties"),
        ("DELETE", "/properties"),
        ("POST", "/tags/t"),
        ("DELETE", "/tags"),
        ("GET", "/resource_types"),
        ("DELETE", "/resource_types/r"),
    ] {
        let answer = api.call("admin", method, &format!("{NAMESPACES}/n{path}")).text("{}").await;
        answer.refuses(400, "A body is not expected with this request.");
    }
    // Glance's paged lists do not look at bodies.
    for path in ["", "/n/objects", "/n/tags"] {
        let answer = api.call("admin", "GET", &format!("{NAMESPACES}{path}")).text("{}").await;
        assert_eq!(answer.status, 200, "{path}");
    }
    assert_eq!(api.get("admin", &format!("{NAMESPACES}/n/objects/o")).await.status, 200);
    api.call("admin", "POST", NAMESPACES).send().await.refuses(400, "Body expected in request.");
    api.call("admin", "POST", NAMESPACES).text("{").await.refuses(400, "Malformed JSON in request body.");
}

#[rstest]
#[case("PUT", "", "GET, POST")]
#[case("HEAD", "", "GET, POST")]
#[case("POST", "/n", "GET, PUT, DELETE")]
#[case("PUT", "/n/objects", "GET, POST, DELETE")]
#[case("PATCH", "/n/tags/t", "GET, POST, PUT, DELETE")]
#[case("DELETE", "/n/resource_types", "GET, POST")]
#[case("GET", "/n/resource_types/r", "DELETE")]
#[tokio::test]
async fn verbs_there_are_not(#[case] method: &str, #[case] path: &str, #[case] allow: &str) {
    let api = TestApi::new().await;
    let answer = api.call("admin", method, &format!("{NAMESPACES}{path}")).send().await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some(allow)));
}
