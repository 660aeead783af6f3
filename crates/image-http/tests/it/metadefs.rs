// SPDX-License-Identifier: Apache-2.0
//! Metadata definitions: what a namespace and its contents go through.

use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::support::TestApi;

const NAMESPACES: &str = "/v2/metadefs/namespaces";

fn full() -> Value {
    json!({
        "namespace": "full", "display_name": "Full", "description": "d", "visibility": "public", "protected": true,
        "objects": [{
            "name": "o1", "description": "od", "required": ["p1"],
            "properties": {
                "p1": {"title": "T", "type": "integer", "minimum": 1, "default": 3},
                "p2": {"title": "T", "type": "string"},
            },
        }],
        "properties": {"q1": {"title": "Q", "type": "array", "items": {"type": "string", "enum": ["a"]}}},
        "tags": [{"name": "t1"}, {"name": "t2"}],
        "resource_type_associations": [{"name": "OS::Glance::Image", "prefix": "hw_"}, {"name": "RT2"}],
    })
}

async fn with_full() -> TestApi {
    let api = TestApi::new().await;
    let answer = api.call("admin", "POST", NAMESPACES).json(&full()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    api
}

/// The same JSON without times.
fn timeless(mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) => {
            fields.retain(|name, _| name != "created_at" && name != "updated_at");
            fields.values_mut().for_each(|field| *field = timeless(field.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = timeless(item.take())),
        _ => {}
    }
    value
}

#[tokio::test]
async fn a_namespace_is_made_with_all_it_holds() {
    let api = TestApi::new().await;
    let made = api.call("admin", "POST", NAMESPACES).json(&full()).await;
    assert_eq!(
        (made.status, made.header("location")),
        (201, Some("http://images.test/v2/metadefs/namespaces/full"))
    );
    assert_json_snapshot!("metadef_created", timeless(made.json()));
    let shown = api.get("alice", &format!("{NAMESPACES}/full")).await.json();
    assert!(shown["objects"][0]["created_at"].as_str().unwrap().ends_with('Z'));
    assert_json_snapshot!("metadef_namespace", timeless(shown));
    let prefixed = api.get("alice", &format!("{NAMESPACES}/full?resource_type=OS::Glance::Image")).await;
    let prefixed = prefixed.json();
    assert_eq!(prefixed["objects"][0]["required"], json!(["hw_p1"]));
    assert!(prefixed["objects"][0]["properties"].get("hw_p2").is_some());
    assert!(prefixed["properties"].get("hw_q1").is_some());
    let unknown = api.get("alice", &format!("{NAMESPACES}/full?resource_type=zz")).await.json();
    assert!(unknown["properties"].get("q1").is_some());
    let again = api.call("admin", "POST", NAMESPACES).json(&full()).await;
    again.refuses(409, "The metadata definition namespace=full already exists.");
}

#[tokio::test]
async fn a_namespace_that_cannot_be_made_whole_is_not_made() {
    let api = TestApi::new().await;
    for (part, items, text) in [
        ("objects", json!([{"name": "o"}, {"name": "o"}]), "definition object with name=o already exists"),
        ("tags", json!([{"name": "t"}, {"name": "t"}]), "A metadata tag with name=t already exists"),
        (
            "resource_type_associations",
            json!([{"name": "r"}, {"name": "r"}]),
            "resource-type=r to namespace=x already exists.",
        ),
    ] {
        let mut body = json!({"namespace": "x", "properties": {"p": {"title": "T", "type": "string"}}});
        body[part] = items;
        api.call("admin", "POST", NAMESPACES).json(&body).await.refuses(409, text);
        api.get("admin", &format!("{NAMESPACES}/x"))
            .await
            .refuses(404, "Metadata definition namespace=x was not found.");
    }
    assert_eq!(api.get("admin", "/v2/metadefs/resource_types").await.json()["resource_types"], json!([]));
}

#[tokio::test]
async fn a_namespace_is_rewritten_and_renamed() {
    let api = with_full().await;
    api.call("admin", "POST", NAMESPACES).json(&json!({"namespace": "other", "owner": "bob"})).await;
    let path = format!("{NAMESPACES}/other");
    let taken = api.call("admin", "PUT", &path).json(&json!({"namespace": "full"})).await;
    taken.refuses(409, "duplicate metadata definition namespace with the same name of full");
    api.call("admin", "POST", &format!("{path}/tags/t")).send().await;
    let body =
        json!({"namespace": "new", "display_name": "N", "visibility": "public", "objects": [{"name": "o"}]});
    let renamed = api.call("admin", "PUT", &path).json(&body).await;
    assert_eq!(renamed.status, 200, "{}", renamed.text());
    let renamed = renamed.json();
    // What is not said is as in a new namespace, its owner too; what it holds is not touched.
    assert_eq!(
        (&renamed["namespace"], &renamed["owner"], &renamed["self"], renamed.get("objects")),
        (&json!("new"), &json!("admins"), &json!("/v2/metadefs/namespaces/new"), None)
    );
    assert_eq!(api.get("admin", &path).await.status, 404);
    let tags = api.get("alice", &format!("{NAMESPACES}/new/tags")).await.json();
    assert_eq!(tags, json!({"tags": [{"name": "t"}]}));
    let missing = api.call("admin", "PUT", &path).json(&body).await;
    missing.refuses(404, "Namespace other not found");
}

#[tokio::test]
async fn what_is_protected_cannot_be_deleted() {
    let api = with_full().await;
    for (path, text) in [
        ("", "namespace full"),
        ("/objects", "namespace full"),
        ("/properties", "namespace full"),
        ("/tags", "namespace full"),
        ("/objects/o1", "object o1"),
        ("/properties/q1", "property q1"),
        ("/tags/t1", "tag t1"),
        ("/resource_types/RT2", "resource-type-association RT2"),
    ] {
        let answer = api.call("admin", "DELETE", &format!("{NAMESPACES}/full{path}")).send().await;
        answer.refuses(403, &format!("Metadata definition {text} is protected and cannot be deleted."));
    }
    let free = json!({"namespace": "full", "protected": false});
    assert_eq!(api.call("admin", "PUT", &format!("{NAMESPACES}/full")).json(&free).await.status, 200);
    assert_eq!(api.call("admin", "DELETE", &format!("{NAMESPACES}/full")).send().await.status, 204);
    // Nothing of it is left behind to meet a namespace of the same name; resource types stay.
    let again = api.call("admin", "POST", NAMESPACES).json(&full()).await;
    assert_eq!(again.status, 201, "{}", again.text());
    let types = api.get("alice", "/v2/metadefs/resource_types").await.json();
    assert_eq!(timeless(types), json!({"resource_types": [{"name": "OS::Glance::Image"}, {"name": "RT2"}]}));
}

#[tokio::test]
async fn objects_come_and_go() {
    let api = TestApi::new().await;
    api.call("admin", "POST", NAMESPACES).json(&json!({"namespace": "n"})).await;
    let objects = format!("{NAMESPACES}/n/objects");
    let new = json!({"name": "a", "properties": {"p": {"title": "T", "type": "string"}}, "required": ["p"]});
    let made = api.call("admin", "POST", &objects).json(&new).await;
    assert_eq!(made.status, 201, "{}", made.text());
    assert_eq!(made.json()["self"], "/v2/metadefs/namespaces/n/objects/a");
    let twice = api.call("admin", "POST", &objects).json(&new).await;
    twice.refuses(409, "A metadata definition object with name=a already exists in namespace=n.");
    let bare = api.call("admin", "POST", &objects).json(&json!({"name": "b"})).await.json();
    assert_eq!((bare.get("properties"), bare.get("required")), (None, None));
    let shown = api.get("admin", &format!("{objects}/b")).await.json();
    assert_eq!((&shown["properties"], &shown["required"]), (&json!({}), &json!([])));
    let taken = api.call("admin", "PUT", &format!("{objects}/a")).json(&json!({"name": "b"})).await;
    taken.refuses(409, "duplicate metadata definition object with the same name=b in namespace=n.");
    let renamed = api.call("admin", "PUT", &format!("{objects}/a")).json(&json!({"name": "c"})).await;
    assert_eq!((renamed.status, &renamed.json()["name"]), (200, &json!("c")));
    let missing = api.call("admin", "PUT", &format!("{objects}/a")).json(&json!({"name": "c"})).await;
    missing.refuses(404, "Could not find metadata object a");
    assert_eq!(api.call("admin", "DELETE", &format!("{objects}/c")).send().await.status, 204);
    api.get("admin", &format!("{objects}/c")).await.refuses(404, "Could not find metadata object c");
    assert_eq!(api.call("admin", "DELETE", &objects).send().await.status, 204);
    assert_eq!(
        api.get("admin", &objects).await.json(),
        json!({"objects": [], "schema": "v2/schemas/metadefs/objects"})
    );
}

#[tokio::test]
async fn properties_are_named_with_and_without_prefix() {
    let api = with_full().await;
    let properties = format!("{NAMESPACES}/full/properties");
    let image = "?resource_type=OS::Glance::Image";
    let found = api.get("alice", &format!("{properties}/hw_q1{image}")).await.json();
    assert_eq!((&found["name"], &found["title"]), (&json!("q1"), &json!("Q")));
    for (path, text) in [
        ("q1?resource_type=OS::Glance::Image", "expected resource type association prefix of 'hw_'."),
        ("q1?resource_type=RT2", "expected resource type association prefix of 'None'."),
        ("q1?resource_type=zz", "resource-type with name=zz, was not found."),
        ("zz", "Could not find property zz"),
    ] {
        api.get("alice", &format!("{properties}/{path}")).await.refuses(404, text);
    }
    assert_eq!(api.get("alice", &format!("{properties}/q1?other=1")).await.status, 200);
    let new = json!({"name": "b", "title": "B", "type": "boolean", "default": true});
    let made = api.call("admin", "POST", &properties).json(&new).await;
    assert_eq!(
        (made.status, made.json()),
        (201, json!({"name": "b", "title": "B", "type": "boolean", "default": "True"}))
    );
    let twice = api.call("admin", "POST", &properties).json(&new).await;
    twice.refuses(409, "A metadata definition property with name=b already exists in namespace=full.");
    let other = json!({"name": "q1", "title": "B", "type": "string"});
    let taken = api.call("admin", "PUT", &format!("{properties}/b")).json(&other).await;
    taken.refuses(409, "duplicate metadata definition property with the same name=q1 in namespace=full.");
    let moved = json!({"name": "c", "title": "C", "type": "string"});
    assert_eq!(api.call("admin", "PUT", &format!("{properties}/b")).json(&moved).await.status, 200);
    let all = api.get("alice", &properties).await.json();
    let names: Vec<_> = all["properties"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["q1", "c"]);
    assert_eq!(all["properties"]["c"], moved);
}

#[tokio::test]
async fn tags_are_replaced_or_appended() {
    let api = TestApi::new().await;
    api.call("admin", "POST", NAMESPACES).json(&json!({"namespace": "n"})).await;
    let tags = format!("{NAMESPACES}/n/tags");
    let post = async |names: &[&str], append: &str| {
        let body = json!({"tags": names.iter().map(|name| json!({"name": name})).collect::<Vec<_>>()});
        api.call("admin", "POST", &tags).header("x-openstack-append", append).json(&body).await
    };
    let all = async || {
        let tags = api.get("admin", &tags).await.json()["tags"].clone();
        let names: Vec<_> =
            tags.as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap().to_owned()).collect();
        names.join(" ")
    };
    assert_eq!(post(&["a", "b"], "").await.status, 201);
    assert_eq!(all().await, "b a");
    assert_eq!(post(&["c"], "True").await.json(), json!({"tags": [{"name": "c"}]}));
    assert_eq!(all().await, "c b a");
    post(&["d", "a"], "true").await.refuses(409, "A metadata tag with name=a already exists in namespace=n.");
    post(&["e", "e"], "").await.refuses(409, "A metadata tag with name=e already exists");
    assert_eq!(all().await, "c b a");
    assert_eq!(post(&[], "").await.status, 201);
    assert_eq!(all().await, "c b a");
    assert_eq!(post(&["z"], "no").await.status, 201);
    assert_eq!(all().await, "z");
    assert_eq!(api.call("admin", "POST", &format!("{tags}/one")).send().await.status, 201);
    let rename = json!({"name": "z"});
    let taken = api.call("admin", "PUT", &format!("{tags}/one")).json(&rename).await;
    taken.refuses(409, "A metadata tag with name=z already exists");
    let renamed = api.call("admin", "PUT", &format!("{tags}/one")).json(&json!({"name": "two"})).await;
    assert_eq!((renamed.status, &renamed.json()["name"]), (200, &json!("two")));
    assert_eq!(api.call("admin", "DELETE", &format!("{tags}/two")).send().await.status, 204);
    api.get("admin", &format!("{tags}/two")).await.refuses(404, "Could not find metadata tag two");
    assert_eq!(api.call("admin", "DELETE", &tags).send().await.status, 204);
    assert_eq!(all().await, "");
}

