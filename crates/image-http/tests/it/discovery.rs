// SPDX-License-Identifier: Apache-2.0
//! Versions, health, schemas and what a deployment can do.

use insta::assert_json_snapshot;
use serde_json::json;

use crate::support::TestApi;

#[tokio::test]
async fn versions_are_listed_to_everybody() {
    let api = TestApi::new().await;
    let list = api.get("-", "/versions").await;
    assert_eq!(list.status, 200);
    assert_json_snapshot!("versions", list.json());
    for path in ["/", "/v1/images", "/v2.99/images", "/nothing"] {
        let choices = api.get("-", path).await;
        assert_eq!(choices.status, 300, "{path}");
        assert_eq!(choices.json(), list.json());
    }
}

#[tokio::test]
async fn every_prefix_leads_to_the_same_images() {
    let api = TestApi::new().await;
    for prefix in ["/v2", "/v2.0", "/v2.7", "/v2.9", "/v2.13", "/v2.17", "//v2"] {
        let answer = api.get("alice", &format!("{prefix}/images")).await;
        assert_eq!(answer.status, 200, "{prefix}");
        assert_eq!(answer.json()["first"], "/v2/images");
    }
    let vendor = api.call("alice", "GET", "/images?limit=3");
    let vendor = vendor.header("accept", "application/vnd.openstack.images-v2.9").send().await;
    assert_eq!(vendor.json()["first"], "/v2/images?limit=3");
}

#[tokio::test]
async fn the_bare_prefix_is_redirected_to_nothing() {
    let api = TestApi::new().await;
    let answer = api.get("alice", "/v2").await;
    assert_eq!((answer.status, answer.header("location")), (302, Some("http://images.test/v2/")));
    assert_eq!(api.get("alice", "/v2/").await.status, 404);
}

#[tokio::test]
async fn the_api_describes_itself_to_everybody() {
    let api = TestApi::new().await;
    let answer = api.get("-", "/openapi.json").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert!(answer.json() == scurry_image_http::openapi());
    assert_eq!(api.call("-", "POST", "/openapi.json").send().await.status, 405);
    let vendor = TestApi::with(|options| {
        options.http.custom_schema.properties.insert("vendor".into(), json!({"type": "string"}));
    })
    .await;
    let own = vendor.get("-", "/openapi.json").await.json();
    assert_eq!(own["components"]["schemas"]["image"]["properties"]["vendor"]["type"], "string");
}

#[tokio::test]
async fn schemas_are_complete() {
    let api = TestApi::new().await;
    for name in ["image", "images", "member", "members", "task", "tasks"] {
        let answer = api.get("alice", &format!("/v2/schemas/{name}")).await;
        assert_eq!(answer.status, 200, "{name}");
        assert_json_snapshot!(format!("schema_{name}"), answer.json());
    }
    assert_eq!(api.get("alice", "/v2/schemas/nothing").await.status, 404);
    assert_eq!(api.get("alice", "/v2/schemas/metadefs/nothing").await.status, 404);
}

#[tokio::test]
async fn an_operators_properties_join_the_schema() {
    let api = TestApi::with(|options| {
        let vendor = json!({"type": "string", "enum": ["a", "b"]});
        options.http.custom_schema.properties.insert("vendor".into(), vendor);
    })
    .await;
    let schema = api.get("alice", "/v2/schemas/image").await.json();
    assert_eq!(
        schema["properties"]["vendor"],
        json!({"type": "string", "enum": ["a", "b"], "is_base": false})
    );
    let refused = api.call("alice", "POST", "/v2/images").json(&json!({"vendor": "c"})).await;
    refused.refuses(400, "'c' is not one of ['a', 'b'] (property vendor)");
}

#[tokio::test]
async fn stores_are_shown_to_all_and_their_details_to_few() {
    let api = TestApi::new().await;
    let stores = api.get("alice", "/v2/info/stores").await;
    assert_json_snapshot!("info_stores", stores.json());
    let detail = api.get("service", "/v2/info/stores/detail").await;
    assert_json_snapshot!("info_stores_detail", detail.json());
    api.get("alice", "/v2/info/stores/detail").await.refuses(403, "stores_info_detail");
}

#[tokio::test]
async fn import_methods_and_usage() {
    let api = TestApi::new().await;
    assert_json_snapshot!("info_import", api.get("alice", "/v2/info/import").await.json());
    assert_eq!(api.get("alice", "/v2/info/usage").await.json(), json!({"usage": {}}));
}
