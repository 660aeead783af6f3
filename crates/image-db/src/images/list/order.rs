// SPDX-License-Identifier: Apache-2.0
//! Order of a list, and the conditions that continue it behind an image.

use scurry_image::{Direction, SortKey};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{Order, Value};

use super::terms::plain;
use crate::entity::image::{Column, Model};

/// The keys asked for, then creation time and id, so that the order is total.
pub(super) fn keys(asked: &[(SortKey, Direction)]) -> Vec<(SortKey, Direction)> {
    let fallback = match asked {
        [(_, direction)] => *direction,
        _ => Direction::Desc,
    };
    let mut keys: Vec<(SortKey, Direction)> = Vec::new();
    let ties = [(SortKey::CreatedAt, fallback), (SortKey::Id, fallback)];
    for (key, direction) in asked.iter().copied().chain(ties) {
        let total = keys.iter().any(|(known, _)| *known == SortKey::Id);
        if !total && !keys.iter().any(|(known, _)| *known == key) {
            keys.push((key, direction));
        }
    }
    keys
}

pub(super) const fn sea_order(direction: Direction) -> Order {
    match direction {
        Direction::Asc => Order::Asc,
        Direction::Desc => Order::Desc,
    }
}

/// What rows are compared by: a null counts as the least value, so that pages can go on behind one.
/// `schema/indexes.sql` has an index on each of these, word for word.
pub(super) fn expression(key: SortKey) -> Expr {
    match key {
        SortKey::Name => Expr::cust("COALESCE(images.name, '')"),
        SortKey::ContainerFormat => Expr::cust("COALESCE(images.container_format, '')"),
        SortKey::DiskFormat => Expr::cust("COALESCE(images.disk_format, '')"),
        SortKey::Size => Expr::cust("COALESCE(images.size, 0)"),
        SortKey::UpdatedAt => Expr::cust("COALESCE(images.updated_at, images.created_at)"),
        SortKey::Status => plain(Column::Status),
        SortKey::Id => plain(Column::Id),
        SortKey::CreatedAt => plain(Column::CreatedAt),
    }
}

/// What the names of the indexes that are in this order end with (`schema/indexes.sql`).
pub(super) const fn index(key: SortKey) -> &'static str {
    match key {
        SortKey::Name => "name",
        SortKey::ContainerFormat => "container_format",
        SortKey::DiskFormat => "disk_format",
        SortKey::Size => "size",
        SortKey::UpdatedAt => "updated_at",
        SortKey::Status => "status",
        SortKey::Id => "id",
        SortKey::CreatedAt => "created_at",
    }
}

const fn is_column(key: SortKey) -> bool {
    matches!(key, SortKey::Status | SortKey::Id | SortKey::CreatedAt)
}

fn value(key: SortKey, row: &Model) -> Value {
    match key {
        SortKey::Name => row.name.clone().unwrap_or_default().into(),
        SortKey::ContainerFormat => row.container_format.clone().unwrap_or_default().into(),
        SortKey::DiskFormat => row.disk_format.clone().unwrap_or_default().into(),
        SortKey::Size => row.size.unwrap_or(0).into(),
        SortKey::Status => row.status.clone().into(),
        SortKey::Id => row.id.clone().into(),
        SortKey::CreatedAt => row.created_at.into(),
        SortKey::UpdatedAt => row.updated_at.unwrap_or(row.created_at).into(),
    }
}

/// Rows equal to another in the first keys, and behind it in the next.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) rows: Expr,
    /// How many keys are equal: these rows are in the order of the others.
    pub(super) equal: usize,
}

/// Rows that come after `row`, in steps that follow one another in the list's order. One by one, the database can
/// look each of them up in an index; `bounded` says in words what a comparison of several columns begins with, as
/// MariaDB sees no range in it.
pub(super) fn behind(keys: &[(SortKey, Direction)], row: &Model, bounded: bool) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut equal: Option<Expr> = None;
    let mut at = 0;
    while let Some(run) = run(keys, at) {
        let mut next = compare(run, row);
        if let (true, [(first, direction), _, ..]) = (bounded, run) {
            let (key, least) = (expression(*first), value(*first, row));
            let within = if *direction == Direction::Asc { key.gte(least) } else { key.lte(least) };
            next = within.and(next);
        }
        let rows = equal.clone().map_or_else(|| next.clone(), |equal| equal.and(next.clone()));
        steps.push(Step { rows, equal: at });
        for (key, _) in run {
            let same = expression(*key).eq(value(*key, row));
            equal = Some(equal.map_or_else(|| same.clone(), |equal| equal.and(same.clone())));
        }
        at += run.len();
    }
    steps.reverse();
    steps
}

/// The keys from `at` on that one comparison can take: several when they are columns of one direction.
fn run(keys: &[(SortKey, Direction)], at: usize) -> Option<&[(SortKey, Direction)]> {
    let rest = keys.get(at..).filter(|rest| !rest.is_empty())?;
    let (first, direction) = rest[0];
    let len = if is_column(first) {
        rest.iter().take_while(|(key, other)| is_column(*key) && *other == direction).count()
    } else {
        1
    };
    rest.get(..len)
}

fn compare(run: &[(SortKey, Direction)], row: &Model) -> Expr {
    let (left, right) = match run {
        [(only, _)] => (expression(*only), Expr::value(value(*only, row))),
        _ => (
            Expr::tuple(run.iter().map(|(key, _)| expression(*key))),
            Expr::tuple(run.iter().map(|(key, _)| Expr::value(value(*key, row)))),
        ),
    };
    match run.first() {
        Some((_, Direction::Asc)) => left.gt(right),
        _ => left.lt(right),
    }
}