#[tokio::test]
async fn associations_make_resource_types_that_stay() {
    let api = TestApi::new().await;
    api.call("admin", "POST", NAMESPACES).json(&json!({"namespace": "n"})).await;
    let path = format!("{NAMESPACES}/n/resource_types");
    let new = json!({"name": "RT", "prefix": "p_", "properties_target": "image"});
    let made = api.call("admin", "POST", &path).json(&new).await;
    assert_eq!((made.status, timeless(made.json())), (201, new.clone()));
    let twice = api.call("admin", "POST", &path).json(&new).await;
    twice.refuses(409, "association of resource-type=RT to namespace=n already exists.");
    let all = api.get("admin", &path).await.json();
    assert_eq!(timeless(all), json!({"resource_type_associations": [new]}));
    assert_eq!(api.call("admin", "DELETE", &format!("{path}/RT")).send().await.status, 204);
    let gone = api.call("admin", "DELETE", &format!("{path}/RT")).send().await;
    gone.refuses(404, "Failed to find resource type RT to delete");
    assert_eq!(
        timeless(api.get("alice", "/v2/metadefs/resource_types").await.json()),
        json!({"resource_types": [{"name": "RT"}]})
    );
}

#[tokio::test]
async fn names_that_do_not_fit_a_path_are_escaped_in_links() {
    let api = TestApi::new().await;
    let made = api.call("admin", "POST", NAMESPACES).json(&json!({"namespace": "a/b é%"})).await;
    let path = "/v2/metadefs/namespaces/a%2Fb%20%C3%A9%25";
    assert_eq!(made.header("location"), Some(format!("http://images.test{path}").as_str()));
    assert_eq!(made.json()["self"], path);
    assert_eq!(api.get("admin", path).await.json()["namespace"], "a/b é%");
    assert_eq!(api.call("admin", "DELETE", path).send().await.status, 204);
}

#[tokio::test]
async fn schemas_of_definitions_are_complete() {
    let api = TestApi::new().await;
    for name in [
        "namespace",
        "namespaces",
        "resource_type",
        "resource_types",
        "property",
        "properties",
        "object",
        "objects",
        "tag",
        "tags",
    ] {
        let answer = api.get("alice", &format!("/v2/schemas/metadefs/{name}")).await;
        assert_eq!(answer.status, 200, "{name}");
        assert_json_snapshot!(format!("schema_metadef_{name}"), answer.json());
    }
}
