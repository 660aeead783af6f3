// SPDX-License-Identifier: Apache-2.0
//! Limits: where they are checked, and their words.

use std::collections::BTreeMap;

use scurry_image::{ImageError, ImportMethod, NewImage, Upload};
use scurry_types::{ImageId, ImageStatus, TaskStatus};

use crate::world::*;

fn limited(limits: &[(&'static str, i64)]) -> World {
    let mut world = World::new();
    world.limits = Some(limits.iter().copied().collect::<BTreeMap<_, _>>());
    world
}

#[tokio::test]
async fn the_sum_of_sizes_counts_every_copy_and_comes_before_everything() {
    let world = limited(&[("image_size_total", 3)]);
    let service = world.start().await;
    let who = caller("p");
    let image = active(&service, &who).await;
    let request = import(ImportMethod::CopyImage, &["two"]);
    let task = service.import(&who, &image.id, request).await.unwrap().unwrap();
    ended(&service, &task).await;
    let nobody = ImageId::random();
    let answer = service.upload(&who, &nobody, Upload::default(), body(b"x")).await;
    assert_eq!(
        text(answer),
        "Project p is over a limit for [Resource image_size_total is over limit of 3 due to current usage 5 \
         and delta 0]"
    );
    let import = service.import(&who, &nobody, import(ImportMethod::CopyImage, &["two"])).await;
    assert!(matches!(import, Err(ImageError::OverLimit(_))), "{import:?}");
    let usage = service.usage(&who).await.unwrap();
    assert_eq!((usage[0].resource, usage[0].usage, usage[0].limit), ("image_size_total", 5, 3));
}

#[tokio::test]
async fn an_announced_size_counts_in_whole_mebibytes() {
    let world = limited(&[("image_size_total", 2)]);
    let service = world.start().await;
    let who = caller("p");
    let image = service.create(&who, raw()).await.unwrap();
    let upload = Upload { store: None, declared_len: Some(3 << 20) };
    let answer = service.upload(&who, &image.id, upload, body(b"x")).await;
    assert!(text(answer).ends_with("current usage 0 and delta 3]"));
}

#[tokio::test]
async fn images_are_counted() {
    let world = limited(&[("image_count_total", 1)]);
    let service = world.start().await;
    let image = service.create(&caller("p"), raw()).await.unwrap();
    let answer = service.create(&caller("p"), raw()).await;
    assert!(text(answer).contains("image_count_total is over limit of 1 due to current usage 1 and delta 1"));
    service.create(&caller("q"), raw()).await.unwrap();
    service.delete(&caller("p"), &image.id).await.unwrap();
    service.create(&caller("p"), raw()).await.unwrap();
}

#[tokio::test]
async fn uploads_under_way_are_counted() {
    let world = limited(&[("image_count_uploading", 0)]);
    let service = world.start().await;
    let who = caller("p");
    let image = service.create(&who, raw()).await.unwrap();
    let answer = service.upload(&who, &image.id, Upload::default(), body(b"x")).await;
    assert!(text(answer).contains("image_count_uploading"));
    let answer = service.stage(&who, &image.id, None, body(b"x")).await;
    assert!(text(answer).contains("image_count_uploading"));
    assert_eq!(service.get(&who, &image.id).await.unwrap().status, ImageStatus::Queued);
    world.check().await;
}

#[tokio::test]
async fn a_copy_over_the_limit_fails_its_task() {
    let mut world = World::new();
    let image = {
        let service = world.start().await;
        let image = active(&service, &caller("p")).await;
        service.shutdown().await;
        image
    };
    world.limits = Some(BTreeMap::from([("image_stage_total", 1)]));
    let service = world.start().await;
    let request = import(ImportMethod::CopyImage, &["two"]);
    let task = service.import(&caller("p"), &image.id, request).await.unwrap().unwrap();
    let task = ended(&service, &task).await;
    assert_eq!(task.status, TaskStatus::Failure);
    assert!(task.message.contains("image_stage_total is over limit of 1"), "{}", task.message);
    service.shutdown().await;
    world.check().await;
}

#[tokio::test]
async fn members_tags_and_properties_have_limits_of_the_configuration() {
    let mut world = World::new();
    world.settings.quotas = scurry_image::Quotas { members: 1, properties: 1, tags: 1, locations: -1 };
    let service = world.start().await;
    let who = caller("p");
    let image = service.create(&who, raw()).await.unwrap();
    service.add_tag(&who, &image.id, "a").await.unwrap();
    service.add_tag(&who, &image.id, "a").await.unwrap();
    assert_eq!(
        text(service.add_tag(&who, &image.id, "b").await),
        "The limit has been exceeded on the number of allowed image tags. Attempted: 2, \
         Maximum: 1"
    );
    service.add_member(&who, &image.id, "q").await.unwrap();
    assert!(text(service.add_member(&who, &image.id, "r").await).contains("allowed image members"));
    let properties = [("a", "1"), ("b", "2")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let new = NewImage { properties: properties.into(), ..raw() };
    assert!(text(service.create(&who, new).await).contains("allowed image properties"));
}

#[tokio::test]
async fn many_requests_at_once_stay_below_the_limits() {
    let world = limited(&[("image_count_total", 3), ("image_size_total", 5), ("image_count_uploading", 9)]);
    let service = world.start().await;
    let who = caller("p");
    let created = futures::future::join_all((0..9).map(|_| service.create(&who, raw()))).await;
    let images: Vec<_> = created.into_iter().flatten().collect();
    assert_eq!(images.len(), 3);
    // Three million bytes are announced as less than 3 MiB, two of them as 5 MiB.
    let uploads = images.iter().map(|image| {
        let upload = Upload { store: None, declared_len: Some(3_000_000) };
        service.upload(&who, &image.id, upload, body(&content()))
    });
    let uploaded = futures::future::join_all(uploads).await;
    assert_eq!(uploaded.iter().filter(|answer| answer.is_ok()).count(), 2, "{uploaded:?}");
    // What was reserved is free again once it counts for itself.
    for image in &images {
        service.delete(&who, &image.id).await.unwrap();
    }
    let image = service.create(&who, raw()).await.unwrap();
    let upload = Upload { store: None, declared_len: Some(3_000_000) };
    service.upload(&who, &image.id, upload, body(&content())).await.unwrap();
}
