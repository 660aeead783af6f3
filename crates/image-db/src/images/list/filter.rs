// SPDX-License-Identifier: Apache-2.0
//! One filter as one SQL condition.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use scurry_image::{Filter, Match, NumberField, TimeOp};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, Condition};

use crate::entity::image::Column;
use crate::entity::{image, property, tag};
use crate::stamp::Stamp;

pub(super) fn condition(filter: &Filter) -> Condition {
    let all = Condition::all();
    match filter {
        Filter::Name(text) => all.add(matches(Column::Name, text)),
        Filter::Id(text) => all.add(matches(Column::Id, text)),
        Filter::Status(text) => all.add(matches(Column::Status, text)),
        Filter::DiskFormat(text) => all.add(matches(Column::DiskFormat, text)),
        Filter::ContainerFormat(text) => all.add(matches(Column::ContainerFormat, text)),
        Filter::Owner(owner) => all.add(Column::Owner.eq(owner.as_str())),
        // Both shape what the viewer sees as a whole.
        Filter::Visibility(_) | Filter::MemberStatus(_) => all,
        Filter::Tag(text) => {
            let mut tagged = Query::select();
            tagged
                .column(tag::Column::ImageId)
                .from(tag::Entity)
                .and_where(tag::Column::Deleted.eq(false))
                .and_where(tag::Column::Value.eq(text.as_str()));
            all.add(Expr::col((image::Entity, Column::Id)).in_subquery(tagged))
        }
        Filter::OsHidden(hidden) => all.add(Column::OsHidden.eq(*hidden)),
        Filter::Protected(protected) => all.add(Column::Protected.eq(*protected)),
        Filter::Min(field, least) => all.add(number(*field).gte(*least)),
        Filter::Max(field, most) => all.add(number(*field).lte(*most)),
        Filter::Number(field, value) => all.add(number(*field).eq(*value)),
        Filter::CreatedAt(operator, time) => time_condition(Column::CreatedAt, *operator, *time),
        Filter::UpdatedAt(operator, time) => time_condition(Column::UpdatedAt, *operator, *time),
        Filter::Checksum(text) => all.add(Column::Checksum.eq(text.as_str())),
        Filter::OsHashAlgo(text) => all.add(Column::OsHashAlgo.eq(text.as_str())),
        Filter::OsHashValue(text) => all.add(Column::OsHashValue.eq(text.as_str())),
        Filter::Property(name, value) => {
            let mut with = Query::select();
            with.column(property::Column::ImageId)
                .from(property::Entity)
                .and_where(property::Column::Deleted.eq(false))
                .and_where(property::Column::Name.eq(name.as_str()))
                .and_where(property::Column::Value.eq(value.as_str()));
            all.add(Expr::col((image::Entity, Column::Id)).in_subquery(with))
        }
        Filter::Nothing => all.add(Expr::val(1).eq(0)),
    }
}

fn matches(column: Column, text: &Match) -> sea_orm::sea_query::Expr {
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
fn time_condition(column: Column, operator: TimeOp, time: DateTime<Utc>) -> Condition {
    let from = Stamp::from(time);
    let whole = time == time.trunc_subsecs(0);
    let past = if whole { TimeDelta::seconds(1) } else { TimeDelta::microseconds(1) };
    let until = Stamp::from(time.checked_add_signed(past).unwrap_or(time));
    match operator {
        TimeOp::Eq => Condition::all().add(column.gte(from)).add(column.lt(until)),
        TimeOp::Neq => Condition::any().add(column.lt(from)).add(column.gte(until)),
        TimeOp::Gt => Condition::all().add(column.gte(until)),
        TimeOp::Gte => Condition::all().add(column.gte(from)),
        TimeOp::Lt => Condition::all().add(column.lt(from)),
        TimeOp::Lte => Condition::all().add(column.lt(until)),
    }
}
