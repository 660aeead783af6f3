// SPDX-License-Identifier: Apache-2.0
//! Order of a list, and the condition that continues it behind an image.

use scurry_image::{Direction, SortKey};
use sea_orm::sea_query::{Expr, ExprTrait, Func};
use sea_orm::{Condition, IntoSimpleExpr, Order, Value};

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
        if !keys.iter().any(|(known, _)| *known == key) {
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
pub(super) fn expression(key: SortKey) -> Expr {
    let text = |column: Column| Func::coalesce([column.into_simple_expr(), Expr::val("")]).into();
    match key {
        SortKey::Name => text(Column::Name),
        SortKey::ContainerFormat => text(Column::ContainerFormat),
        SortKey::DiskFormat => text(Column::DiskFormat),
        SortKey::Size => Func::coalesce([Column::Size.into_simple_expr(), Expr::val(0)]).into(),
        SortKey::Status => Column::Status.into_simple_expr(),
        SortKey::Id => Column::Id.into_simple_expr(),
        SortKey::CreatedAt => Column::CreatedAt.into_simple_expr(),
        SortKey::UpdatedAt => {
            Func::coalesce([Column::UpdatedAt.into_simple_expr(), Column::CreatedAt.into_simple_expr()])
                .into()
        }
    }
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

/// Rows that come after `row`: greater in some key and equal in all keys before it.
pub(super) fn behind(keys: &[(SortKey, Direction)], row: &Model) -> Condition {
    let mut any = Condition::any();
    for (at, (key, direction)) in keys.iter().enumerate() {
        let mut all = Condition::all();
        for (before, _) in &keys[..at] {
            all = all.add(expression(*before).eq(value(*before, row)));
        }
        let last = value(*key, row);
        all = all.add(match direction {
            Direction::Asc => expression(*key).gt(last),
            Direction::Desc => expression(*key).lt(last),
        });
        any = any.add(all);
    }
    any
}
