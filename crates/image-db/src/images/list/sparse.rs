// SPDX-License-Identifier: Apache-2.0
//! Filters that few images pass: those images are fetched and sorted, instead of walking the list in its order.

use scurry_image::{Direction, Filter, Match, NumberField, SortKey, TimeOp};
use scurry_types::Visibility;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{Condition, ConnectionTrait};

use super::filter::{matches, span, tagged, with_property};
use super::order::expression;
use super::terms::plain;
use crate::entity::image::{self, Column};
use crate::images::RowError;

/// Sorting so many images is cheaper than looking for them.
const FEW: u64 = 1000;

/// Whether a list of ids is short. No more than [`FEW`] of them are read.
pub(super) async fn is_short<C: ConnectionTrait>(db: &C, ids: &SelectStatement) -> Result<bool, RowError> {
    let mut head = ids.clone();
    head.limit(FEW + 1);
    let mut count = Query::select();
    count.expr_as(Expr::cust("COUNT(*)"), "total").from_subquery(head, Alias::new("head"));
    let row = db.query_one(&count).await?;
    let total: i64 = row.map(|row| row.try_get("", "total")).transpose()?.unwrap_or(0);
    Ok(u64::try_from(total).is_ok_and(|total| total <= FEW))
}

/// Ids of images that pass the filter, when an index knows them; `None` too when the index of the list's own order
/// narrows by this filter.
pub(super) fn ids(filter: &Filter, hidden: bool, leading: SortKey) -> Option<SelectStatement> {
    let by_creation = leading == SortKey::CreatedAt;
    let listed = |narrow: Condition| Some(listed(hidden, narrow));
    let all = Condition::all();
    match filter {
        Filter::Tag(text) => Some(tagged(text)),
        Filter::Property(name, value) => Some(with_property(name, value)),
        Filter::Id(text) => Some(found(Condition::all().add(matches(plain(Column::Id), text)))),
        Filter::Checksum(text) => Some(found(all.add(plain(Column::Checksum).eq(text.as_str())))),
        Filter::OsHashValue(text) => Some(found(all.add(plain(Column::OsHashValue).eq(text.as_str())))),
        Filter::Name(text)
        | Filter::Status(text)
        | Filter::DiskFormat(text)
        | Filter::ContainerFormat(text) => {
            let ordered = by_creation && fixed(filter).is_some();
            let (false, Some(key)) = (ordered, column_key(filter)) else { return None };
            listed(all.add(matches(expression(key), text)))
        }
        Filter::Min(NumberField::Size, least) if leading != SortKey::Size => {
            listed(all.add(expression(SortKey::Size).gte(*least)))
        }
        Filter::Max(NumberField::Size, most) if leading != SortKey::Size => {
            listed(all.add(expression(SortKey::Size).lte(*most)))
        }
        Filter::Number(NumberField::Size, value) if !by_creation => {
            listed(all.add(expression(SortKey::Size).eq(*value)))
        }
        Filter::CreatedAt(operator, time) if !by_creation && *operator != TimeOp::Neq => {
            listed(span(&expression(SortKey::CreatedAt), *operator, *time))
        }
        Filter::UpdatedAt(operator, time) if leading != SortKey::UpdatedAt && *operator != TimeOp::Neq => {
            listed(span(&expression(SortKey::UpdatedAt), *operator, *time))
        }
        _ => None,
    }
}

/// Ids of images between two sizes: many may be above the one and many below the other, and few between.
pub(super) fn between_sizes(filters: &[Filter], hidden: bool, leading: SortKey) -> Option<SelectStatement> {
    if leading == SortKey::Size {
        return None;
    }
    let bound = |filter: &Filter| match filter {
        Filter::Min(NumberField::Size, least) => Some(expression(SortKey::Size).gte(*least)),
        Filter::Max(NumberField::Size, most) => Some(expression(SortKey::Size).lte(*most)),
        _ => None,
    };
    let bounds: Vec<Expr> = filters.iter().filter_map(bound).collect();
    let narrow = || bounds.iter().cloned().fold(Condition::all(), Condition::add);
    (bounds.len() > 1).then(|| listed(hidden, narrow()))
}

/// The narrowing an index of the list's order can make use of, beside the check of the filter itself.
pub(super) fn narrowing(filter: &Filter, keys: &[(SortKey, Direction)]) -> Option<Condition> {
    let leading = keys.first().map_or(SortKey::CreatedAt, |(key, _)| *key);
    let all = Condition::all();
    match filter {
        Filter::Name(text)
        | Filter::Status(text)
        | Filter::DiskFormat(text)
        | Filter::ContainerFormat(text) => {
            let key = fixed(filter).filter(|_| leading == SortKey::CreatedAt)?;
            Some(all.add(matches(expression(key), text)))
        }
        Filter::Min(NumberField::Size, least) if leading == SortKey::Size => {
            Some(all.add(expression(leading).gte(*least)))
        }
        Filter::Max(NumberField::Size, most) if leading == SortKey::Size => {
            Some(all.add(expression(leading).lte(*most)))
        }
        Filter::Number(NumberField::Size, value) if leading == SortKey::CreatedAt => {
            Some(all.add(expression(SortKey::Size).eq(*value)))
        }
        Filter::CreatedAt(operator, time) if leading == SortKey::CreatedAt && *operator != TimeOp::Neq => {
            Some(span(&expression(leading), *operator, *time))
        }
        Filter::UpdatedAt(operator, time) if leading == SortKey::UpdatedAt && *operator != TimeOp::Neq => {
            Some(span(&expression(leading), *operator, *time))
        }
        _ => None,
    }
}

/// The key that is the same in all images that pass the filter: no list is ordered by it.
pub(super) const fn fixed(filter: &Filter) -> Option<SortKey> {
    match filter {
        Filter::Name(Match::Eq(_))
        | Filter::Status(Match::Eq(_))
        | Filter::DiskFormat(Match::Eq(_))
        | Filter::ContainerFormat(Match::Eq(_)) => column_key(filter),
        Filter::Number(NumberField::Size, _) => Some(SortKey::Size),
        _ => None,
    }
}

const fn column_key(filter: &Filter) -> Option<SortKey> {
    match filter {
        Filter::Name(_) => Some(SortKey::Name),
        Filter::Status(_) => Some(SortKey::Status),
        Filter::DiskFormat(_) => Some(SortKey::DiskFormat),
        Filter::ContainerFormat(_) => Some(SortKey::ContainerFormat),
        _ => None,
    }
}

fn found(narrow: Condition) -> SelectStatement {
    let mut ids = Query::select();
    ids.expr(plain(Column::Id)).from(image::Entity).cond_where(narrow);
    ids
}

/// All visibilities are named because the indexes begin with them.
fn listed(hidden: bool, narrow: Condition) -> SelectStatement {
    let every = Visibility::ALL.iter().map(|one| image::visibility(*one));
    let prefix = Condition::all()
        .add(plain(Column::Deleted).eq(false))
        .add(plain(Column::OsHidden).eq(hidden))
        .add(plain(Column::Visibility).is_in(every));
    found(prefix.add(narrow))
}
