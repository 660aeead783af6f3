// SPDX-License-Identifier: Apache-2.0
//! One filter as one SQL condition.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use scurry_image::{Filter, Match, NumberField, TimeOp};
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{Condition, Iden};

use super::terms::{checked, plain};
use crate::entity::image::Column;
use crate::entity::{property, tag};
use crate::stamp::Stamp;

/// The filter as something each row is checked against; no index is chosen for it.
pub(super) fn check(filter: &Filter) -> Condition {
    let all = Condition::all();
    match filter {
        Filter::Name(text) => all.add(matches(checked(Column::Name), text)),
        Filter::Id(text) => all.add(matches(checked(Column::Id), text)),
        Filter::Status(text) => all.add(matches(checked(Column::Status), text)),
        Filter::DiskFormat(text) => all.add(matches(checked(Column::DiskFormat), text)),
        Filter::ContainerFormat(text) => all.add(matches(checked(Column::ContainerFormat), text)),
        Filter::Owner(owner) => all.add(checked(Column::Owner).eq(owner.as_str())),
        // These shape the list as a whole.
        Filter::Visibility(_) | Filter::MemberStatus(_) | Filter::OsHidden(_) => all,
        Filter::Tag(text) => all.add(Expr::exists(of_this_image(tagged(text), tag::Column::ImageId))),
        Filter::Protected(protected) => all.add(checked(Column::Protected).eq(*protected)),
        Filter::Min(field, least) => all.add(checked(number(*field)).gte(*least)),
        Filter::Max(field, most) => all.add(checked(number(*field)).lte(*most)),
        Filter::Number(field, value) => all.add(checked(number(*field)).eq(*value)),
        Filter::CreatedAt(operator, time) => span(&checked(Column::CreatedAt), *operator, *time),
        Filter::UpdatedAt(operator, time) => span(&checked(Column::UpdatedAt), *operator, *time),
        Filter::Checksum(text) => all.add(checked(Column::Checksum).eq(text.as_str())),
        Filter::OsHashAlgo(text) => all.add(checked(Column::OsHashAlgo).eq(text.as_str())),
        Filter::OsHashValue(text) => all.add(checked(Column::OsHashValue).eq(text.as_str())),
        Filter::Property(name, value) => {
            all.add(Expr::exists(of_this_image(with_property(name, value), property::Column::ImageId)))
        }
        Filter::Nothing => all.add(Expr::val(1).eq(0)),
    }
}

/// Ids of images with a tag.
pub(super) fn tagged(text: &str) -> SelectStatement {
    let mut tagged = Query::select();
    tagged
        .column(tag::Column::ImageId)
        .from(tag::Entity)
        .and_where(Expr::col(tag::Column::Deleted).eq(false))
        .and_where(Expr::col(tag::Column::Value).eq(text));
    tagged
}

/// Ids of images with an additional property of that value.
pub(super) fn with_property(name: &str, value: &str) -> SelectStatement {
    let mut with = Query::select();
    with.column(property::Column::ImageId)
        .from(property::Entity)
        .and_where(Expr::col(property::Column::Deleted).eq(false))
        .and_where(Expr::col(property::Column::Name).eq(name))
        .and_where(Expr::col(property::Column::Value).eq(value));
    with
}

/// A list of image ids narrowed to the row at hand.
pub(super) fn of_this_image(mut ids: SelectStatement, column: impl Iden) -> SelectStatement {
    ids.and_where(Expr::col(Alias::new(column.to_string())).eq(plain(Column::Id)));
    ids
}

pub(super) fn matches(column: Expr, text: &Match) -> Expr {
    match text {
        Match::Eq(value) => column.eq(value.as_str()),
        Match::In(values) => column.is_in(values.iter().map(String::as_str)),
    }
}

const fn number(field: NumberField) -> Column {
    match field {
        NumberField::Size => Column::Size,
        NumberField::VirtualSize => Column::VirtualSize,
        NumberField::MinDisk => Column::MinDisk,
        NumberField::MinRam => Column::MinRam,
    }
}

/// Clients see whole seconds, so a whole second means all of it.
pub(super) fn span(column: &Expr, operator: TimeOp, time: DateTime<Utc>) -> Condition {
    let column = || column.clone();
    let from = Stamp::from(time);
    let whole = time == time.trunc_subsecs(0);
    let past = if whole { TimeDelta::seconds(1) } else { TimeDelta::microseconds(1) };
    let until = Stamp::from(time.checked_add_signed(past).unwrap_or(time));
    match operator {
        TimeOp::Eq => Condition::all().add(column().gte(from)).add(column().lt(until)),
        TimeOp::Neq => Condition::any().add(column().lt(from)).add(column().gte(until)),
        TimeOp::Gt => Condition::all().add(column().gte(until)),
        TimeOp::Gte => Condition::all().add(column().gte(from)),
        TimeOp::Lt => Condition::all().add(column().lt(from)),
        TimeOp::Lte => Condition::all().add(column().lt(until)),
    }
}
