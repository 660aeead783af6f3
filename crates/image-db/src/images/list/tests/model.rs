// SPDX-License-Identifier: Apache-2.0
//! Pages against a model that filters and sorts everything in memory.

use std::cmp::Ordering;
use std::collections::HashMap;

use chrono::{DateTime, SubsecRound, Utc};
use scurry_image::MemberStatusFilter;
use scurry_image::ports::Viewer;
use scurry_image::{
    Direction, Filter, Image, ListQuery, Match, NumberField, SortKey, TimeOp, VisibilityFilter,
};
use scurry_testkit::DatabaseKind;
use scurry_types::{ImageStatus, MemberStatus, ProjectId, Visibility};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait};

use super::super::images;
use super::{ALL_KEYS, filled_in, filter_sets, sorted_by};
use crate::connection::Database;
use crate::entity::{image, member};
use crate::every_database::on_every_database;
use crate::images::whole::{self, Found};

struct Everything {
    images: Vec<Image>,
    /// Status by image and project.
    members: HashMap<(String, String), MemberStatus>,
}

async fn everything(db: &Database) -> Everything {
    let live = image::Entity::find().filter(image::Column::Deleted.eq(false));
    let ids = live.select_only().column(image::Column::Id).into_query();
    let members = member::Entity::find().filter(member::Column::Deleted.eq(false));
    let members = members.all(&db.connection).await.unwrap();
    Everything {
        images: whole::read(&db.connection, &Found { ids, order: Vec::new() }).await.unwrap(),
        members: members
            .into_iter()
            .map(|row| ((row.image_id, row.member), row.status.parse().unwrap()))
            .collect(),
    }
}

impl Everything {
    fn list(&self, viewer: Viewer<'_>, query: &ListQuery) -> Vec<Image> {
        let mut found: Vec<Image> =
            self.images.iter().filter(|image| self.wanted(image, viewer, &query.filters)).cloned().collect();
        let mut keys = query.sort.clone();
        let tie = if keys.len() == 1 { keys[0].1 } else { Direction::Desc };
        keys.extend([(SortKey::CreatedAt, tie), (SortKey::Id, tie)]);
        found.sort_by(|a, b| {
            keys.iter().fold(Ordering::Equal, |order, (key, direction)| {
                let next = compare(a, b, *key);
                order.then(if *direction == Direction::Asc { next } else { next.reverse() })
            })
        });
        found
    }

    fn wanted(&self, image: &Image, viewer: Viewer<'_>, filters: &[Filter]) -> bool {
        let hidden = filters.iter().any(|one| matches!(one, Filter::OsHidden(true)));
        image.status != ImageStatus::Killed
            && image.os_hidden == hidden
            && self.seen(image, viewer, filters)
            && filters.iter().all(|filter| passes(image, filter))
    }

    fn seen(&self, image: &Image, viewer: Viewer<'_>, filters: &[Filter]) -> bool {
        let answer = filters.iter().find_map(|one| match one {
            Filter::MemberStatus(status) => Some(*status),
            _ => None,
        });
        let answer = answer.unwrap_or(MemberStatusFilter::Is(MemberStatus::Accepted));
        let (project, admin) = match viewer {
            Viewer::Admin { project } => (project, true),
            Viewer::Project(project) => (project, false),
        };
        let own = project.is_some() && image.owner.as_ref() == project;
        let member = project.is_some_and(|project| {
            let key = (image.id.to_string(), project.as_str().to_owned());
            image.visibility == Visibility::Shared
                && self.members.get(&key).is_some_and(|status| match answer {
                    MemberStatusFilter::All => true,
                    MemberStatusFilter::Is(only) => only == *status,
                })
        });
        let open = matches!(image.visibility, Visibility::Public | Visibility::Community);
        let asked = filters.iter().find_map(|one| match one {
            Filter::Visibility(asked) => Some(*asked),
            _ => None,
        });
        let meant = match asked {
            Some(VisibilityFilter::All) => true,
            Some(VisibilityFilter::Is(only)) => image.visibility == only,
            None => own || image.visibility != Visibility::Community,
        };
        meant && (admin || own || member || open)
    }
}

fn compare(a: &Image, b: &Image, key: SortKey) -> Ordering {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    match key {
        SortKey::Name => text(&a.name).cmp(&text(&b.name)),
        SortKey::Status => a.status.as_str().cmp(b.status.as_str()),
        SortKey::ContainerFormat => text(&a.container_format).cmp(&text(&b.container_format)),
        SortKey::DiskFormat => text(&a.disk_format).cmp(&text(&b.disk_format)),
        SortKey::Size => a.size.unwrap_or(0).cmp(&b.size.unwrap_or(0)),
        SortKey::Id => a.id.as_str().cmp(b.id.as_str()),
        SortKey::CreatedAt => a.created_at.cmp(&b.created_at),
        SortKey::UpdatedAt => a.updated_at.cmp(&b.updated_at),
    }
}

fn fits(text: Option<&str>, wanted: &Match) -> bool {
    text.is_some_and(|text| match wanted {
        Match::Eq(one) => one == text,
        Match::In(several) => several.iter().any(|one| one == text),
    })
}

fn number(image: &Image, field: NumberField) -> Option<i64> {
    match field {
        NumberField::Size => image.size.map(|size| i64::try_from(size).unwrap()),
        NumberField::VirtualSize => image.virtual_size.map(|size| i64::try_from(size).unwrap()),
        NumberField::MinDisk => Some(image.min_disk),
        NumberField::MinRam => Some(image.min_ram),
    }
}

