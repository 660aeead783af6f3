// SPDX-License-Identifier: Apache-2.0
//! Who sees and changes what: tenants never see each other.

use scurry_image::{ImageError, ListQuery, NewImage};
use scurry_types::{ImageStatus, MemberStatus, Visibility};

use crate::world::*;

#[tokio::test]
async fn a_private_image_does_not_exist_for_others() {
    let world = World::new();
    let service = world.start().await;
    let image =
        service.create(&caller("p"), NewImage { visibility: Visibility::Private, ..raw() }).await.unwrap();
    let other = caller("q");
    assert!(matches!(service.get(&other, &image.id).await, Err(ImageError::NotFound(_))));
    assert!(matches!(service.delete(&other, &image.id).await, Err(ImageError::NotFound(_))));
    assert!(matches!(service.tasks_of(&other, &image.id).await, Err(ImageError::NotFound(_))));
    assert!(matches!(service.members(&other, &image.id).await, Err(ImageError::NotFound(_))));
    assert!(service.list(&other, &ListQuery::default()).await.unwrap().is_empty());
    service.get(&admin(), &image.id).await.unwrap();
}

#[tokio::test]
async fn a_public_image_can_be_seen_but_not_changed() {
    let world = World::new();
    let service = world.start().await;
    let image =
        service.create(&caller("p"), NewImage { visibility: Visibility::Public, ..raw() }).await.unwrap();
    let other = caller("q");
    service.get(&other, &image.id).await.unwrap();
    for answer in [
        service.delete(&other, &image.id).await,
        service.add_tag(&other, &image.id, "x").await,
        service.deactivate(&other, &image.id).await,
        service.upload(&other, &image.id, scurry_image::Upload::default(), body(b"x")).await,
        service.stage(&other, &image.id, None, body(b"x")).await,
    ] {
        assert!(matches!(answer, Err(ImageError::Forbidden(_))), "{answer:?}");
    }
}

#[tokio::test]
async fn nobody_creates_images_for_others() {
    let world = World::new();
    let service = world.start().await;
    let new = NewImage { owner: Some("q".into()), ..raw() };
    let said = text(service.create(&caller("p"), new.clone()).await);
    assert_eq!(said, "You are not permitted to create images owned by 'q'");
    service.create(&admin(), new).await.unwrap();
}

#[tokio::test]
async fn sharing_needs_the_members_consent_to_appear_in_lists() {
    let world = World::new();
    let service = world.start().await;
    let (owner, member) = (caller("p"), caller("q"));
    let image = service.create(&owner, raw()).await.unwrap();
    assert!(service.get(&member, &image.id).await.is_err());
    service.add_member(&owner, &image.id, "q").await.unwrap();
    service.add_member(&owner, &image.id, "r").await.unwrap();
    let again = service.add_member(&owner, &image.id, "q").await;
    assert!(matches!(again, Err(ImageError::Conflict(_))), "{again:?}");
    service.get(&member, &image.id).await.unwrap();
    assert!(service.list(&member, &ListQuery::default()).await.unwrap().is_empty());
    let seen = service.members(&member, &image.id).await.unwrap();
    assert_eq!(seen.iter().map(|one| one.member.as_str()).collect::<Vec<_>>(), ["q"]);
    assert_eq!(service.members(&owner, &image.id).await.unwrap().len(), 2);
    assert!(service.member(&member, &image.id, "r").await.is_err());
    let by_owner = service.set_member_status(&owner, &image.id, "q", MemberStatus::Accepted).await;
    assert!(matches!(by_owner, Err(ImageError::Forbidden(_))), "{by_owner:?}");
    service.set_member_status(&member, &image.id, "q", MemberStatus::Accepted).await.unwrap();
    assert_eq!(service.list(&member, &ListQuery::default()).await.unwrap().len(), 1);
    let removed_by_member = service.remove_member(&member, &image.id, "r").await;
    assert!(matches!(removed_by_member, Err(ImageError::Forbidden(_))));
    service.remove_member(&owner, &image.id, "q").await.unwrap();
    assert!(service.get(&member, &image.id).await.is_err());
    service.add_member(&owner, &image.id, "q").await.unwrap();
}

#[tokio::test]
async fn only_shared_images_have_members() {
    let world = World::new();
    let service = world.start().await;
    let new = NewImage { visibility: Visibility::Private, ..raw() };
    let image = service.create(&caller("p"), new).await.unwrap();
    let said = text(service.members(&caller("p"), &image.id).await);
    assert_eq!(
        said,
        format!("Not allowed to list members for image {}: Only shared images have members.", image.id)
    );
}

#[tokio::test]
async fn a_deactivated_image_is_for_administrators() {
    let world = World::new();
    let service = world.start().await;
    let who = caller("p");
    let image = active(&service, &who).await;
    service.deactivate(&who, &image.id).await.unwrap();
    service.deactivate(&who, &image.id).await.unwrap();
    let answer = service.download(&who, &image.id, None, &[]).await;
    assert!(matches!(answer, Err(ImageError::Forbidden(_))));
    assert!(service.download(&admin(), &image.id, None, &[]).await.unwrap().is_some());
    service.reactivate(&who, &image.id).await.unwrap();
    assert_eq!(service.get(&who, &image.id).await.unwrap().status, ImageStatus::Active);
    let queued = service.create(&who, raw()).await.unwrap();
    let said = text(service.deactivate(&who, &queued.id).await);
    assert_eq!(said, "Not allowed to deactivate image in status 'queued'");
}
