// SPDX-License-Identifier: Apache-2.0
//! Pages of what one namespace holds. That is little, and all of it is read.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};

use super::item::{Object, Tag};
use super::query::{ItemQuery, ItemSortKey};
use crate::query::Direction;

/// Something lists are made of.
pub(super) trait Listed {
    fn name(&self) -> &str;
    fn description(&self) -> Option<&str>;
    fn created_at(&self) -> DateTime<Utc>;
    fn updated_at(&self) -> DateTime<Utc>;
}

impl Listed for Object {
    fn name(&self) -> &str {
        &self.name
    }
    fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }
    fn created_at(&self) -> DateTime<Utc> {
        self.created_at
    }
    fn updated_at(&self) -> DateTime<Utc> {
        self.updated_at
    }
}

impl Listed for Tag {
    fn name(&self) -> &str {
        &self.name
    }
    fn description(&self) -> Option<&str> {
        None
    }
    fn created_at(&self) -> DateTime<Utc> {
        self.created_at
    }
    fn updated_at(&self) -> DateTime<Utc> {
        self.updated_at
    }
}

/// The page of `items` (oldest first) that is asked for; `None` when the marker is none of them.
pub(super) fn page<T: Listed>(items: Vec<T>, query: &ItemQuery) -> Option<Vec<T>> {
    let mut numbered: Vec<(usize, T)> = items.into_iter().enumerate().collect();
    match query.sort {
        None => numbered.sort_by(|a, b| by(ItemSortKey::Name, a, b)),
        Some((key, direction)) => numbered.sort_by(|a, b| {
            let order = by(key, a, b).then(by(ItemSortKey::CreatedAt, a, b)).then(by(ItemSortKey::Id, a, b));
            if direction == Direction::Desc { order.reverse() } else { order }
        }),
    }
    let mut start = 0;
    if let Some(marker) = &query.marker {
        start = numbered.iter().position(|(_, item)| item.name() == marker)? + 1;
    }
    let rest = numbered.into_iter().skip(start).map(|(_, item)| item);
    Some(rest.take(query.limit.unwrap_or(usize::MAX)).collect())
}

fn by<T: Listed>(key: ItemSortKey, a: &(usize, T), b: &(usize, T)) -> Ordering {
    match key {
        ItemSortKey::Id => a.0.cmp(&b.0),
        ItemSortKey::Name => a.1.name().cmp(b.1.name()),
        ItemSortKey::Description => a.1.description().cmp(&b.1.description()),
        ItemSortKey::CreatedAt => a.1.created_at().cmp(&b.1.created_at()),
        ItemSortKey::UpdatedAt => a.1.updated_at().cmp(&b.1.updated_at()),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn tags() -> Vec<Tag> {
        let start = DateTime::<Utc>::UNIX_EPOCH;
        // b and c were made at once.
        [("b", 0), ("c", 0), ("a", 1)]
            .map(|(name, second)| {
                let at = start + TimeDelta::seconds(second);
                Tag { name: name.to_owned(), created_at: at, updated_at: at }
            })
            .to_vec()
    }

    fn names(query: &ItemQuery) -> Option<String> {
        page(tags(), query).map(|page| page.iter().map(|tag| tag.name.as_str()).collect())
    }

    #[test]
    fn order_marker_and_limit() {
        let query = |key, direction, marker: Option<&str>, limit| ItemQuery {
            sort: Some((key, direction)),
            marker: marker.map(str::to_owned),
            limit,
        };
        assert_eq!(names(&ItemQuery::default()).unwrap(), "abc");
        assert_eq!(names(&query(ItemSortKey::CreatedAt, Direction::Desc, None, None)).unwrap(), "acb");
        assert_eq!(names(&query(ItemSortKey::Name, Direction::Asc, None, Some(2))).unwrap(), "ab");
        assert_eq!(names(&query(ItemSortKey::Name, Direction::Asc, Some("b"), Some(2))).unwrap(), "c");
        assert_eq!(names(&query(ItemSortKey::Id, Direction::Desc, Some("b"), None)).unwrap(), "");
        assert_eq!(names(&query(ItemSortKey::Name, Direction::Asc, Some("z"), None)), None);
        assert_eq!(names(&query(ItemSortKey::Name, Direction::Asc, None, Some(0))).unwrap(), "");
    }
}
