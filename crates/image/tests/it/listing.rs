// SPDX-License-Identifier: Apache-2.0
//! Lists: filters, order, pages.

use std::collections::BTreeSet;

use scurry_image::{
    Direction, Filter, Image, ImageService, ListQuery, Match, NewImage, NumberField, SortKey,
    VisibilityFilter,
};
use scurry_types::{ImageId, Visibility};

use crate::world::*;

async fn make(service: &ImageService, name: Option<&str>, change: impl FnOnce(&mut NewImage)) -> Image {
    let mut new = NewImage { name: name.map(str::to_owned), ..raw() };
    change(&mut new);
    service.create(&caller("p"), new).await.unwrap()
}

fn names(images: &[Image]) -> Vec<&str> {
    images.iter().map(|image| image.name.as_deref().unwrap_or("-")).collect()
}

async fn filtered(service: &ImageService, filters: Vec<Filter>) -> Vec<String> {
    let sort = vec![(SortKey::Name, Direction::Asc)];
    let query = ListQuery { filters, sort, ..ListQuery::default() };
    let found = service.list(&caller("p"), &query).await.unwrap();
    found.into_iter().map(|image| image.name.unwrap_or_default()).collect()
}

#[tokio::test]
async fn pages_are_whole_in_every_order() {
    let world = World::new();
    let service = world.start().await;
    for name in [Some("b"), None, Some("a"), Some("b"), None, Some("c"), Some("b")] {
        make(&service, name, |_| {}).await;
    }
    let keys = [
        SortKey::Name,
        SortKey::Status,
        SortKey::ContainerFormat,
        SortKey::DiskFormat,
        SortKey::Size,
        SortKey::Id,
        SortKey::CreatedAt,
        SortKey::UpdatedAt,
    ];
    for key in keys {
        for direction in [Direction::Asc, Direction::Desc] {
            let sort = vec![(key, direction)];
            let whole = ListQuery { sort: sort.clone(), ..ListQuery::default() };
            let whole = service.list(&caller("p"), &whole).await.unwrap();
            assert_eq!(whole.len(), 7);
            let mut paged = Vec::new();
            let mut marker: Option<ImageId> = None;
            loop {
                let query = ListQuery { sort: sort.clone(), marker, limit: 2, filters: Vec::new() };
                let page = service.list(&caller("p"), &query).await.unwrap();
                marker = page.last().map(|image| image.id.clone());
                paged.extend(page);
                if marker.is_none() {
                    break;
                }
            }
            assert_eq!(paged, whole, "{key:?} {direction:?}");
        }
    }
    let sort = vec![(SortKey::Name, Direction::Asc)];
    let sorted = service.list(&caller("p"), &ListQuery { sort, ..ListQuery::default() }).await.unwrap();
    assert_eq!(names(&sorted), ["-", "-", "a", "b", "b", "b", "c"]);
    let unknown = ListQuery { marker: Some(ImageId::random()), ..ListQuery::default() };
    assert!(text(service.list(&caller("p"), &unknown).await).starts_with("No image found with ID"));
}

#[tokio::test]
async fn filters_narrow_the_list() {
    let world = World::new();
    let service = world.start().await;
    make(&service, Some("a"), |new| new.tags = BTreeSet::from(["x".to_owned(), "y".to_owned()])).await;
    make(&service, Some("b"), |new| new.tags = BTreeSet::from(["x".to_owned()])).await;
    make(&service, Some("c"), |new| {
        new.properties.insert("arch".to_owned(), "arm".to_owned());
        new.min_ram = 512;
    })
    .await;
    make(&service, Some("d"), |new| {
        new.os_hidden = true;
        new.disk_format = Some("qcow2".to_owned());
    })
    .await;
    make(&service, Some("e"), |new| new.protected = true).await;
    let tag = |text: &str| Filter::Tag(text.to_owned());
    assert_eq!(filtered(&service, vec![]).await, ["a", "b", "c", "e"]);
    assert_eq!(filtered(&service, vec![tag("x")]).await, ["a", "b"]);
    assert_eq!(filtered(&service, vec![tag("x"), tag("y")]).await, ["a"]);
    let property = Filter::Property("arch".to_owned(), "arm".to_owned());
    assert_eq!(filtered(&service, vec![property]).await, ["c"]);
    assert_eq!(filtered(&service, vec![Filter::Min(NumberField::MinRam, 1)]).await, ["c"]);
    assert_eq!(filtered(&service, vec![Filter::Max(NumberField::MinRam, 1)]).await, ["a", "b", "e"]);
    assert_eq!(filtered(&service, vec![Filter::OsHidden(true)]).await, ["d"]);
    assert_eq!(filtered(&service, vec![Filter::Protected(true)]).await, ["e"]);
    let either = Match::In(vec!["a".to_owned(), "e".to_owned()]);
    assert_eq!(filtered(&service, vec![Filter::Name(either)]).await, ["a", "e"]);
    assert!(filtered(&service, vec![Filter::Nothing]).await.is_empty());
    let now = chrono::Utc::now();
    let later = now + chrono::TimeDelta::hours(1);
    assert!(filtered(&service, vec![Filter::CreatedAt(scurry_image::TimeOp::Gt, later)]).await.is_empty());
    assert_eq!(filtered(&service, vec![Filter::CreatedAt(scurry_image::TimeOp::Lt, later)]).await.len(), 4);
}

#[tokio::test]
async fn community_images_of_others_are_listed_on_request() {
    let world = World::new();
    let service = world.start().await;
    make(&service, Some("own"), |new| new.visibility = Visibility::Community).await;
    let other = NewImage { name: Some("other".to_owned()), visibility: Visibility::Community, ..raw() };
    service.create(&caller("q"), other).await.unwrap();
    let hidden = NewImage { name: Some("private".to_owned()), visibility: Visibility::Private, ..raw() };
    service.create(&caller("q"), hidden).await.unwrap();
    assert_eq!(filtered(&service, vec![]).await, ["own"]);
    let community = Filter::Visibility(VisibilityFilter::Is(Visibility::Community));
    assert_eq!(filtered(&service, vec![community]).await, ["other", "own"]);
    assert_eq!(filtered(&service, vec![Filter::Visibility(VisibilityFilter::All)]).await, ["other", "own"]);
    let all = ListQuery { filters: vec![Filter::Visibility(VisibilityFilter::All)], ..ListQuery::default() };
    assert_eq!(service.list(&admin(), &all).await.unwrap().len(), 3);
    let owned = Filter::Owner("q".to_owned());
    assert!(filtered(&service, vec![owned]).await.is_empty());
}
