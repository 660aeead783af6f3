// SPDX-License-Identifier: Apache-2.0
//! Plans of copies: asked for beforehand, and of one that is under way.

use scurry_image::{ImportMethod, ImportRequest, SourceExtents, Strategy};
use scurry_store::Operation;

use crate::world::*;

fn all() -> ImportRequest {
    ImportRequest { all_stores: true, ..import(ImportMethod::CopyImage, &[]) }
}

#[tokio::test]
async fn a_plan_says_what_the_copy_then_does() {
    let world = World::on_one_backend();
    let service = world.start().await;
    let image = active(&service, &caller("p")).await;
    let outlook = service.copy_plan(&admin(), &image.id, &all()).await.unwrap();
    let told: Vec<_> = outlook
        .plan
        .targets
        .iter()
        .map(|target| (target.store.as_str(), target.strategy, target.source.as_ref().unwrap().as_str()))
        .collect();
    let expected = [
        ("two", Strategy::ExtentCopy, "one"),
        ("three", Strategy::BackendClone, "two"),
        ("four", Strategy::BackendClone, "two"),
    ];
    assert_eq!(told, expected);
    assert_eq!(outlook.plan.targets[0].refused[0].reason, "store one is of another backend");
    let SourceExtents { count, data, zero } = outlook.plan.extents.unwrap();
    assert_eq!((count, data + zero), (2, content().len() as u64));
    assert_eq!(outlook.under_way, None);
    assert_eq!(world.stores[0].open_readers(), 0);
    assert_eq!(world.stores[1].faults().count(Operation::BeginWrite), 0, "nothing is done");
    let task = service.import(&admin(), &image.id, all()).await.unwrap().unwrap();
    ended(&service, &task).await;
    let written: Vec<_> =
        world.stores.iter().map(|store| store.faults().count(Operation::Write) > 0).collect();
    assert_eq!(written, [true, true, false, false], "the plan was true");
    let outlook = service.copy_plan(&admin(), &image.id, &all()).await.unwrap();
    assert!(outlook.plan.targets.is_empty() && outlook.plan.extents.is_none());
    service.shutdown().await;
}

#[tokio::test]
async fn while_a_copy_is_under_way_its_own_plan_is_shown() {
    let world = World::new();
    let service = world.start().await;
    let image = active(&service, &caller("p")).await;
    let mut gate = world.stores[2].faults().hold(Operation::Write);
    let request = import(ImportMethod::CopyImage, &["three"]);
    let task = service.import(&admin(), &image.id, request).await.unwrap().unwrap();
    gate.reached().await;
    let outlook = service.copy_plan(&admin(), &image.id, &all()).await.unwrap();
    let stores: Vec<_> = outlook.plan.targets.iter().map(|target| target.store.as_str()).collect();
    assert_eq!((stores, outlook.under_way.unwrap().0), (vec!["three"], task.clone()));
    assert_eq!(outlook.plan.source.unwrap().as_str(), "one");
    assert!(outlook.plan.extents.is_some());
    drop(gate);
    ended(&service, &task).await;
    service.shutdown().await;
    world.check().await;
}

#[tokio::test]
async fn what_could_not_be_copied_has_no_plan() {
    let world = World::new();
    let service = world.start().await;
    let image = service.create(&caller("p"), raw()).await.unwrap();
    assert_eq!(
        text(service.copy_plan(&admin(), &image.id, &all()).await),
        "Only images with status active can be targeted for copying"
    );
    let image = active(&service, &caller("p")).await;
    let unknown = import(ImportMethod::CopyImage, &["nowhere"]);
    assert!(text(service.copy_plan(&admin(), &image.id, &unknown).await).contains("nowhere"));
    let stranger = service.copy_plan(&caller("q"), &image.id, &all()).await;
    assert!(text(stranger).contains(image.id.as_str()));
    service.shutdown().await;
}