fn at(time: DateTime<Utc>, operator: TimeOp, wanted: DateTime<Utc>) -> bool {
    let order = time.trunc_subsecs(0).cmp(&wanted);
    match operator {
        TimeOp::Eq => order.is_eq(),
        TimeOp::Neq => order.is_ne(),
        TimeOp::Gt => order.is_gt(),
        TimeOp::Gte => order.is_ge(),
        TimeOp::Lt => order.is_lt(),
        TimeOp::Lte => order.is_le(),
    }
}

fn passes(image: &Image, filter: &Filter) -> bool {
    match filter {
        Filter::Name(wanted) => fits(image.name.as_deref(), wanted),
        Filter::Id(wanted) => fits(Some(image.id.as_str()), wanted),
        Filter::Status(wanted) => fits(Some(image.status.as_str()), wanted),
        Filter::DiskFormat(wanted) => fits(image.disk_format.as_deref(), wanted),
        Filter::ContainerFormat(wanted) => fits(image.container_format.as_deref(), wanted),
        Filter::Owner(owner) => image.owner.as_ref().is_some_and(|own| own.as_str() == owner),
        Filter::Tag(tag) => image.tags.contains(tag),
        Filter::Protected(wanted) => image.protected == *wanted,
        Filter::Min(field, least) => number(image, *field).is_some_and(|number| number >= *least),
        Filter::Max(field, most) => number(image, *field).is_some_and(|number| number <= *most),
        Filter::Number(field, value) => number(image, *field) == Some(*value),
        Filter::CreatedAt(operator, time) => at(image.created_at, *operator, *time),
        // A row that was never changed has no such time.
        Filter::UpdatedAt(operator, time) => {
            image.updated_at != image.created_at && at(image.updated_at, *operator, *time)
        }
        Filter::Checksum(text) => image.checksum.as_deref() == Some(text),
        Filter::OsHashAlgo(text) => image.os_hash_algo.as_deref() == Some(text),
        Filter::OsHashValue(text) => image.os_hash_value.as_deref() == Some(text),
        Filter::Property(name, value) => image.properties.get(name) == Some(value),
        Filter::Visibility(_) | Filter::MemberStatus(_) | Filter::OsHidden(_) => true,
        Filter::Nothing => false,
    }
}

async fn walked(db: &Database, viewer: Viewer<'_>, query: &ListQuery) -> Vec<Image> {
    let mut query = query.clone();
    let mut all = Vec::new();
    loop {
        let page = images(db, viewer, &query).await.unwrap().unwrap();
        query.marker = page.last().map(|image| image.id.clone());
        let last = page.len() < query.limit as usize;
        all.extend(page);
        if last {
            return all;
        }
    }
}

async fn pages_are_what_a_model_says(kind: DatabaseKind) {
    let (_dir, db) = filled_in(kind).await;
    let everything = everything(&db).await;
    let projects = ["p0", "p1", "p2", "stranger"].map(ProjectId::from);
    let mut viewers = vec![Viewer::Admin { project: Some(&projects[1]) }, Viewer::Project(None)];
    viewers.extend(projects.iter().map(|project| Viewer::Project(Some(project))));
    let mut found = 0;
    for (turn, filters) in filter_sets().into_iter().enumerate() {
        for (at, viewer) in viewers.iter().enumerate() {
            // Each filter and viewer in two of the sixteen orders, all of them in turn; on servers, which are further
            // away, every third.
            for pick in [turn + at, turn + at + 5] {
                if kind != DatabaseKind::Sqlite && (turn + pick) % 3 != 0 {
                    continue;
                }
                let direction = if (turn + pick) % 2 == 0 { Direction::Asc } else { Direction::Desc };
                let order = sorted_by(ALL_KEYS[pick % ALL_KEYS.len()], direction);
                let query = ListQuery { filters: filters.clone(), limit: 613, ..order };
                let expected = everything.list(*viewer, &query);
                let pages = walked(&db, *viewer, &query).await;
                assert_eq!(ids(&pages), ids(&expected), "{viewer:?} {query:?}");
                assert_eq!(pages, expected, "{viewer:?} {query:?}");
                found += pages.len();
            }
        }
    }
    assert!(found > if kind == DatabaseKind::Sqlite { 50_000 } else { 10_000 }, "{found}");
}

fn ids(images: &[Image]) -> Vec<&str> {
    images.iter().map(|image| image.id.as_str()).collect()
}

async fn several_keys_in_both_directions(kind: DatabaseKind) {
    let (_dir, db) = filled_in(kind).await;
    let everything = everything(&db).await;
    let viewer = Viewer::Admin { project: None };
    let orders = [
        vec![(SortKey::Name, Direction::Asc), (SortKey::Size, Direction::Desc)],
        vec![(SortKey::Status, Direction::Desc), (SortKey::CreatedAt, Direction::Asc)],
        vec![
            (SortKey::DiskFormat, Direction::Asc),
            (SortKey::ContainerFormat, Direction::Asc),
            (SortKey::UpdatedAt, Direction::Asc),
        ],
        vec![(SortKey::Id, Direction::Desc), (SortKey::Name, Direction::Asc)],
    ];
    for sort in orders {
        let query = ListQuery { sort, limit: 409, ..ListQuery::default() };
        let pages = walked(&db, viewer, &query).await;
        assert_eq!(ids(&pages), ids(&everything.list(viewer, &query)), "{query:?}");
        assert!(pages.len() > 4000);
    }
}

on_every_database!(pages_are_what_a_model_says, several_keys_in_both_directions,);
