// SPDX-License-Identifier: Apache-2.0
//! Walks through pages while images come and go.

use std::collections::BTreeMap;

use scurry_image::ports::{Change, Guard, ImageRepository, Outcome, Viewer};
use scurry_image::{Direction, Image, ListQuery, SortKey};
use scurry_testkit::DatabaseKind;
use scurry_types::{ImageId, ProjectId, Visibility};

use super::super::images;
use super::{filled_in, sorted_by};
use crate::connection::Database;
use crate::every_database::on_every_database;

async fn page(db: &Database, viewer: Viewer<'_>, query: &ListQuery) -> Option<Vec<Image>> {
    images(db, viewer, query).await.unwrap()
}

/// Before and behind the marker new images appear, and the marker itself is deleted: whatever was there all the time
/// is listed once.
async fn what_was_there_all_the_time_is_listed_once(kind: DatabaseKind) {
    for key in [SortKey::CreatedAt, SortKey::Name, SortKey::Size, SortKey::Id] {
        for direction in [Direction::Asc, Direction::Desc] {
            // Servers are further away: half of it.
            if kind != DatabaseKind::Sqlite && (key == SortKey::Size) != (direction == Direction::Asc) {
                continue;
            }
            let (_dir, db) = filled_in(kind).await;
            let project = ProjectId::from("p0");
            let viewer = Viewer::Project(Some(&project));
            let mut query = ListQuery { limit: 97, ..sorted_by(key, direction) };
            let whole = ListQuery { limit: 10_000, ..query.clone() };
            let mut lasting: BTreeMap<String, u32> = page(&db, viewer, &whole)
                .await
                .unwrap()
                .into_iter()
                .map(|image| (image.id.to_string(), 0))
                .collect();
            let template = page(&db, viewer, &query).await.unwrap().remove(0);
            let mut turn = 0;
            loop {
                let now = page(&db, viewer, &query).await.unwrap();
                for image in &now {
                    *lasting.entry(image.id.to_string()).or_default() += 1;
                }
                let Some(last) = now.last().filter(|_| now.len() == 97) else { break };
                query.marker = Some(last.id.clone());
                turn += 1;
                come_and_go(&db, &template, &now, turn, &mut lasting).await;
            }
            assert!(turn > 10);
            let wrong: Vec<_> = lasting.iter().filter(|(_, times)| **times != 1).collect();
            assert_eq!(wrong, [], "{key:?} {direction:?}");
        }
    }
}

/// Adds images all over the order, and deletes the marker and one image before it.
async fn come_and_go(
    db: &Database,
    template: &Image,
    page: &[Image],
    turn: usize,
    lasting: &mut BTreeMap<String, u32>,
) {
    for (at, near) in [&page[0], &page[50], &page[96]].into_iter().enumerate() {
        let new = Image {
            id: ImageId::random(),
            owner: Some("p0".into()),
            visibility: Visibility::Private,
            name: near.name.clone(),
            size: near.size,
            created_at: near.created_at,
            properties: Default::default(),
            tags: [format!("new-{turn}-{at}")].into(),
            locations: Vec::new(),
            ..template.clone()
        };
        assert_eq!(db.create(&new).await.unwrap(), Outcome::Done);
    }
    for gone in [&page[96], &page[3]] {
        if gone.owner.as_ref().is_some_and(|owner| owner.as_str() == "p0") {
            assert_eq!(
                db.change(&gone.id, &Guard::default(), &[Change::Delete]).await.unwrap(),
                Outcome::Done
            );
            lasting.remove(gone.id.as_str());
        }
    }
}

async fn a_marker_the_viewer_may_not_see_is_no_marker(kind: DatabaseKind) {
    let (_dir, db) = filled_in(kind).await;
    let admin = Viewer::Admin { project: None };
    let all = ListQuery { limit: 10_000, ..ListQuery::default() };
    let foreign = page(&db, admin, &all).await.unwrap().into_iter().find(|image| {
        image.visibility == Visibility::Private
            && image.owner.as_ref().is_some_and(|owner| owner.as_str() == "p7")
    });
    let query = ListQuery { marker: foreign.map(|image| image.id), ..ListQuery::default() };
    assert!(page(&db, admin, &query).await.is_some());
    let (own, other) = (ProjectId::from("p7"), ProjectId::from("p8"));
    assert!(page(&db, Viewer::Project(Some(&own)), &query).await.is_some());
    assert!(page(&db, Viewer::Project(Some(&other)), &query).await.is_none());
    assert!(page(&db, Viewer::Project(None), &query).await.is_none());
    let unknown = ListQuery { marker: Some(ImageId::random()), ..ListQuery::default() };
    assert!(page(&db, admin, &unknown).await.is_none());
}

on_every_database!(what_was_there_all_the_time_is_listed_once, a_marker_the_viewer_may_not_see_is_no_marker,);
