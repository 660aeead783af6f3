// SPDX-License-Identifier: Apache-2.0
//! Unified limits.

use serde_json::{Value, json};

use crate::cloud::{Cloud, cloud, column, project, system};

fn registered(cloud: &Cloud, name: &str, default: Value) -> Value {
    json!({
        "service_id": cloud.ids.service_ids["image"], "region_id": "RegionOne",
        "resource_name": name, "default_limit": default,
    })
}

fn limit(cloud: &Cloud, name: &str, project: &str, value: i64) -> Value {
    json!({
        "service_id": cloud.ids.service_ids["image"], "region_id": "RegionOne", "resource_name": name,
        "project_id": cloud.ids.project_ids[project], "resource_limit": value,
    })
}

#[tokio::test]
async fn registered_limits_are_created_together_or_not_at_all() {
    let cloud = cloud().await;
    let admin = cloud.token("admin", system()).await;
    let create = async |limits: Value| {
        cloud.post("/v3/registered_limits", &admin, json!({ "registered_limits": limits })).await
    };
    let size = registered(&cloud, "image_size_total", json!(1000));
    let taken = registered(&cloud, "image_count_total", json!(5));
    let refused = create(json!([size, taken])).await.error(409);
    assert_eq!(refused, "Conflict occurred attempting to store registered_limit - Duplicate entry.");
    let found = cloud.get("/v3/registered_limits?resource_name=image_size_total", &admin).await.ok(200);
    assert_eq!(found["registered_limits"], json!([]));

    let created = create(json!([size])).await.ok(201)["registered_limits"][0].clone();
    let id = created["id"].as_str().unwrap();
    assert_eq!(created["links"]["self"], format!("http://identity.test:5000/v3/registered_limits/{id}"));
    assert_eq!((&created["default_limit"], &created["description"]), (&json!(1000), &Value::Null));
    // The same resource without a region is another limit, once.
    let mut everywhere = size.clone();
    everywhere.as_object_mut().unwrap().remove("region_id");
    create(json!([everywhere])).await.ok(201);
    create(json!([everywhere])).await.error(409);
    for wrong in [
        json!([]),
        json!({}),
        json!([5]),
        json!([{}]),
        json!([registered(&cloud, "x", json!("ten"))]),
        json!([registered(&cloud, "x", json!(-2))]),
        json!([registered(&cloud, "x", json!(1.5))]),
        json!([registered(&cloud, "", json!(1))]),
        json!([{"service_id": "nope", "resource_name": "x", "default_limit": 1}]),
        json!([{"service_id": cloud.ids.service_ids["image"], "region_id": "nope", "resource_name": "x", "default_limit": 1}]),
    ] {
        create(wrong).await.error(400);
    }
}

#[tokio::test]
async fn a_limit_stands_in_for_the_registered_one() {
    let cloud = cloud().await;
    let admin = cloud.admin().await;
    let create = async |limits: Value| cloud.post("/v3/limits", &admin, json!({ "limits": limits })).await;
    let own = limit(&cloud, "image_count_total", "demo", 3);
    let created = create(json!([own])).await.ok(201)["limits"][0].clone();
    let path = format!("/v3/limits/{}", created["id"].as_str().unwrap());
    let expected = json!({
        "id": created["id"], "service_id": cloud.ids.service_ids["image"], "region_id": "RegionOne",
        "resource_name": "image_count_total", "project_id": cloud.ids.project_ids["demo"], "domain_id": null,
        "resource_limit": 3, "description": null, "links": {"self": format!("http://identity.test:5000{path}")},
    });
    assert_eq!(created, expected);
    create(json!([own])).await.error(409);
    let unknown = create(json!([limit(&cloud, "image_size_total", "demo", 3)])).await.error(403);
    assert_eq!(unknown, "Unable to create a limit that has no corresponding registered limit.");
    let mut nobody = own.clone();
    nobody["project_id"] = json!("nope");
    let mut both = own.clone();
    both["domain_id"] = json!("default");
    let mut neither = own.clone();
    neither.as_object_mut().unwrap().remove("project_id");
    for wrong in [nobody, both, neither, limit(&cloud, "image_count_total", "other", -2)] {
        create(json!([wrong])).await.error(400);
    }
    let registered = cloud.get("/v3/registered_limits", &admin).await.ok(200);
    let registered = registered["registered_limits"][0]["id"].as_str().unwrap().to_owned();
    let registered = format!("/v3/registered_limits/{registered}");
    cloud.delete(&registered, &admin).await.error(403);
    let renamed = json!({"registered_limit": {"resource_name": "other"}});
    cloud.patch(&registered, &admin, renamed.clone()).await.error(403);
    let raised = json!({"registered_limit": {"default_limit": 200}});
    assert_eq!(
        cloud.patch(&registered, &admin, raised).await.ok(200)["registered_limit"]["default_limit"],
        200
    );
    let changed = cloud.patch(&path, &admin, json!({"limit": {"resource_limit": -1}})).await.ok(200);
    assert_eq!(changed["limit"]["resource_limit"], -1);
    cloud.delete(&path, &admin).await.ok(204);
    cloud.delete(&path, &admin).await.error(404);
    cloud.patch(&registered, &admin, renamed).await.ok(200);
    cloud.delete(&registered, &admin).await.ok(204);
}

#[tokio::test]
async fn projects_see_their_own_limits_and_no_others() {
    let cloud = cloud().await;
    let admin = cloud.admin().await;
    let limits = json!([
        limit(&cloud, "image_count_total", "demo", 3),
        limit(&cloud, "image_count_total", "other", 4)
    ]);
    let created = cloud.post("/v3/limits", &admin, json!({ "limits": limits })).await.ok(201);
    let ids = column(&created["limits"], "id");
    let (demo, reader) = (cloud.token("demo", project("demo")).await, cloud.token("glance", system()).await);
    let seen = async |token: &str, query: &str| {
        column(&cloud.get(&format!("/v3/limits{query}"), token).await.ok(200)["limits"], "id")
    };
    assert_eq!(seen(&demo, "").await, [ids[0].as_str()]);
    let of_other = format!("?project_id={}", cloud.ids.project_ids["other"]);
    assert!(seen(&demo, &of_other).await.is_empty());
    assert_eq!(seen(&reader, &of_other).await, [ids[1].as_str()]);
    assert_eq!(seen(&reader, "").await.len(), 2);
    assert!(seen(&reader, "?resource_name=image_size_total").await.is_empty());
    cloud.get(&format!("/v3/limits/{}", ids[0]), &demo).await.ok(200);
    cloud.get(&format!("/v3/limits/{}", ids[1]), &demo).await.error(403);
    cloud.get(&format!("/v3/limits/{}", ids[1]), &reader).await.ok(200);
    // The limits of a project end with it.
    cloud.delete(&format!("/v3/projects/{}", cloud.ids.project_ids["other"]), &admin).await.ok(204);
    assert_eq!(seen(&admin, "").await, [ids[0].as_str()]);
}
