// SPDX-License-Identifier: Apache-2.0
//! PATCH: what each operation does, and the words of each refusal.

use scurry_image::{Dialect, ImageError, PatchOp, PatchRights, PatchVerb};
use scurry_store::{Operation, StoreErrorKind};
use scurry_types::Visibility;
use serde_json::{Value, json};

use crate::world::*;

fn op(verb: PatchVerb, path: &str, value: Value) -> PatchOp {
    let path = path.split('/').map(str::to_owned).collect();
    PatchOp { op: verb, path, value: Some(value), dialect: Dialect::V21 }
}

fn add(path: &str, value: Value) -> PatchOp {
    op(PatchVerb::Add, path, value)
}

fn replace(path: &str, value: Value) -> PatchOp {
    op(PatchVerb::Replace, path, value)
}

fn remove(path: &str) -> PatchOp {
    PatchOp { value: None, ..op(PatchVerb::Remove, path, Value::Null) }
}

#[tokio::test]
async fn operations_are_applied_together() {
    let world = World::new();
    let service = world.start().await;
    let who = caller("p");
    let image = service.create(&who, raw()).await.unwrap();
    let ops = [
        replace("name", json!("new")),
        add("hw", json!("x")),
        add("gone", json!("y")),
        remove("gone"),
        replace("tags", json!(["b", "a"])),
        replace("visibility", json!("private")),
        replace("disk_format", json!("qcow2")),
        replace("min_ram", json!(5)),
        replace("protected", json!(true)),
    ];
    let now = service.update(&who, &image.id, &ops, &PatchRights::default()).await.unwrap();
    assert_eq!(now.name.as_deref(), Some("new"));
    assert_eq!(now.properties.get("hw").map(String::as_str), Some("x"));
    assert!(!now.properties.contains_key("gone"));
    assert_eq!(now.tags.len(), 2);
    assert_eq!((now.visibility, now.min_ram, now.protected), (Visibility::Private, 5, true));
    assert!(now.updated_at > image.updated_at);
    let failing = [replace("name", json!("lost")), replace("nope", json!("x"))];
    assert!(service.update(&who, &image.id, &failing, &PatchRights::default()).await.is_err());
    assert_eq!(service.get(&who, &image.id).await.unwrap().name.as_deref(), Some("new"));
    let back = [remove("hw"), add("hw", json!("again"))];
    let now = service.update(&who, &image.id, &back, &PatchRights::default()).await.unwrap();
    assert_eq!(now.properties["hw"], "again");
}

#[tokio::test]
async fn refusals_have_glances_words() {
    let world = World::new();
    let service = world.start().await;
    let who = caller("p");
    let image = active(&service, &who).await;
    let v20 = PatchOp { dialect: Dialect::V20, ..add("name", json!("x")) };
    let cases = [
        (replace("nope", json!("x")), 409, "Property nope does not exist."),
        (remove("nope"), 409, "Property nope does not exist."),
        (v20, 409, "Property name already present."),
        (remove("name"), 403, "Property name may not be removed."),
        (replace("size", json!(1)), 403, "Attribute 'size' is read-only."),
        (add("status", json!("queued")), 403, "Attribute 'status' is read-only."),
        (add("os_hash_value", json!("x")), 403, "Attribute 'os_hash_value' is read-only."),
        (add("deleted", json!(true)), 403, "Attribute 'deleted' is reserved."),
        (add("os_glance_import_task", json!("x")), 403, "Attribute 'os_glance_import_task' is reserved."),
        (add("tags/-", json!("x")), 400, "Invalid JSON pointer for this resource: '/tags/-'"),
        (add("a/b/c", json!("x")), 400, "Invalid JSON pointer for this resource: '/a/b/c'"),
        (
            replace("disk_format", json!("raw")),
            403,
            "Attribute disk_format can be only replaced for a queued image.",
        ),
        (replace("owner", json!("q")), 403, "Owner can't be updated by non admin."),
        (
            replace("visibility", json!("public")),
            403,
            "You are not authorized to complete publicize_image action.",
        ),
        (
            replace("min_disk", json!(-1)),
            400,
            "Invalid value '-1' for parameter 'min_disk': Cannot be a negative value",
        ),
        (replace("protected", json!("yes")), 400, "is not of type 'boolean'"),
        (add("x", json!(5)), 400, "5 is not of type 'string'"),
        (replace("name", json!("\u{1f600}")), 400, "Name can't contain 4 byte unicode characters."),
        (replace("locations", json!([])), 403, "Cannot set locations to empty list."),
        (remove("locations/0"), 403, "Cannot remove last location in the image."),
        (remove("locations/7"), 400, "Invalid JSON pointer for this resource: '/locations/7'"),
    ];
    let rights = PatchRights { set_locations: true, delete_locations: true, ..PatchRights::default() };
    for (op, status, expected) in cases {
        let answer = service.update(&who, &image.id, std::slice::from_ref(&op), &rights).await;
        let error = answer.unwrap_err();
        let found = match &error {
            ImageError::Invalid(_) => 400,
            ImageError::Forbidden(_) => 403,
            ImageError::Conflict(_) => 409,
            _ => 0,
        };
        assert_eq!(found, status, "{op:?}: {error}");
        assert!(error.to_string().contains(expected), "{op:?}: {error}");
    }
}

#[tokio::test]
async fn concurrent_changes_are_not_lost() {
    let world = World::new();
    let service = world.start().await;
    let who = caller("p");
    let image = service.create(&who, raw()).await.unwrap();
    let writers: Vec<_> = (0..8)
        .map(|number| {
            let (service, who, id) = (service.clone(), who.clone(), image.id.clone());
            tokio::spawn(async move {
                let ops = [add(&format!("key{number}"), json!("x"))];
                service.update(&who, &id, &ops, &PatchRights::default()).await.unwrap();
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(service.get(&who, &image.id).await.unwrap().properties.len(), 8);
}

#[tokio::test]
async fn an_owner_can_be_changed_by_an_administrator() {
    let world = World::new();
    let service = world.start().await;
    let image = service.create(&caller("p"), raw()).await.unwrap();
    let rights = PatchRights { change_owner: true, ..PatchRights::default() };
    let ops = [replace("owner", json!("q"))];
    let now = service.update(&admin(), &image.id, &ops, &rights).await.unwrap();
    assert_eq!(now.owner, Some("q".into()));
    assert!(service.get(&caller("p"), &image.id).await.is_err());
}

#[tokio::test]
async fn a_new_owner_is_written_on_every_object() {
    let world = World::new();
    let (service, db) = world.build().await;
    service.start().await.unwrap();
    let image = active(&service, &caller("p")).await;
    let url = &image.locations[0].url;
    // The store is out of service at first: the job tries again.
    let faults = world.stores[0].faults();
    faults.fail_nth(Operation::Commit, 1, StoreErrorKind::Unavailable);
    let ops = [replace("owner", json!("q"))];
    let rights = PatchRights { change_owner: true, ..PatchRights::default() };
    service.update(&admin(), &image.id, &ops, &rights).await.unwrap();
    quiet(&db, &image.id).await;
    assert_eq!(world.stores[0].owner(url), Some("q".into()));
    // What is no change makes no job.
    service.update(&admin(), &image.id, &ops, &rights).await.unwrap();
    quiet(&db, &image.id).await;
}
