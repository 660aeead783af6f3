// SPDX-License-Identifier: Apache-2.0
//! Versions, regions, services, endpoints.

use serde_json::{Value, json};

use crate::cloud::{cloud, column};

#[tokio::test]
async fn clients_discover_version_three() {
    let cloud = cloud().await;
    let root = cloud.get("/", "").await;
    assert_eq!(root.header("location"), Some("http://identity.test:5000/v3/"));
    assert_eq!(root.ok(300)["versions"]["values"][0]["id"], "v3.14");
    for path in ["/v3", "/v3/"] {
        let version = cloud.get(path, "").await.ok(200);
        assert_eq!(version["version"]["status"], "stable");
        assert_eq!(version["version"]["links"][0]["href"], "http://identity.test:5000/v3/");
    }
}

#[tokio::test]
async fn services_and_endpoints_are_created_found_changed_and_deleted() {
    let cloud = cloud().await;
    let admin = cloud.admin().await;
    let body = json!({"service": {"type": "compute", "name": "nova", "description": "d"}});
    let service = cloud.post("/v3/services", &admin, body).await.ok(201)["service"].clone();
    let service_id = service["id"].as_str().unwrap();
    for (query, count) in [("type=compute", 1), ("name=nova", 1), ("type=image&name=nova", 0)] {
        let found = cloud.get(&format!("/v3/services?{query}"), &admin).await.ok(200);
        assert_eq!(found["services"].as_array().unwrap().len(), count, "{query}");
    }
    let path = format!("/v3/services/{service_id}");
    let changed = cloud.patch(&path, &admin, json!({"service": {"description": "e"}})).await.ok(200);
    assert_eq!(
        (&changed["service"]["description"], &changed["service"]["name"]),
        (&json!("e"), &json!("nova"))
    );

    let body = json!({"endpoint": {
        "service_id": service_id, "interface": "public", "url": "http://nova/%(tenant_id)s", "region": "North",
    }});
    let endpoint = cloud.post("/v3/endpoints", &admin, body).await.ok(201)["endpoint"].clone();
    assert_eq!((&endpoint["region"], &endpoint["region_id"]), (&json!("North"), &json!("North")));
    let endpoint_path = format!("/v3/endpoints/{}", endpoint["id"].as_str().unwrap());
    for (query, count) in [("interface=public", 1), ("interface=admin", 0), ("region_id=North", 1)] {
        let path = format!("/v3/endpoints?service_id={service_id}&{query}");
        let found = cloud.get(&path, &admin).await.ok(200);
        assert_eq!(found["endpoints"].as_array().unwrap().len(), count, "{query}");
    }
    let listed = async || {
        let catalog = cloud.get("/v3/auth/catalog", &admin).await.ok(200)["catalog"].clone();
        let nova = catalog.as_array().unwrap().iter().find(|service| service["type"] == "compute").cloned();
        nova.map(|nova| column(&nova["endpoints"], "url"))
    };
    assert_eq!(listed().await, Some(vec![format!("http://nova/{}", cloud.ids.project_ids["admin"])]));
    cloud.patch(&endpoint_path, &admin, json!({"endpoint": {"url": "http://moved"}})).await.ok(200);
    assert_eq!(listed().await, Some(vec!["http://moved".to_owned()]));
    cloud.patch(&endpoint_path, &admin, json!({"endpoint": {"enabled": false}})).await.ok(200);
    assert_eq!(listed().await, Some(vec![]));
    cloud.patch(&path, &admin, json!({"service": {"enabled": false}})).await.ok(200);
    assert_eq!(listed().await, None);

    cloud.delete("/v3/regions/North", &admin).await.error(403);
    cloud.delete(&path, &admin).await.ok(204);
    cloud.get(&endpoint_path, &admin).await.error(404);
    cloud.delete("/v3/regions/North", &admin).await.ok(204);
}

#[tokio::test]
async fn an_endpoint_needs_what_it_points_at() {
    let cloud = cloud().await;
    let admin = cloud.admin().await;
    let image = &cloud.ids.service_ids["image"];
    let good = json!({"service_id": image, "interface": "public", "url": "http://x"});
    for (field, value) in [
        ("service_id", json!("nope")),
        ("service_id", json!(5)),
        ("interface", json!("secret")),
        ("url", json!("http://x/$(password)s")),
        ("url", json!("no url")),
        ("url", json!("")),
        ("region_id", json!("nope")),
        ("enabled", json!("yes")),
    ] {
        let mut endpoint = good.clone();
        endpoint[field] = value;
        cloud.post("/v3/endpoints", &admin, json!({ "endpoint": endpoint })).await.error(400);
    }
    for field in ["service_id", "interface", "url"] {
        let mut endpoint = good.clone();
        endpoint.as_object_mut().unwrap().remove(field);
        let refused = cloud.post("/v3/endpoints", &admin, json!({ "endpoint": endpoint })).await.error(400);
        assert!(refused.contains(&format!("'{field}' is a required property")), "{refused}");
    }
}

#[tokio::test]
async fn regions_are_named_by_their_makers_and_never_form_a_ring() {
    let cloud = cloud().await;
    let admin = cloud.admin().await;
    let region = |body: Value| json!({ "region": body });
    cloud.post("/v3/regions", &admin, region(json!({"id": "North"}))).await.ok(201);
    cloud.post("/v3/regions", &admin, region(json!({"id": "North"}))).await.error(409);
    let south = region(json!({"parent_region_id": "North", "description": "d"}));
    cloud.call("PUT", "/v3/regions/South", &admin, south).await.ok(201);
    cloud.call("PUT", "/v3/regions/West", &admin, region(json!({"id": "East"}))).await.error(400);
    cloud.post("/v3/regions", &admin, region(json!({"parent_region_id": "nope"}))).await.error(404);
    let below = cloud.get("/v3/regions?parent_region_id=North", &admin).await.ok(200);
    assert_eq!(column(&below["regions"], "id"), ["South"]);
    let ring = region(json!({"parent_region_id": "South"}));
    cloud.patch("/v3/regions/North", &admin, ring).await.error(400);
    cloud.delete("/v3/regions/North", &admin).await.error(403);
    cloud.delete("/v3/regions/South", &admin).await.ok(204);
    cloud.delete("/v3/regions/North", &admin).await.ok(204);
    cloud.get("/v3/regions/North", &admin).await.error(404);
}
